from __future__ import annotations

import pytest

from holdfast.aws.nodes import find_node
from holdfast.aws.parameters import ENGINE_VERSIONS, family, parameters
from holdfast.errors import ConfigError


def of(node: str, *, cluster: bool = False) -> dict[str, str]:
    return parameters(find_node(node), eviction_policy="volatile-lru", cluster=cluster)


def test_versions_have_the_family_of_their_major() -> None:
    families = {version: family(version) for version in ENGINE_VERSIONS}
    assert families == {
        "7.2": "valkey7",
        "8.0": "valkey8",
        "8.1": "valkey8",
        "8.2": "valkey8",
        "9.0": "valkey9",
        "9.1": "valkey9",
    }
    with pytest.raises(ConfigError, match="a version that ElastiCache offers"):
        family("7.1")


@pytest.mark.parametrize(
    ("node", "reserve", "backlog_mib"),
    [
        ("cache.t4g.micro", "50", 16),
        ("cache.t4g.small", "30", 16),
        ("cache.t4g.medium", "25", 37),
        ("cache.r7g.large", "25", 64),
        ("cache.r7g.16xlarge", "25", 64),
    ],
)
def test_reserve_and_backlog_follow_the_size(node: str, reserve: str, backlog_mib: int) -> None:
    values = of(node)
    assert values["reserved-memory-percent"] == reserve
    assert values["repl-backlog-size"] == str(backlog_mib * 1024**2)


def test_cluster_mode_is_said_in_the_group_and_only_then() -> None:
    assert of("cache.t4g.small", cluster=True) == {
        **of("cache.t4g.small"),
        "cluster-enabled": "yes",
    }


def test_names_are_in_order_so_that_nothing_seems_to_change() -> None:
    assert list(of("cache.t4g.small", cluster=True)) == sorted(of("cache.t4g.small", cluster=True))
