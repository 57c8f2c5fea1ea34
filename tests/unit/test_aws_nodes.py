from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.aws.nodes import (
    GB,
    choose_nodes,
    cost_phrase,
    find_node,
    monthly_dollars,
    node_sessions,
    offered,
    price_note,
    serverless_monthly_dollars,
    shards_due,
    whole_price_note,
)
from holdfast.aws.nodes_table import NODES, NodeType
from holdfast.aws.regions_table import FAMILIES_BY_REGION
from holdfast.errors import ConfigError
from holdfast.sizing import (
    DEFAULT_HEADROOM,
    MAX_FULL_COPY_SECONDS,
    SNAPSHOT_BYTES_PER_SECOND,
    fullest_share,
)
from tests.node_regions import regions

SESSIONS = st.integers(1, 2_000_000)
BYTES = st.integers(500, 100_000)
REGIONS = st.sampled_from(sorted(FAMILIES_BY_REGION))


@given(SESSIONS, BYTES, st.sampled_from([1, 2, 4, 8]), REGIONS)
def test_the_chosen_type_holds_the_sessions_with_headroom_and_no_cheaper_one_does(
    sessions: int, session_bytes: int, shards: int, region: str
) -> None:
    def holds(node: NodeType) -> bool:
        return (
            node_sessions(
                node,
                session_bytes=session_bytes,
                shards=shards,
                buckets=64,
                headroom=DEFAULT_HEADROOM,
            )
            >= sessions
        )

    fitting = [node for node in NODES if offered(node, region) and holds(node)]
    if not fitting:
        with pytest.raises(ConfigError, match="expectedSessions"):
            choose_nodes(
                sessions, session_bytes=session_bytes, buckets=64, shards=shards, region=region
            )
        return
    chosen = choose_nodes(
        sessions, session_bytes=session_bytes, buckets=64, shards=shards, region=region
    )
    assert chosen.node in fitting
    assert chosen.shards == shards
    if chosen.node.hourly_dollars is None:
        assert all(node.hourly_dollars is None for node in fitting)
        return
    priced = [node.hourly_dollars for node in fitting if node.hourly_dollars is not None]
    assert chosen.node.hourly_dollars == min(priced)


@given(SESSIONS, BYTES)
def test_every_shard_can_be_copied_within_a_minute_and_one_less_could_not(
    sessions: int, session_bytes: int
) -> None:
    most = SNAPSHOT_BYTES_PER_SECOND * MAX_FULL_COPY_SECONDS
    shards = shards_due(sessions, session_bytes=session_bytes, buckets=64)
    data = sessions * session_bytes
    if shards < 64:
        assert data * fullest_share(shards, 64) <= most
    if shards > 1:
        assert data * fullest_share(shards - 1, 64) > most


@pytest.mark.parametrize(
    ("sessions", "session_bytes", "name", "dollars"),
    [
        (10_000, 20_000, "cache.t4g.small", 56),
        (100_000, 20_000, "cache.r7g.large", 384),
        (100_000, 50_000, "cache.r7g.xlarge", 766),
        (1_000_000, 20_000, "cache.r7g.4xlarge", 3_057),
    ],
)
def test_three_nodes_for_known_loads_cost_what_the_price_list_says(
    sessions: int, session_bytes: int, name: str, dollars: int
) -> None:
    chosen = choose_nodes(sessions, session_bytes=session_bytes, buckets=64)
    assert chosen.node.name == name
    cost = monthly_dollars(chosen.node, 3)
    assert cost is not None
    assert round(cost) == dollars


def test_the_number_of_shards_can_be_chosen_too() -> None:
    chosen = choose_nodes(1_000_000, session_bytes=20_000, buckets=64, shards=None)
    assert chosen.shards == shards_due(1_000_000, session_bytes=20_000, buckets=64)
    assert chosen.shards > 1


def test_nodes_keep_more_in_reserve_the_smaller_they_are() -> None:
    by_size = sorted(NODES, key=lambda node: node.maxmemory_bytes)
    reserves = [node.reserved_percent for node in by_size]
    assert reserves == sorted(reserves, reverse=True)
    assert find_node("cache.t4g.micro").usable_bytes == 268_435_456
    assert all(node.usable_bytes < node.maxmemory_bytes for node in NODES)


def test_types_of_a_family_cost_more_the_larger_they_are() -> None:
    for family in {node.family for node in NODES}:
        priced = [n for n in NODES if n.family == family and n.hourly_dollars is not None]
        assert priced == sorted(priced, key=lambda node: node.hourly_dollars or 0)


def test_the_table_of_regions_is_the_one_that_is_generated() -> None:
    assert {region: sorted(families) for region, families in FAMILIES_BY_REGION.items()} == (
        regions()
    )


def test_a_region_without_a_family_gets_another_one() -> None:
    assert not offered(find_node("cache.t4g.small"), "me-south-1")
    chosen = choose_nodes(1_000, session_bytes=20_000, buckets=64, region="me-south-1")
    assert chosen.node.name == "cache.m7g.large"


def test_a_name_that_is_nearly_right_is_shown_right() -> None:
    with pytest.raises(ConfigError, match=r"did you mean cache\.r7g\.large\?"):
        find_node("cache.r7g.lage")


def test_a_cost_says_when_and_where_prices_were_read() -> None:
    text = cost_phrase(find_node("cache.r7g.large"), 3)
    assert text == "3 x cache.r7g.large: about $384 a month"
    for part in ("AWS price list", "us-east-1", "2026-10-02", "730 h"):
        assert part in price_note()
        assert part in whole_price_note()
    assert "without endpoints, alarms, secrets, keys, traffic" in price_note()
    assert "read 2026-11-25; without traffic, backups and logs" in whole_price_note()
    unknown = cost_phrase(find_node("cache.m7g.16xlarge"), 2)
    assert unknown == "2 x cache.m7g.16xlarge: no price was read"
    assert monthly_dollars(find_node("cache.m7g.16xlarge"), 2) is None


def test_a_serverless_store_costs_what_it_holds_and_what_is_asked_of_it() -> None:
    assert serverless_monthly_dollars(0) == pytest.approx(6.13, abs=0.01)
    assert serverless_monthly_dollars(GB) == pytest.approx(61.32)
    asked = serverless_monthly_dollars(GB, ecpu_per_second=20_000) - serverless_monthly_dollars(GB)
    assert asked == pytest.approx(121, abs=1)
