from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError
from holdfast.footprint import allocated
from holdfast.keys import History
from holdfast.sizing import (
    MIB,
    MIN_MAXMEMORY_BYTES,
    Workload,
    backlog_bytes,
    capacity_sessions,
    data_bytes,
    fullest_share,
    measure,
    size,
)

AMOUNTS: Mapping[str, st.SearchStrategy[int]] = {
    "messages": st.integers(0, 400),
    "message_bytes": st.integers(1, 20_000),
    "tool_calls": st.integers(0, 128),
    "tool_call_bytes": st.integers(0, 5_000),
    "metadata_fields": st.integers(0, 150),
    "metadata_field_bytes": st.integers(1, 3_000),
    "prefix_bytes": st.integers(2, 126),
}
WORKLOADS = st.builds(
    Workload,
    sessions=st.integers(1, 100_000),
    history=st.sampled_from(History),
    sessions_per_user=st.integers(0, 200),
    turns_per_second=st.floats(0, 10_000),
    messages_per_turn=st.integers(1, 10),
    headroom=st.floats(1, 10),
    replicas=st.integers(0, 7),
    buckets=st.sampled_from([64, 128, 256, 1024]),
    **AMOUNTS,
)


@given(WORKLOADS, st.sampled_from(sorted(AMOUNTS)), st.data())
def test_a_session_never_shrinks_when_one_amount_grows(
    workload: Workload, name: str, data: st.DataObject
) -> None:
    more = data.draw(AMOUNTS[name].filter(lambda value: value >= getattr(workload, name)))
    change: dict[str, Any] = {name: more}
    larger = replace(workload, **change)
    assert measure(larger).total_bytes >= measure(workload).total_bytes


@pytest.mark.parametrize("history", History)
def test_a_history_never_shrinks_byte_by_byte_over_every_node_boundary(history: History) -> None:
    totals = [
        measure(Workload(1, messages=50, message_bytes=size_bytes, history=history)).total_bytes
        for size_bytes in range(1, 9_000)
    ]
    assert totals == sorted(totals)


@given(
    WORKLOADS,
    st.sampled_from(["sessions", "headroom", "turns_per_second", "replicas", "messages_per_turn"]),
    st.floats(1, 4),
)
def test_no_server_needs_less_when_there_is_more_to_hold(
    workload: Workload, name: str, factor: float
) -> None:
    value = getattr(workload, name)
    more: Any = value * factor if isinstance(value, float) else int(value * factor)
    larger = replace(workload, **{name: min(more, 7) if name == "replicas" else more})
    one, other = size_or_none(workload), size_or_none(larger)
    if one is None:
        assert other is None
    elif other is not None:
        assert other.dataset_bytes >= one.dataset_bytes
        assert other.primaries >= one.primaries
        assert other.servers >= one.servers
        if other.primaries == one.primaries:
            assert other.maxmemory_bytes >= one.maxmemory_bytes
            assert other.memory_limit_bytes >= one.memory_limit_bytes
            assert other.disk_bytes >= one.disk_bytes
            assert other.backlog_bytes >= one.backlog_bytes


def size_or_none(workload: Workload) -> Any:  # noqa: ANN401 - a Sizing or None
    try:
        return size(workload)
    except ConfigError:
        return None


@given(WORKLOADS)
def test_a_session_is_at_least_what_was_put_into_it(workload: Workload) -> None:
    raw = (
        workload.messages * workload.message_bytes
        + workload.tool_calls * workload.tool_call_bytes
        + workload.metadata_fields * workload.metadata_field_bytes
    )
    assert measure(workload).total_bytes > raw


@given(WORKLOADS)
def test_what_is_advised_holds_what_was_asked_for(workload: Workload) -> None:
    need = size_or_none(workload)
    if need is not None:
        fits = capacity_sessions(
            need.maxmemory_bytes,
            session_bytes=need.session_bytes,
            primaries=need.primaries,
            buckets=workload.buckets,
            headroom=workload.headroom,
        )
        assert fits >= workload.sessions * 0.999_999
        assert need.memory_limit_bytes * 0.6 >= need.maxmemory_bytes - MIB
        assert need.memory_limit_bytes >= (
            need.maxmemory_bytes + max(need.backlog_bytes, 256 * MIB) + 64 * MIB
        )
        assert need.backlog_bytes == backlog_bytes(need.maxmemory_bytes)
        assert need.disk_bytes >= 3 * need.maxmemory_bytes


