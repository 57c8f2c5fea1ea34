from __future__ import annotations

import pytest

from components.kubernetes_args import SentinelSessionStoreArgs
from components.kubernetes_spec import KubernetesSpec
from config.schema import Engine, Preset
from holdfast.connection import Address, Topology
from holdfast.errors import ConfigError
from holdfast.roles import Place, Role
from holdfast.verify.plan import Plan, Step
from holdfast.verify.plan_guard import judge
from holdfast.verify.plan_rules import Harm

DIGEST = "valkey/valkey@sha256:" + "a" * 64
MIB = 1024**2


def resolve(**changes: object) -> KubernetesSpec:
    args: SentinelSessionStoreArgs = {"namespace": "prod"}
    return KubernetesSpec.from_args(
        "agents",
        {**args, **changes},  # type: ignore[typeddict-item]  # the test says what it changes
    )


def test_a_namespace_is_enough() -> None:
    spec = resolve()
    assert spec.objects.image == "valkey/valkey:9.1.2"
    assert spec.objects.config.version == "9.1.2"
    assert spec.objects.config.service == "prod-agents"
    assert (spec.objects.count(Place.SERVER), spec.objects.count(Place.SENTINEL)) == (3, 3)
    assert spec.objects.config.shape.quorum == 2
    assert spec.objects.memory.maxmemory_bytes == 256 * MIB
    assert spec.objects.memory.limit_bytes == 576 * MIB
    assert spec.objects.memory.disk_bytes == 768 * MIB
    assert not spec.create_namespace
    assert not spec.production
    assert not spec.objects.share_nodes
    assert not spec.objects.spread_zones


def test_amounts_and_counts_are_taken_over() -> None:
    spec = resolve(
        maxmemory="1gb", memory_limit="2gb", storage="10gb", replicas=4, sentinels=5, store="other"
    )
    assert spec.objects.memory.limit_bytes == 2048 * MIB
    assert spec.objects.memory.disk_bytes == 10 * 1024 * MIB
    assert spec.objects.count(Place.SERVER) == 5
    assert spec.objects.config.shape.quorum == 3
    assert spec.objects.names.store == "other"
    assert resolve(storage="2Gi", memory_limit="600Mi").objects.memory.disk_bytes == 2048 * MIB


def test_the_guard_compares_a_lower_maxmemory_with_what_is_stored() -> None:
    # The limit stays, so that nothing else of the plan shows it.
    old, new = (
        resolve(maxmemory=amount, memory_limit="2gb").fixed_inputs for amount in ("1gb", "512mb")
    )
    urn = "urn:pulumi:prod::shop::holdfast:index:SentinelSessionStore::agents"
    plan = Plan((Step("update", urn, old, new),))
    (refused,) = judge(plan, used_bytes=700 * MIB).refused
    assert refused.harm is Harm.SHRINK
    assert "maxmemory 1073741824 -> 536870912" in refused.what
    assert judge(plan, used_bytes=500 * MIB).ok


def test_production_asks_for_a_digest_and_spreads_over_zones() -> None:
    spec = resolve(preset=Preset.PROD, image=DIGEST)
    assert spec.production
    assert spec.objects.spread_zones
    assert spec.objects.image == DIGEST
    with pytest.raises(ConfigError, match=r"image: got .*a digest"):
        resolve(preset=Preset.PROD)


@pytest.mark.parametrize(
    "image",
    [
        "valkey/valkey:9.1.2",
        "registry.example:5000/team/valkey:9.1.2-alpine",
        DIGEST,
        "valkey/valkey:latest@sha256:" + "b" * 64,
    ],
)
def test_an_image_that_says_which_it_is_is_taken(image: str) -> None:
    assert resolve(image=image).objects.image == image


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"image": "valkey/valkey"}, "image"),
        ({"image": "valkey/valkey:latest"}, "image"),
        ({"image": "registry.example:5000/valkey"}, "image"),
        ({"image": "valkey valkey:1"}, "image"),
        ({"image": "valkey@sha256:abc"}, "image"),
        ({"image": ""}, "image"),
        ({"engine_version": "7.0.0"}, "engine_version"),
        ({"engine": Engine.REDIS, "engine_version": "6.2.0"}, "engine_version"),
        ({"sentinels": 4}, "holdfast:sentinels"),
        ({"replicas": 1}, "holdfast:replicas"),
        ({"quorum": 3}, "holdfast:quorum"),
        ({"maxmemory": "0"}, "holdfast:maxmemory"),
        ({"eviction_policy": "allkeys-lru"}, "holdfast:evictionPolicy"),
        ({"down_after_ms": 10}, "holdfast:downAfterMs"),
        ({"memory_limit": "300mb"}, "memory_limit"),
        ({"memory_limit": "much"}, "memory_limit"),
        ({"storage": "100mb"}, "storage"),
        ({"storage": "1Pi"}, "storage"),
        ({"cold_start_grace_seconds": 29}, "cold_start_grace_seconds"),
        ({"namespace": "Prod"}, "namespace"),
        ({"store": "a" * 37}, "name"),
        ({"cluster_domain": "-"}, "cluster_domain"),
        ({"extra_dns_names": ("Bad",)}, "holdfast:extraDnsNames"),
        ({"app": "a b"}, "holdfast:app"),
        ({"preset": Preset.PROD, "image": DIGEST, "share_nodes": True}, "share_nodes"),
    ],
)
def test_bad_input_is_refused_by_its_name(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError) as refused:
        resolve(**changes)
    assert refused.value.field == field
    assert refused.value.fix


def test_certificates_are_good_for_the_pods_localhost_and_further_names() -> None:
    names = resolve(extra_dns_names=("store.example",)).credentials.dns_names
    for place in Place:
        assert f"agents-{place}-2.prod.svc.cluster.local" in names[place]
        assert {"localhost", "store.example"} <= set(names[place])
        assert list(names[place]) == sorted(set(names[place]))
    assert not any("sentinel" in name for name in names[Place.SERVER])


def test_clients_are_told_names_to_verify_and_addresses_to_dial() -> None:
    addresses = [f"10.0.0.{number}" for number in range(6)]
    passwords = {role.value: f"secret-of-{role}" for role in Role}
    made = resolve(expected_sessions=7).connection(passwords, "CA", addresses)
    assert made.target == "kubernetes"
    assert made.topology is Topology.SENTINEL
    assert made.sentinel_service == "prod-agents"
    assert made.sentinels == tuple(
        Address(f"agents-sentinel-{n}.prod.svc.cluster.local", 26379) for n in range(3)
    )
    assert dict(made.dial) == {
        f"agents-{place}-{n}.prod.svc.cluster.local": addresses[n + 3 * (place == "sentinel")]
        for place in Place
        for n in range(3)
    }
    assert made.users[Role.SVC].password == "secret-of-svc"
    assert made.tls.ca == "CA"
    assert made.capacity.expected_sessions == 7


@pytest.mark.parametrize(
    ("version", "refused"),
    [("8.0.0", True), ("8.0.2", True), ("8.0.3", False), ("7.2.5", False), ("8.1.0", False)],
)
def test_a_server_that_crashes_when_it_is_told_of_new_users_is_refused(
    version: str, refused: bool
) -> None:
    args: SentinelSessionStoreArgs = {
        "namespace": "agents",
        "engine_version": version,
        "image": f"valkey/valkey:{version}",
    }
    if refused:
        with pytest.raises(ConfigError, match=r"engine_version.*issue 1832"):
            KubernetesSpec.from_args("store", args)
    else:
        assert KubernetesSpec.from_args("store", args).objects.config.version == version
