"""The short-term cache on real servers."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import pytest

import holdfast
from holdfast import CacheComputeTimeout, ConfigError, StoreUnavailable
from holdfast.cache import Cache
from holdfast.commands import cache as commands
from tests.stores import Lab


def test_entries_are_bytes_of_a_tenant_with_a_ttl(lab: Lab) -> None:
    cache = lab.store.cache
    assert cache.get("weather: Oslo é") is None
    cache.put("weather: Oslo é", b"\x00\xff rain", ttl_seconds=60)
    assert cache.get("weather: Oslo é") == b"\x00\xff rain"
    assert lab.open(name="other").cache.get("weather: Oslo é") is None
    assert 50_000 < lab.ttl_ms(lab.space.cache("weather: Oslo é")) <= 60_000
    assert cache.delete("weather: Oslo é") is True
    assert cache.delete("weather: Oslo é") is False
    assert cache.get("weather: Oslo é") is None


def test_an_entry_without_a_ttl_is_refused(lab: Lab) -> None:
    for ttl_seconds in (0, -1, None):
        with pytest.raises(ConfigError, match="ttl_seconds"):
            lab.store.cache.put("n", b"v", ttl_seconds=ttl_seconds)  # type: ignore[arg-type] # bad


def count_and(value: bytes, calls: list[int]) -> bytes:
    calls.append(1)
    time.sleep(0.15)
    return value


def test_of_eight_threads_one_computes_and_all_get_its_value(sync_lab: Lab) -> None:
    calls: list[int] = []
    got: list[bytes] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        got.append(
            sync_lab.store.cache.get_or_compute(
                "n", lambda: count_and(b"v", calls), ttl_seconds=60, wait_seconds=20
            )
        )

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert got == [b"v"] * 8
    assert sync_lab.admin("EXISTS", sync_lab.space.cache_lock("n")) == 0


async def test_of_eight_tasks_one_computes_and_all_get_its_value(sync_lab: Lab) -> None:
    calls: list[int] = []

    async def compute() -> bytes:
        calls.append(1)
        await asyncio.sleep(0.15)
        return b"v"

    source = sync_lab.servers.connection.for_role("svc")
    async with holdfast.connect_async(source, tenant=sync_lab.tenant) as store:
        got = await asyncio.gather(
            *(
                store.cache.get_or_compute("n", compute, ttl_seconds=60, wait_seconds=20)
                for _ in range(8)
            )
        )
    assert (len(calls), got) == (1, [b"v"] * 8)


async def test_a_cancelled_computation_leaves_the_task_to_the_next(sync_lab: Lab) -> None:
    computing = asyncio.Event()

    async def never() -> bytes:
        computing.set()
        await asyncio.Event().wait()
        return b""

    async def quick() -> bytes:
        return b"v"

    source = sync_lab.servers.connection.for_role("svc")
    async with holdfast.connect_async(source, tenant=sync_lab.tenant) as store:
        task = asyncio.create_task(store.cache.get_or_compute("n", never, ttl_seconds=60))
        async with asyncio.timeout(30):
            await computing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await store.cache.get_or_compute("n", quick, ttl_seconds=60, wait_seconds=1) == b"v"


def test_a_computation_that_fails_leaves_the_task_to_the_next(sync_lab: Lab) -> None:
    message = "the tool is down"

    def fail() -> bytes:
        raise ValueError(message)

    cache = sync_lab.store.cache
    with pytest.raises(ValueError, match=message):
        cache.get_or_compute("n", fail, ttl_seconds=60)
    assert cache.get_or_compute("n", lambda: b"v", ttl_seconds=60, wait_seconds=1) == b"v"


def test_a_caller_that_waits_in_vain_is_told_so(sync_lab: Lab) -> None:
    sync_lab.admin("SET", sync_lab.space.cache_lock("n"), "somebody", "PX", 60_000)
    started = time.monotonic()
    with pytest.raises(CacheComputeTimeout, match=r"'n'.*within 0\.2 s"):
        sync_lab.store.cache.get_or_compute("n", lambda: b"v", ttl_seconds=60, wait_seconds=0.2)
    assert time.monotonic() - started >= 0.2
    assert sync_lab.store.cache.get("n") is None


def test_whoever_died_while_computing_is_replaced_when_its_time_is_over(sync_lab: Lab) -> None:
    sync_lab.admin("SET", sync_lab.space.cache_lock("n"), "died", "PX", 200)
    cache = sync_lab.store.cache
    assert cache.get_or_compute("n", lambda: b"v", ttl_seconds=60, wait_seconds=10) == b"v"


def test_whoever_took_too_long_does_not_overwrite_the_newer_value(sync_lab: Lab) -> None:
    lock = sync_lab.space.cache_lock("n")

    def slow() -> bytes:
        sync_lab.admin("SET", lock, "the one who took over", "PX", 60_000)
        return b"old"

    cache = sync_lab.store.cache
    assert cache.get_or_compute("n", slow, ttl_seconds=60) == b"old"
    assert cache.get("n") is None
    assert sync_lab.admin("GET", lock) == "the one who took over"


def test_a_claim_whose_reply_was_lost_is_the_same_claim_when_sent_again(sync_lab: Lab) -> None:
    store = sync_lab.store
    claim = commands.claim(store._scope, "n", "token", compute_ms=60_000)
    assert store._executor.run(claim).compute
    assert store._executor.run(claim).compute
    other = commands.claim(store._scope, "n", "other", compute_ms=60_000)
    assert 0 < store._executor.run(other).remaining_ms <= 60_000


def test_an_outage_after_the_computation_costs_the_entry_and_not_the_value(
    sync_lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unavailable(*args: object, **named: object) -> object:
        message = "no primary"
        raise StoreUnavailable(message)

    monkeypatch.setattr(commands, "fill", unavailable)
    with caplog.at_level(logging.WARNING, "holdfast.cache"):
        value = sync_lab.store.cache.get_or_compute("n", lambda: b"v", ttl_seconds=60)
    assert value == b"v"
    assert "was computed but not stored: no primary" in caplog.text


def test_a_value_that_is_no_bytes_is_refused_and_the_task_given_back(sync_lab: Lab) -> None:
    cache: Cache = sync_lab.store.cache
    with pytest.raises(ConfigError, match="bytes"):
        cache.get_or_compute("n", lambda: "text", ttl_seconds=60)  # type: ignore[arg-type,return-value] # bad
    assert sync_lab.admin("EXISTS", sync_lab.space.cache_lock("n")) == 0
