from __future__ import annotations

import pytest

from config.rules import (
    Ports,
    check_app,
    check_buckets,
    check_cold,
    check_dns_names,
    check_down_after_ms,
    check_eviction_policy,
    check_expected_sessions,
    check_maxmemory,
    check_preset,
    plan_ports,
)
from config.schema import EvictionPolicy, Preset
from config.shape import resolve_shape
from holdfast.connection import Cold, Topology
from holdfast.errors import ConfigError, Unsupported

SENTINEL = resolve_shape(Topology.SENTINEL)
CLUSTER = resolve_shape(Topology.CLUSTER)
STANDALONE = resolve_shape(Topology.STANDALONE)


@pytest.mark.parametrize("policy", list(EvictionPolicy))
def test_policies_that_spare_keys_without_ttl_are_accepted(policy: EvictionPolicy) -> None:
    assert check_eviction_policy(policy.value) is policy


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("allkeys-lru", "without a TTL"),
        ("allkeys-lfu", "without a TTL"),
        ("allkeys-random", "without a TTL"),
        ("noeviction", "refuse every write"),
        ("volatile", "set volatile-lru"),
    ],
)
def test_other_policies_are_refused_with_the_reason(policy: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_eviction_policy(policy)
    assert caught.value.field == "holdfast:evictionPolicy"
    assert caught.value.value == policy
    assert reason in caught.value.fix


def test_consolidation_is_refused_until_it_is_built() -> None:
    with pytest.raises(Unsupported, match=r"holdfast:cold: got 'postgres'.*not built yet"):
        check_cold(Cold.POSTGRES)


@pytest.mark.parametrize("milliseconds", [0, 999, 60_001, -5000])
def test_down_after_outside_its_range_is_refused(milliseconds: int) -> None:
    with pytest.raises(ConfigError, match="holdfast:downAfterMs: got"):
        check_down_after_ms(milliseconds)


@pytest.mark.parametrize("text", ["", "lots", "1.5gb", "-1", "0", "15mb", "1"])
def test_maxmemory_that_is_none_or_too_small_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_maxmemory(text, servers=1)
    assert caught.value.field == "holdfast:maxmemory"
    assert caught.value.value == text


def test_all_servers_together_must_fit_the_machine() -> None:
    gigabyte = 1024**3
    assert check_maxmemory("1gb", servers=3, machine_bytes=3 * gigabyte) == gigabyte
    with pytest.raises(ConfigError, match="at most 1023mb: 3 servers share this machine's 3071mb"):
        check_maxmemory("1gb", servers=3, machine_bytes=3 * gigabyte - 1)


def test_names_of_the_client_carry_the_setting_in_their_error() -> None:
    with pytest.raises(ConfigError, match=r"holdfast:app: got 'Agent!'"):
        check_app("Agent!")
    with pytest.raises(ConfigError, match=r"holdfast:buckets: got 63"):
        check_buckets(63)
    assert check_app("agent-1") == "agent-1"
    assert check_buckets(128) == 128


def test_expected_sessions_are_positive_or_unknown() -> None:
    assert check_expected_sessions(None) is None
    assert check_expected_sessions(1) == 1
    with pytest.raises(ConfigError, match="holdfast:expectedSessions"):
        check_expected_sessions(0)


def test_dns_names_are_sorted_and_kept_once() -> None:
    assert check_dns_names(("b.test", "*.a.test", "b.test")) == ("*.a.test", "b.test")


@pytest.mark.parametrize("name", ["", "-a", "a_b", "a..b", "A", "a b", "a.*.b", "x" * 64, "a\n"])
def test_what_is_no_dns_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="holdfast:extraDnsNames"):
        check_dns_names((name,))


def test_production_refuses_a_store_that_cannot_fail_over() -> None:
    with pytest.raises(ConfigError, match="holdfast:topology: got 'standalone'"):
        check_preset(Preset.PROD, STANDALONE)
    check_preset(Preset.PROD, SENTINEL)
    check_preset(Preset.DEV, STANDALONE)


def test_ports_follow_the_base_ports() -> None:
    assert plan_ports(SENTINEL, base_port=7600, sentinel_base_port=None) == Ports(
        (7600, 7601, 7602), (7700, 7701, 7702)
    )
    assert plan_ports(STANDALONE, base_port=7600, sentinel_base_port=None) == Ports((7600,))


def test_sentinels_may_take_the_ports_right_beside_the_servers() -> None:
    assert plan_ports(SENTINEL, base_port=7600, sentinel_base_port=7603).sentinels[0] == 7603
    assert plan_ports(SENTINEL, base_port=7600, sentinel_base_port=7597).sentinels[-1] == 7599


@pytest.mark.parametrize("first", [7598, 7600, 7602])
def test_ports_that_meet_are_refused(first: int) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_ports(SENTINEL, base_port=7600, sentinel_base_port=first)
    assert caught.value.field == "holdfast:sentinelBasePort"
    assert caught.value.fix.startswith("set 7603")


@pytest.mark.parametrize("base", [0, -1, 80, 1023, 65_534, 65_536])
def test_ports_outside_the_range_are_refused(base: int) -> None:
    with pytest.raises(ConfigError, match="holdfast:basePort: got"):
        plan_ports(SENTINEL, base_port=base, sentinel_base_port=2000)


def test_a_cluster_leaves_room_for_its_bus() -> None:
    assert plan_ports(CLUSTER, base_port=55_530, sentinel_base_port=None).servers[-1] == 55_535
    with pytest.raises(ConfigError, match=r"port \+ 10000"):
        plan_ports(CLUSTER, base_port=55_531, sentinel_base_port=None)
