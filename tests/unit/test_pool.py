"""The pool of connections, with connections that are none."""

from __future__ import annotations

import os
import time
from math import inf
from typing import Any, cast

import pytest

from holdfast.pool import PING, Pool
from holdfast.resp import ErrorReply
from holdfast.wire import Broken, Link


class FakeLink:
    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = False
        self.idle_since = 0.0
        self.renew_at = inf
        self.answer: object = b"PONG"
        self.asked: list[bytes] = []

    def exchange(self, payload: bytes, count: int) -> list[Any]:
        self.asked.append(payload)
        if isinstance(self.answer, Broken):
            self.closed = True
            raise self.answer
        return [self.answer] * count

    def close(self) -> None:
        self.closed = True


class Maker:
    def __init__(self) -> None:
        self.made: list[FakeLink] = []

    def __call__(self) -> Link:
        self.made.append(FakeLink(len(self.made)))
        return cast(Link, self.made[-1])


def _pool(maker: Maker, *, size: int = 3, health_check_seconds: float = 60) -> Pool:
    return Pool(maker, size=size, health_check_seconds=health_check_seconds)


def _take(pool: Pool) -> Link:
    link = pool.take(0, may_open=True)
    assert link is not None
    return link


def test_a_connection_is_opened_when_needed_and_then_used_again() -> None:
    maker = Maker()
    pool = _pool(maker)
    assert maker.made == []
    first = _take(pool)
    second = _take(pool)
    pool.give(first)
    pool.give(second)
    assert _take(pool) is second
    assert _take(pool) is first
    assert len(maker.made) == 2


def test_no_more_than_the_size_are_out_at_once() -> None:
    pool = _pool(Maker(), size=2)
    links = [_take(pool), _take(pool)]
    with pytest.raises(Broken, match="in use"):
        pool.take(time.monotonic() + 0.01, may_open=True)
    pool.give(links[0])
    assert _take(pool) is links[0]


def test_nothing_is_opened_without_permission_and_the_place_stays_free() -> None:
    maker = Maker()
    pool = _pool(maker, size=1)
    assert pool.take(0, may_open=False) is None
    assert maker.made == []
    link = _take(pool)
    pool.give(link)
    assert pool.take(0, may_open=False) is link


def test_a_failed_opening_frees_its_place() -> None:
    def fail() -> Link:
        raise ConnectionRefusedError

    pool = Pool(fail, size=1, health_check_seconds=60)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            pool.take(0, may_open=True)


def test_a_closed_connection_is_never_used_again() -> None:
    maker = Maker()
    pool = _pool(maker, size=1)
    link = _take(pool)
    link.close()
    pool.give(link)
    assert _take(pool) is not link


@pytest.mark.parametrize("answer", [Broken("gone", sent=True), ErrorReply("NOAUTH")])
def test_an_idle_connection_that_fails_its_check_is_replaced(answer: object) -> None:
    maker = Maker()
    pool = _pool(maker, health_check_seconds=-1)
    links = [_take(pool), _take(pool)]
    for link in links:
        pool.give(link)
    for made in maker.made:
        made.answer = answer
    assert _take(pool) not in links
    assert all(made.closed for made in maker.made[:2])
    assert maker.made[1].asked == [PING]


def test_a_closed_pool_closes_what_is_idle_and_what_comes_back() -> None:
    pool = _pool(Maker())
    idle, out = _take(pool), _take(pool)
    pool.give(idle)
    pool.close()
    assert idle.closed
    assert not out.closed
    pool.give(out)
    assert out.closed


def test_a_forked_child_leaves_its_parents_connections_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maker = Maker()
    pool = _pool(maker)
    pool.give(_take(pool))
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    child = _take(pool)
    assert child is not cast(Link, maker.made[0])
    assert not maker.made[0].closed


class Renewal:
    """Logs in again, or finds that the connection is lost."""

    def __init__(self) -> None:
        self.renewed: list[Link] = []
        self.lost = False

    def __call__(self, link: Link) -> None:
        self.renewed.append(link)
        if self.lost:
            cast(FakeLink, link).closed = True
            raise Broken("lost", sent=True)
        link.renew_at = time.monotonic() + 60


def test_a_login_whose_time_has_come_is_renewed_when_nobody_uses_it_and_once() -> None:
    renewal = Renewal()
    pool = Pool(Maker(), size=3, health_check_seconds=60, renew=renewal)
    link = _take(pool)
    link.renew_at = time.monotonic() - 1
    assert renewal.renewed == []
    pool.give(link)
    assert renewal.renewed == []
    assert _take(pool) is link
    pool.give(link)
    assert _take(pool) is link
    assert renewal.renewed == [link]


def test_a_connection_that_is_lost_while_it_logs_in_again_is_replaced() -> None:
    renewal = Renewal()
    renewal.lost = True
    pool = Pool(Maker(), size=3, health_check_seconds=60, renew=renewal)
    link = _take(pool)
    link.renew_at = time.monotonic() - 1
    pool.give(link)
    assert _take(pool) is not link
