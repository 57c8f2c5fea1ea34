"""Turns that wait for replicas: what is confirmed is there, and what is not is said."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from holdfast import Session, SessionStore, TurnResult, Unconfirmed, new_turn_id
from holdfast.connection import Capability
from tests.records import strict
from tests.servers import Install, Servers, start_sentinel, wait_until
from tests.stores import open_lab


@pytest.fixture(scope="module")
def group(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    # So slow to give up on anybody that nothing fails over while replicas are frozen.
    with start_sentinel(
        server_install,
        tmp_path_factory.mktemp("confirm"),
        sentinels=3,
        down_after_ms=60_000,
        directives={"min-replicas-to-write": "0"},
    ) as servers:
        yield servers


@pytest.fixture(params=["sync", "async"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def replicas(group: Servers) -> list[str]:
    primary = group.primary().name
    return [node.name for node in group.servers if node.name != primary]


def append_until_confirmed(
    store: SessionStore, session: Session, turn_id: str
) -> tuple[TurnResult, bool]:
    """Send a turn again while two replicas have not confirmed it; whether that was needed."""
    unconfirmed: list[Unconfirmed] = []

    def confirmed() -> TurnResult | None:
        try:
            return store.append(session, [1], turn_id=turn_id, confirm=2)
        except Unconfirmed as error:
            unconfirmed.append(error)
            return None

    return wait_until("two replicas to confirm", confirmed), bool(unconfirmed)


def one_of_two_confirms(store: SessionStore, session: Session, turn_id: str) -> bool:
    """Send a turn again while one replica sleeps: the other may be slow, but never both have it."""
    with pytest.raises(Unconfirmed, match=r"confirmed by [01] of 2") as caught:
        store.append(session, [1], turn_id=turn_id, confirm=2)
    return caught.value.confirmed == 1


def test_a_confirmed_turn_says_how_many_replicas_have_it(group: Servers, api: str) -> None:
    with open_lab(group, api=api, library="redis") as lab:
        session = lab.store.create()
        result, repeated = append_until_confirmed(lab.store, session, new_turn_id())
        assert (result.seq, result.confirmed, result.duplicate) == (1, 2, repeated)
        assert lab.store.append(result, [2]).confirmed == 0


def test_a_turn_that_replicas_do_not_have_is_stored_and_unconfirmed_until_they_do(
    group: Servers, api: str
) -> None:
    turn_id = new_turn_id()
    with open_lab(group, api=api, library="redis") as lab:
        session = lab.store.create()
        frozen = replicas(group)
        for name in frozen:
            group.pause(name)
        try:
            began = time.monotonic()
            with pytest.raises(Unconfirmed) as caught:
                lab.store.append(session, [1], turn_id=turn_id, confirm=1)
            took_seconds = time.monotonic() - began
            assert took_seconds > 0.9
            assert took_seconds < 2 or not strict()
            assert (caught.value.confirmed, caught.value.result.seq) == (0, 1)
            assert lab.store.load(session.session_id).messages == (1,)
            # On a connection that wrote nothing, WAIT alone would count every replica.
            other = lab.open()
            with pytest.raises(Unconfirmed) as caught:
                other.append(session, [1], turn_id=turn_id, confirm=1)
            assert caught.value.result.duplicate
            group.resume(frozen[0])
            wait_until("one to confirm", lambda: one_of_two_confirms(other, session, turn_id))
        finally:
            for name in frozen:
                group.resume(name)
        again, _ = append_until_confirmed(lab.open(), session, turn_id)
        assert (again.seq, again.duplicate, again.confirmed) == (1, True, 2)
        assert lab.store.load(session.session_id).messages == (1,)


def test_confirming_a_turn_sends_one_wait_behind_its_script(
    group: Servers,
) -> None:
    assert Capability.WAIT in group.connection.capabilities
    with open_lab(group, api="sync", library="redis") as lab:
        session = lab.store.create()
        primary = group.primary().name
        group.call(primary, "CONFIG", "RESETSTAT")
        lab.store.append(session, [1], confirm=1)
        stats = group.info(primary, "commandstats")
        assert stats["cmdstat_wait"].startswith("calls=1,")
        assert stats["cmdstat_evalsha"].startswith("calls=1,")
