"""The pool of the asyncio client, with connections that are none."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from holdfast.async_pool import AsyncPool
from holdfast.resp import ErrorReply
from holdfast.retry import Failure, Kind
from holdfast.wire import AsyncLink, Broken

DOWN = Failure(Kind.BROKEN, "connection refused")


class FakeLink:
    def __init__(self) -> None:
        self.load = 0
        self.closed = False
        self.retired = False
        self.active_at = asyncio.get_running_loop().time()
        self.answer: object = b"PONG"

    async def exchange(self, payload: bytes, count: int) -> list[Any]:
        if isinstance(self.answer, Broken):
            self.closed = True
            raise self.answer
        return [self.answer]

    def close(self, reason: str = "") -> None:
        self.closed = True

    def retire(self) -> None:
        self.retired = True


class Maker:
    def __init__(self, *outcomes: Failure) -> None:
        self.made: list[FakeLink] = []
        self.calls = 0
        self.outcomes = list(outcomes)

    async def __call__(self) -> AsyncLink | Failure:
        self.calls += 1
        await asyncio.sleep(0)
        if self.outcomes:
            return self.outcomes.pop(0)
        self.made.append(FakeLink())
        return cast(AsyncLink, self.made[-1])


def _pool(maker: Maker, *, size: int = 2, health_check_seconds: float = 60) -> AsyncPool:
    return AsyncPool(maker, size=size, health_check_seconds=health_check_seconds)


async def test_tasks_that_come_together_share_the_first_connection() -> None:
    maker = Maker()
    pool = _pool(maker)
    assert pool.ready() is None
    links = await asyncio.gather(*(pool.take() for _ in range(50)))
    assert maker.calls == 1
    assert set(map(id, links)) == {id(maker.made[0])}
    assert pool.ready() is links[0]


async def test_another_connection_is_opened_under_load_up_to_the_size() -> None:
    maker = Maker()
    pool = _pool(maker)
    await pool.take()
    maker.made[0].load = 32
    assert pool.ready() is None
    assert await pool.take() is cast(AsyncLink, maker.made[1])
    maker.made[1].load = 40
    assert pool.ready() is cast(AsyncLink, maker.made[0])
    assert await pool.take() is cast(AsyncLink, maker.made[0])
    assert maker.calls == 2


async def test_who_waited_while_an_opening_failed_shares_the_failure() -> None:
    maker = Maker(DOWN)
    pool = _pool(maker)
    outcomes = await asyncio.gather(*(pool.take() for _ in range(50)))
    assert outcomes == [DOWN] * 50
    assert maker.calls == 1
    assert isinstance(await pool.take(), FakeLink)


async def test_a_closed_connection_is_replaced() -> None:
    maker = Maker()
    pool = _pool(maker)
    await pool.take()
    maker.made[0].closed = True
    assert pool.ready() is None
    assert await pool.take() is cast(AsyncLink, maker.made[1])


@pytest.mark.parametrize("answer", [Broken("gone", sent=True), ErrorReply("NOAUTH")])
async def test_an_idle_connection_that_fails_its_check_is_replaced(answer: object) -> None:
    maker = Maker()
    pool = _pool(maker, health_check_seconds=-1)
    await pool.take()
    assert pool.ready() is None
    assert await pool.tried() is cast(AsyncLink, maker.made[0])
    maker.made[0].answer = answer
    assert await pool.tried() is None
    assert maker.made[0].closed
    assert await pool.take() is cast(AsyncLink, maker.made[1])


async def test_a_pool_closes_or_retires_all_it_has() -> None:
    for end in ("close", "retire"):
        maker = Maker()
        pool = _pool(maker)
        await pool.take()
        getattr(pool, end)()
        assert (maker.made[0].closed, maker.made[0].retired) == (end == "close", end == "retire")


async def test_a_connection_that_opens_too_late_is_closed() -> None:
    maker = Maker()
    pool = _pool(maker)
    late = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    pool.close()
    await late
    assert maker.made[0].closed
