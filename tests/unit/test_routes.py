"""Where operations go, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.connection import Address
from holdfast.retry import Failure, Kind
from holdfast.routes import ClusterRoutes, Location, Routes, SentinelRoutes, slot_of

S1, S2, S3 = (Address(f"sentinel-{n}", 26379) for n in range(3))
OLD, NEW = Address("valkey-0", 6379), Address("valkey-1", 6379)
DOWN = Failure(Kind.BROKEN, "connection refused")


def _drive(location: Location, answers: Mapping[Address, Any]) -> tuple[Any, list[Address]]:
    asked: list[Address] = []
    answer: Any = None
    try:
        while True:
            question = location.send(answer)
            asked.append(question.address)
            answer = answers[question.address]
    except StopIteration as end:
        return end.value, asked


def _named(address: Address) -> list[bytes]:
    return [address.host.encode(), str(address.port).encode()]


def test_a_fixed_store_needs_no_question() -> None:
    routes = Routes(OLD)
    assert routes.where("any") == OLD
    assert _drive(routes.locate(0), {}) == (None, [])
    assert routes.version == 1


def test_the_first_sentinel_that_answers_names_the_primary_and_is_asked_first_next() -> None:
    routes = SentinelRoutes([S1, S2, S3], "main")
    assert routes.where("k") is None
    problem, asked = _drive(routes.locate(10), {S1: DOWN, S2: _named(OLD), S3: _named(OLD)})
    assert (problem, asked) == (None, [S1, S2])
    assert routes.where("k") == OLD
    _, asked = _drive(routes.locate(11), {S2: _named(NEW)})
    assert asked == [S2]
    assert routes.where("k") == NEW


def test_an_answer_confirms_for_a_second_only() -> None:
    routes = SentinelRoutes([S1], "main")
    assert not routes.confirmed(0)
    _drive(routes.locate(10), {S1: _named(OLD)})
    assert routes.confirmed(10.9)
    assert not routes.confirmed(11)


def test_a_sentinel_that_still_names_a_refuted_primary_is_doubted() -> None:
    routes = SentinelRoutes([S1, S2], "main")
    _drive(routes.locate(10), {S1: _named(OLD)})
    routes.judge("READONLY You can't write against a read only replica.", OLD)
    assert not routes.confirmed(10)
    _, asked = _drive(routes.locate(10), {S1: _named(OLD), S2: _named(NEW)})
    assert asked == [S1, S2]
    assert routes.where("k") == NEW


def test_a_refuted_primary_is_believed_where_all_name_it() -> None:
    routes = SentinelRoutes([S1, S2], "main")
    _drive(routes.locate(10), {S1: _named(OLD)})
    routes.judge("LOADING the dataset", OLD)
    problem, _ = _drive(routes.locate(10), {S1: _named(OLD), S2: _named(OLD)})
    assert problem is None
    assert routes.where("k") == OLD


def test_no_answer_is_an_outage_that_names_every_sentinel() -> None:
    routes = SentinelRoutes([S1, S2], "main")
    failed = {S1: Failure(Kind.BROKEN, "refused", S1), S2: None}
    problem, _ = _drive(routes.locate(0), failed)
    assert problem.kind is Kind.BROKEN
    assert routes.problem is problem
    assert routes.version == 1
    assert "sentinel-0:26379: refused" in str(problem)
    assert "does not know the service 'main'" in str(problem)


def test_a_refused_login_at_a_sentinel_counts_more_than_an_outage() -> None:
    routes = SentinelRoutes([S1, S2], "main")
    denied = Failure(Kind.LOGIN, "WRONGPASS", S2)
    assert _drive(routes.locate(0), {S1: DOWN, S2: denied})[0] is denied


def _slots(*ranges: tuple[int, int, Address]) -> list[Any]:
    return [
        [first, last, [node.host.encode(), node.port, b"id"], [b"replica", 1, b"id"]]
        for first, last, node in ranges
    ]


def test_keys_go_to_the_owner_of_their_slot() -> None:
    routes = ClusterRoutes([S1])
    assert routes.where("{b07}") is None
    problem, _ = _drive(routes.locate(0), {S1: _slots((8192, 16383, NEW), (0, 8191, OLD))})
    assert problem is None
    for bucket in range(64):
        key = f"agent:sess:{{b{bucket:02d}}}:t:x"
        assert routes.where(key) == (OLD if slot_of(key) < 8192 else NEW)


def test_a_slot_outside_the_map_has_no_server() -> None:
    routes = ClusterRoutes([S1])
    _drive(routes.locate(0), {S1: _slots((0, 99, OLD), (200, 300, NEW))})
    inside = {slot: f"key-{n}" for n in range(200_000) if (slot := slot_of(f"key-{n}")) < 400}
    assert routes.where(inside[50]) == OLD
    assert routes.where(inside[150]) is None
    assert routes.where(inside[250]) == NEW
    assert routes.where(inside[350]) is None


def test_moved_is_followed_until_the_map_is_learnt_again() -> None:
    routes = ClusterRoutes([S1])
    whole = _slots((0, 16383, OLD))
    _drive(routes.locate(0), {S1: whole})
    key = "agent:sess:{b07}:t:x"
    failure = routes.judge(f"MOVED {slot_of(key)} {NEW}", OLD)
    assert failure.target == NEW
    assert routes.where(key) == NEW
    assert routes.where("agent:sess:{b08}:t:x") == OLD
    _drive(routes.locate(0), {S1: whole})
    assert routes.where(key) == OLD


@pytest.mark.parametrize("host", [b"", None])
def test_a_node_without_announced_host_is_the_one_that_was_asked(host: bytes | None) -> None:
    routes = ClusterRoutes([S1])
    _drive(routes.locate(0), {S1: [[0, 16383, [host, 6400, b"id"]]]})
    assert routes.where("k") == Address(S1.host, 6400)


def test_who_answered_last_is_asked_first_then_the_map_then_the_seeds_each_once() -> None:
    routes = ClusterRoutes([S1, S2, OLD])
    _drive(routes.locate(0), {S1: DOWN, S2: _slots((0, 8191, OLD), (8192, 16383, NEW))})
    problem, asked = _drive(routes.locate(0), {OLD: DOWN, NEW: [], S1: DOWN, S2: DOWN})
    assert asked == [S2, OLD, NEW, S1]
    assert "serves no slots yet" in str(problem)


@pytest.mark.parametrize(
    ("key", "slot"),
    [("123456789", 0x31C3), ("{123456789}tail", 0x31C3), ("foo{}{bar}", slot_of("foo{}{bar}"))],
)
def test_slots_are_those_of_the_cluster_specification(key: str, slot: int) -> None:
    assert slot_of(key) == slot


@given(
    tag=st.text(st.characters(exclude_characters="{}", codec="utf-8"), min_size=1), rest=st.text()
)
def test_the_hash_tag_alone_decides_the_slot(tag: str, rest: str) -> None:
    assert slot_of(f"{{{tag}}}{rest}") == slot_of(tag)
