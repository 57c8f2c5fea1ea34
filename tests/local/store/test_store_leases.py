"""Leases on real servers."""

from __future__ import annotations

import logging

import pytest

from holdfast import AsyncSessionStore, Fenced, LeaseHeld, StoreUnavailable
from holdfast.commands import leases
from holdfast.commands.scope import Scope
from holdfast.store import SessionStore
from tests.servers import wait_until
from tests.stores import Lab


def test_one_worker_at_a_time_and_the_fence_grows(lab: Lab) -> None:
    session_id = lab.store.create(user="ann").session_id
    first = lab.store.acquire_lease(session_id, ttl_ms=20_000)
    with pytest.raises(LeaseHeld) as caught:
        lab.open().acquire_lease(session_id)
    assert 0 < caught.value.remaining_ms <= 20_000
    assert lab.store.release_lease(first) is True
    second = lab.open().acquire_lease(session_id)
    assert (first.fence, second.fence) == (1, 2)


def test_a_lease_runs_out_by_itself_and_is_then_anothers(lab: Lab) -> None:
    session_id = lab.store.create().session_id
    lost = lab.store.acquire_lease(session_id, ttl_ms=50)

    def take() -> object:
        try:
            return lab.store.acquire_lease(session_id)
        except LeaseHeld:
            return None

    taken = wait_until("the lease to run out", take, seconds=5)
    assert taken != lost
    for use in (
        lambda: lab.store.renew_lease(lost),
        lambda: lab.store.append(session_id, ["x"], lease=lost),
    ):
        with pytest.raises(Fenced):
            use()
    assert lab.store.release_lease(lost) is False
    with pytest.raises(LeaseHeld):
        lab.store.acquire_lease(session_id)


def test_a_renewal_counts_from_now_and_only_for_the_holder(lab: Lab) -> None:
    session_id = lab.store.create().session_id
    lease = lab.store.acquire_lease(session_id, ttl_ms=30_000)
    key = lab.keys(session_id).lease
    lab.admin("PEXPIRE", key, 1000)
    assert lab.store.renew_lease(lease) == lease
    assert 20_000 < lab.ttl_ms(key) <= 30_000
    longer = lab.store.renew_lease(lease, ttl_ms=60_000)
    assert (longer.fence, longer.token, longer.ttl_ms) == (lease.fence, lease.token, 60_000)
    assert 50_000 < lab.ttl_ms(key) <= 60_000


def test_a_lease_that_ran_out_is_renewed_while_nobody_took_it_over(lab: Lab) -> None:
    session_id = lab.store.create().session_id
    lease = lab.store.acquire_lease(session_id)
    lab.admin("DEL", lab.keys(session_id).lease)
    assert lab.store.renew_lease(lease).fence == lease.fence
    with pytest.raises(LeaseHeld):
        lab.open().acquire_lease(session_id)


def test_a_lease_that_was_given_back_is_refused(lab: Lab) -> None:
    session_id = lab.store.create().session_id
    lease = lab.store.acquire_lease(session_id)
    assert lab.store.release_lease(lease) is True
    assert lab.store.release_lease(lease) is False
    with pytest.raises(Fenced, match="given back"):
        lab.store.append(session_id, ["x"], lease=lease)
    with pytest.raises(Fenced, match="given back"):
        lab.store.renew_lease(lease)


def test_an_acquisition_whose_reply_was_lost_is_the_same_lease_when_sent_again(
    sync_lab: Lab,
) -> None:
    session_id = sync_lab.store.create().session_id
    operation = leases.acquire(Scope(sync_lab.space), session_id, ttl_ms=30_000)
    executor = sync_lab.store._executor
    first = executor.run(operation)
    assert executor.run(operation) == first
    sync_lab.admin("DEL", sync_lab.keys(session_id).lease)
    assert executor.run(operation) == first


def test_the_block_holds_the_lease_and_gives_it_back_also_after_an_error(sync_lab: Lab) -> None:
    session_id = sync_lab.store.create().session_id
    with sync_lab.store.lease(session_id) as lease, pytest.raises(LeaseHeld):
        sync_lab.store.acquire_lease(session_id)
    message = "the worker failed"
    with pytest.raises(ValueError, match=message), sync_lab.store.lease(session_id) as second:
        raise ValueError(message)
    assert second.fence == lease.fence + 1
    assert sync_lab.store.acquire_lease(session_id).fence == second.fence + 1


def test_an_outage_at_the_end_of_the_block_is_logged_and_not_raised(
    sync_lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    session_id = sync_lab.store.create().session_id

    def fail(self: SessionStore, lease: object) -> bool:
        message = "no primary"
        raise StoreUnavailable(message)

    monkeypatch.setattr(SessionStore, "release_lease", fail)
    with (
        caplog.at_level(logging.WARNING, "holdfast.lease"),
        sync_lab.store.lease(session_id) as held,
    ):
        pass
    assert "runs out within 30000 ms: no primary" in caplog.text
    assert held.token not in caplog.text


async def test_the_asynchronous_block_gives_the_lease_back(sync_lab: Lab) -> None:
    import holdfast

    session_id = sync_lab.store.create().session_id
    source = sync_lab.servers.connection.for_role("svc")
    async with holdfast.connect_async(source, tenant=sync_lab.tenant) as store:
        assert isinstance(store, AsyncSessionStore)
        async with store.lease(session_id) as lease:
            with pytest.raises(LeaseHeld):
                await store.acquire_lease(session_id)
        assert (await store.acquire_lease(session_id)).fence == lease.fence + 1
