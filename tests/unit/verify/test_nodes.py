from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.connection import Address
from holdfast.errors import StoreUnavailable
from holdfast.verify.nodes import (
    SLOTS,
    Nodes,
    Server,
    _from_sentinel,
    _from_shards,
    _from_slots,
    slot_of,
)
from holdfast.verify.probe import Link

A, B, C = (Address("127.0.0.1", port) for port in (7001, 7002, 7003))


class Scripted:
    """A link that answers from a table."""

    def __init__(self, answers: Mapping[Any, Any]) -> None:
        self.address = A
        self._answers = answers

    def call(self, *command: str) -> Any:  # noqa: ANN401 - as Link has it
        return self._answers[command]


def link(answers: Mapping[Any, Any]) -> Link:
    return cast("Link", Scripted(answers))


def test_slots_are_those_of_the_cluster_specification() -> None:
    assert slot_of("123456789") == 12739
    assert slot_of("agent:sess:{b07}:t:x") == slot_of("agent:hist:{b07}:t:y") == slot_of("b07")
    assert slot_of("{}x") != slot_of("")


@given(st.text())
def test_every_key_has_a_slot(key: str) -> None:
    assert 0 <= slot_of(key) < SLOTS


def test_outside_a_cluster_every_key_is_the_primarys() -> None:
    assert (
        Nodes((Server(A, primary=True), Server(B, primary=False, follows=A))).primary_of("x") == A
    )


def test_in_a_cluster_a_key_is_found_by_its_slot() -> None:
    half = SLOTS // 2
    nodes = Nodes(
        (
            Server(A, primary=True, slots=((0, half - 1),)),
            Server(B, primary=True, slots=((half, SLOTS - 1),)),
        )
    )
    assert nodes.primary_of("123456789") == B
    assert {nodes.primary_of(f"key{n}") for n in range(50)} == {A, B}


def test_a_slot_that_nobody_serves_is_an_outage() -> None:
    nodes = Nodes((Server(A, primary=True, slots=((0, 0),)),))
    with pytest.raises(StoreUnavailable, match="slot 12739"):
        nodes.primary_of("123456789")


def test_a_sentinel_names_primary_and_replicas() -> None:
    answers = {
        ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "s"): ["127.0.0.1", "7002"],
        ("SENTINEL", "REPLICAS", "s"): [
            ["ip", "127.0.0.1", "port", "7003"],
            ["ip", "127.0.0.1", "port", "7001"],
        ],
    }
    nodes = _from_sentinel(link(answers), "s", (C,), watches=True)
    assert [server.address for server in nodes.servers] == [B, A, C]
    assert [server.address for server in nodes.replicas_of(nodes.primaries[0])] == [A, C]
    assert nodes.everything == (B, A, C, C)


def test_a_role_that_may_not_watch_sees_the_primary_alone() -> None:
    answers = {("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "s"): ["127.0.0.1", "7002"]}
    nodes = _from_sentinel(link(answers), "s", (C,), watches=False)
    assert [server.address for server in nodes.servers] == [B]
    assert not nodes.complete


def test_a_service_that_the_sentinel_does_not_know_is_an_outage() -> None:
    answers = {("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "s"): None}
    with pytest.raises(StoreUnavailable, match="knows no service 's'"):
        _from_sentinel(link(answers), "s", (C,), watches=True)


def test_a_cluster_names_slots_primaries_and_replicas() -> None:
    answers = {
        ("CLUSTER", "SLOTS"): [
            [8192, 16383, ["127.0.0.1", 7002, "id"], ["127.0.0.1", 7003, "id"]],
            [0, 8191, ["", 7001, "id"]],
        ]
    }
    nodes = _from_slots(link(answers))
    assert nodes.servers == (
        Server(A, primary=True, slots=((0, 8191),)),
        Server(B, primary=True, slots=((8192, 16383),)),
        Server(C, primary=False, follows=B),
    )


def test_a_cluster_without_slots_is_an_outage() -> None:
    with pytest.raises(StoreUnavailable, match="serves no slots"):
        _from_slots(link({("CLUSTER", "SLOTS"): []}))


def shard(slots: list[int], *members: tuple[int, str, str]) -> list[Any]:
    nodes = [
        [
            *("id", f"id-{port}", "tls-port", port, "ip", "127.0.0.1"),
            *("endpoint", "127.0.0.1", "role", role, "replication-offset", 0, "health", health),
        ]
        for port, role, health in members
    ]
    return ["slots", slots, "nodes", nodes]


def test_shards_name_replicas_that_slots_do_not_show_yet() -> None:
    answers = {
        ("CLUSTER", "SHARDS"): [
            shard([8192, 16383], (7002, "master", "online"), (7003, "replica", "loading")),
            shard([0, 100, 102, 8191], (7001, "master", "online")),
        ]
    }
    assert _from_shards(link(answers)).servers == (
        Server(A, primary=True, slots=((0, 100), (102, 8191))),
        Server(B, primary=True, slots=((8192, 16383),)),
        Server(C, primary=False, follows=B),
    )


def test_after_a_failover_the_primary_that_failed_counts_as_a_replica() -> None:
    members = ((7001, "master", "failed"), (7002, "master", "online"))
    answers = {("CLUSTER", "SHARDS"): [shard([0, 16383], *members)]}
    assert _from_shards(link(answers)).servers == (
        Server(B, primary=True, slots=((0, 16383),)),
        Server(A, primary=False, follows=B),
    )
