"""How long a connection may take to open."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from holdfast.access import Access
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.options import ClientOptions
from holdfast.roles import Role

FROZEN, OTHER = Address("127.0.0.1", 7001), Address("127.0.0.1", 7002)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("holdfast.access.time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.fixture
def access() -> Access:
    connection = Connection(
        target="local",
        topology=Topology.STANDALONE,
        engine="valkey",
        engine_version="9.1.2",
        app="agent",
        users={Role.SVC: User("svc", "secret")},
        tls=Tls(),
        primary=FROZEN,
    )
    return Access(connection, None, ClientOptions())


def test_a_server_that_did_not_answer_is_tried_again_with_short_attempts(
    access: Access, clock: list[float]
) -> None:
    assert access.endpoint(FROZEN).connect_timeout_seconds == 1.0
    access.failure(TimeoutError(), FROZEN)
    assert access.endpoint(FROZEN).connect_timeout_seconds == 0.3
    assert access.endpoint(OTHER).connect_timeout_seconds == 1.0
    assert access.endpoint(FROZEN, sentinel=True).connect_timeout_seconds == 0.5


def test_a_slow_server_gets_a_full_attempt_again_though_the_short_ones_failed(
    access: Access, clock: list[float]
) -> None:
    access.failure(TimeoutError(), FROZEN)
    clock[0] += 1.9
    access.failure(TimeoutError(), FROZEN)
    clock[0] += 0.2
    assert access.endpoint(FROZEN).connect_timeout_seconds == 1.0