@given(st.integers(1, 2**40))
def test_the_allocator_wastes_a_quarter_at_most_above_its_first_class(size_bytes: int) -> None:
    given_bytes = allocated(size_bytes)
    assert size_bytes <= given_bytes <= max(16, size_bytes + max(15, size_bytes // 4))
    assert allocated(given_bytes) == given_bytes


def test_sizes_are_those_of_the_allocator() -> None:
    wanted = {1: 16, 17: 32, 128: 128, 129: 160, 1025: 1280, 7169: 8192, 8193: 10_240}
    assert {size_bytes: allocated(size_bytes) for size_bytes in wanted} == wanted


def test_a_value_past_the_listpack_limit_turns_its_hash_into_a_table() -> None:
    fits = measure(Workload(1, metadata_fields=1, metadata_field_bytes=1024))
    beyond = measure(Workload(1, metadata_fields=1, metadata_field_bytes=1025))
    assert beyond.session_bytes > fits.session_bytes + 500


def test_a_timeline_takes_more_than_a_list() -> None:
    kept = [measure(Workload(1, history=history)).history_bytes for history in History]
    assert kept == sorted(kept)
    assert kept[1] > kept[0]


def test_sessions_of_one_user_share_their_index() -> None:
    share = [measure(Workload(1, sessions_per_user=n)).index_bytes for n in (0, 1, 10)]
    assert share[0] == 0
    assert share[1] > share[2] > 0


def test_nothing_is_counted_for_keys_that_are_not_there() -> None:
    bare = measure(Workload(1, messages=0, tool_calls=0, sessions_per_user=0))
    assert (bare.history_bytes, bare.tools_bytes, bare.index_bytes) == (0, 0, 0)


def test_one_primary_carries_what_the_figures_allow_and_no_more() -> None:
    session_bytes = measure(Workload(1)).total_bytes
    most = 60 * 130_000_000 // session_bytes
    assert size(Workload(most)).primaries == 1
    over = size(Workload(most + 1))
    assert over.cluster_due
    assert over.primaries == 3
    assert "more than 60" in over.cluster_reasons[0]


def test_a_high_write_rate_makes_a_cluster_due_whatever_the_size() -> None:
    assert not size(Workload(1000, turns_per_second=7_500)).cluster_due
    over = size(Workload(1000, turns_per_second=8_000))
    assert over.primaries == 3
    assert "8000 turns and loads a second" in over.cluster_reasons[0]


def test_the_fullest_primary_counts_and_not_the_average() -> None:
    assert fullest_share(1, 64) == 1
    assert fullest_share(3, 64) == 24 / 64
    need = size(Workload(500_000))
    share = fullest_share(need.primaries, 64)
    assert need.maxmemory_bytes >= need.dataset_bytes * 3 * share
    assert share > 1 / need.primaries or need.primaries == 4


@given(st.integers(MIN_MAXMEMORY_BYTES, 2**40))
def test_the_backlog_never_takes_more_than_an_eighth_of_what_the_server_may_use(
    maxmemory: int,
) -> None:
    backlog = backlog_bytes(maxmemory)
    assert MIB <= backlog <= min(64 * MIB, maxmemory / 8)
    assert data_bytes(maxmemory) < maxmemory - backlog
    assert data_bytes(maxmemory) >= 0.75 * maxmemory


def test_the_backlog_is_as_long_as_the_rate_lets_it_be() -> None:
    one = size(Workload(20_000, message_bytes=600, turns_per_second=300))
    assert one.backlog_bytes == 64 * MIB
    assert one.backlog_seconds == pytest.approx(64 * MIB / (300 * (2 * 600 + 1400)))
    assert size(Workload(20_000)).backlog_seconds is None


def test_a_tiny_store_gets_what_a_server_needs_at_least() -> None:
    assert size(Workload(1)).maxmemory_bytes == MIN_MAXMEMORY_BYTES


def test_more_than_the_largest_cluster_holds_is_refused() -> None:
    with pytest.raises(ConfigError, match="sessions: got 100000000, need what 16 primaries"):
        size(Workload(100_000_000))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sessions", 0),
        ("sessions", 1.5),
        ("sessions", True),
        ("sessions", "10"),
        ("messages", -1),
        ("message_bytes", 0),
        ("tool_calls", 129),
        ("headroom", 0.9),
        ("headroom", float("nan")),
        ("headroom", float("inf")),
        ("replicas", 8),
        ("turns_per_second", -1.0),
        ("prefix_bytes", 1),
        ("buckets", 60),
        ("history", "stack"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(field: str, value: object) -> None:
    values: dict[str, Any] = {"sessions": 10, field: value}
    with pytest.raises(ConfigError) as caught:
        Workload(**values)
    assert caught.value.field == field
