"""Turns that wait for replicas: what is confirmed is there, and what is not is said."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from holdfast import Unconfirmed, new_turn_id
from holdfast.connection import Capability
from tests.servers import Install, Servers, start_sentinel
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


def test_a_confirmed_turn_says_how_many_replicas_have_it(group: Servers, api: str) -> None:
    with open_lab(group, api=api, library="redis") as lab:
        session = lab.store.create()
        result = lab.store.append(session, [1], confirm=2)
        assert (result.seq, result.confirmed, result.duplicate) == (1, 2, False)
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
            assert 0.9 < time.monotonic() - began < 2
            assert (caught.value.confirmed, caught.value.result.seq) == (0, 1)
            assert lab.store.load(session.session_id).messages == (1,)
            # On a connection that wrote nothing, WAIT alone would count every replica.
            other = lab.open()
            with pytest.raises(Unconfirmed) as caught:
                other.append(session, [1], turn_id=turn_id, confirm=1)
            assert caught.value.result.duplicate
            group.resume(frozen[0])
            with pytest.raises(Unconfirmed, match="confirmed by 1 of 2"):
                other.append(session, [1], turn_id=turn_id, confirm=2)
        finally:
            for name in frozen:
                group.resume(name)
        again = lab.open().append(session, [1], turn_id=turn_id, confirm=2)
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
