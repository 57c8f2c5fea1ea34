from __future__ import annotations

import pytest

from config.shape import Shape, existing_shape, resolve_aws_shape, resolve_shape
from holdfast.connection import Topology
from holdfast.errors import ConfigError

STANDALONE, SENTINEL, CLUSTER = Topology.STANDALONE, Topology.SENTINEL, Topology.CLUSTER


@pytest.mark.parametrize(
    ("topology", "shape"),
    [
        (STANDALONE, Shape(STANDALONE, primaries=1, replicas=0, sentinels=0, quorum=0)),
        (SENTINEL, Shape(SENTINEL, primaries=1, replicas=2, sentinels=3, quorum=2)),
        (CLUSTER, Shape(CLUSTER, primaries=3, replicas=1, sentinels=0, quorum=0)),
    ],
)
def test_each_topology_has_a_default_shape(topology: Topology, shape: Shape) -> None:
    assert resolve_shape(topology) == shape


def test_servers_are_primaries_and_all_their_replicas() -> None:
    assert resolve_shape(CLUSTER, primaries=4, replicas=2).servers == 12


def test_writes_wait_for_a_replica_only_where_a_primary_has_two() -> None:
    assert resolve_shape(SENTINEL).min_replicas_to_write == 1
    assert resolve_shape(CLUSTER, replicas=2).min_replicas_to_write == 1
    assert resolve_shape(CLUSTER).min_replicas_to_write == 0
    assert resolve_shape(STANDALONE).min_replicas_to_write == 0


def test_quorum_is_the_majority_unless_set() -> None:
    assert resolve_shape(SENTINEL, sentinels=5).quorum == 3
    assert resolve_shape(SENTINEL, sentinels=5, quorum=2).quorum == 2


@pytest.mark.parametrize(("count", "instead"), [(0, 3), (2, 3), (4, 5), (6, 7), (8, 7)])
def test_an_even_number_of_sentinels_is_refused_with_a_reason(count: int, instead: int) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_shape(SENTINEL, sentinels=count)
    assert caught.value.field == "holdfast:sentinels"
    assert caught.value.value == count
    assert "odd" in caught.value.rule
    assert "majority" in caught.value.fix
    assert caught.value.fix.endswith(f"set {instead}")


@pytest.mark.parametrize(
    ("topology", "counts", "field"),
    [
        (SENTINEL, {"sentinels": 1}, "sentinels"),
        (SENTINEL, {"sentinels": 9}, "sentinels"),
        (SENTINEL, {"replicas": 0}, "replicas"),
        (SENTINEL, {"replicas": 1}, "replicas"),
        (SENTINEL, {"replicas": 8}, "replicas"),
        (SENTINEL, {"quorum": 1}, "quorum"),
        (SENTINEL, {"quorum": 3}, "quorum"),
        (SENTINEL, {"primaries": 2}, "primaries"),
        (CLUSTER, {"primaries": 2}, "primaries"),
        (CLUSTER, {"primaries": 17}, "primaries"),
        (CLUSTER, {"replicas": 0}, "replicas"),
        (CLUSTER, {"replicas": 4}, "replicas"),
        (CLUSTER, {"sentinels": 3}, "sentinels"),
        (CLUSTER, {"quorum": 2}, "quorum"),
        (STANDALONE, {"replicas": 2}, "replicas"),
        (STANDALONE, {"sentinels": 3}, "sentinels"),
        (STANDALONE, {"primaries": 3}, "primaries"),
        (STANDALONE, {"quorum": 2}, "quorum"),
    ],
)
def test_a_shape_that_could_not_fail_over_as_it_says_is_refused(
    topology: Topology, counts: dict[str, int], field: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_shape(topology, **counts)
    assert caught.value.field == f"holdfast:{field}"
    assert caught.value.value == counts[field]


@pytest.mark.parametrize("topology", [Topology.SERVERLESS, Topology.REPLICATION_GROUP])
def test_managed_topologies_are_refused(topology: Topology) -> None:
    with pytest.raises(ConfigError, match=r"holdfast:topology: got .* need one of standalone"):
        resolve_shape(topology)


GROUP = Topology.REPLICATION_GROUP


@pytest.mark.parametrize(
    ("topology", "primaries", "replicas", "servers"),
    [(GROUP, 1, 0, 1), (GROUP, 1, 5, 6), (CLUSTER, 1, 0, 1), (CLUSTER, 15, 5, 90)],
)
def test_a_store_in_elasticache_has_the_nodes_that_it_says(
    topology: Topology, primaries: int, replicas: int, servers: int
) -> None:
    shape = resolve_aws_shape(
        topology, primaries=primaries, replicas=replicas, may_fail_over=replicas > 0
    )
    assert shape.servers == servers
    assert (shape.sentinels, shape.quorum) == (0, 0)


@pytest.mark.parametrize(
    ("topology", "primaries", "replicas", "field", "hint"),
    [
        (SENTINEL, 1, 2, "topology", "set one of them"),
        (STANDALONE, 1, 0, "topology", "set one of them"),
        (GROUP, 2, 1, "primaries", "remove it"),
        (GROUP, 1, 0, "replicas", "nothing can take over"),
        (GROUP, 1, 6, "replicas", "six nodes"),
        (CLUSTER, 0, 1, "primaries", "set 1"),
        (CLUSTER, 91, 1, "primaries", "set 90"),
        (CLUSTER, 16, 5, "primaries", "set 15"),
    ],
)
def test_nodes_that_elasticache_or_a_failover_does_not_allow_are_refused(
    topology: Topology, primaries: int, replicas: int, field: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_aws_shape(topology, primaries=primaries, replicas=replicas, may_fail_over=True)
    assert caught.value.field == f"holdfast:{field}"
    assert hint in caught.value.fix


@pytest.mark.parametrize("topology", list(Topology))
def test_a_store_that_runs_already_may_have_any_topology(topology: Topology) -> None:
    assert existing_shape(topology, primaries=None).primaries == 1
    if topology is CLUSTER:
        assert existing_shape(topology, primaries=5).primaries == 5
    else:
        with pytest.raises(ConfigError, match="holdfast:primaries"):
            existing_shape(topology, primaries=5)
