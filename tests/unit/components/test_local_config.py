from __future__ import annotations

import pytest

from components.local_config import Node, StoreConfig, fill_secret_directives, plan_nodes
from config.rules import plan_ports
from config.schema import Appendfsync, Engine, EvictionPolicy
from config.shape import resolve_shape
from holdfast.connection import Topology
from holdfast.roles import Place, Role

TOPOLOGIES = [Topology.STANDALONE, Topology.SENTINEL, Topology.CLUSTER]


def config(
    topology: Topology,
    *,
    engine: Engine = Engine.VALKEY,
    version: str = "9.1.2",
    down_after_ms: int = 5000,
    replicas: int | None = None,
) -> StoreConfig:
    shape = resolve_shape(topology, replicas=replicas)
    return StoreConfig(
        service="holdfast-test",
        engine=engine,
        version=version,
        shape=shape,
        ports=plan_ports(shape, base_port=7600, sentinel_base_port=None),
        down_after_ms=down_after_ms,
        maxmemory_bytes=256 * 1024**2,
        eviction_policy=EvictionPolicy.VOLATILE_LRU,
        appendfsync=Appendfsync.EVERYSEC,
    )


def servers(nodes: tuple[Node, ...]) -> list[Node]:
    return [node for node in nodes if node.kind is Place.SERVER]


def sentinels(nodes: tuple[Node, ...]) -> list[Node]:
    return [node for node in nodes if node.kind is Place.SENTINEL]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_server_persists_evicts_and_encrypts_as_promised(topology: Topology) -> None:
    for node in servers(plan_nodes(config(topology))):
        assert {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory": "268435456",
            "maxmemory-policy": "volatile-lru",
            "maxmemory-samples": "10",
            "hash-max-listpack-value": "1024",
            "min-replicas-max-lag": "3",
            "tls-auth-clients": "no",
            "tls-replication": "yes",
            "tls-protocols": "TLSv1.2 TLSv1.3",
        }.items() <= node.directives.items()


@pytest.mark.parametrize(
    ("topology", "replicas", "needed"),
    [
        (Topology.STANDALONE, None, "0"),
        (Topology.SENTINEL, None, "1"),
        (Topology.CLUSTER, None, "0"),
        (Topology.CLUSTER, 2, "1"),
    ],
)
def test_writes_need_a_replica_only_where_a_primary_has_two(
    topology: Topology, replicas: int | None, needed: str
) -> None:
    for node in servers(plan_nodes(config(topology, replicas=replicas))):
        assert node.directives["min-replicas-to-write"] == needed


def test_a_standalone_server_knows_no_replication() -> None:
    (node,) = plan_nodes(config(Topology.STANDALONE))
    assert not node.secret_directives
    assert not node.seed
    assert not [name for name in node.directives if name.startswith(("replica-", "cluster-"))]


def test_replicas_follow_the_first_server_and_sentinels_all_servers() -> None:
    nodes = {node.name: node for node in plan_nodes(config(Topology.SENTINEL))}
    assert list(nodes) == [f"server-{i}" for i in range(3)] + [f"sentinel-{i}" for i in range(3)]
    assert nodes["server-0"].follows == ()
    assert nodes["server-2"].follows == ("server-0",)
    assert nodes["sentinel-0"].follows == ("server-0", "server-1", "server-2")


def test_only_a_new_file_says_who_the_primary_is() -> None:
    for node in plan_nodes(config(Topology.SENTINEL)):
        kept = " ".join(node.directives)
        assert "replicaof" not in kept
        assert "monitor" not in kept


def test_sentinels_speak_tls_announce_loopback_and_log_in() -> None:
    for number, node in enumerate(sentinels(plan_nodes(config(Topology.SENTINEL)))):
        assert node.directives["tls-replication"] == "yes"
        assert node.directives["sentinel announce-ip"] == "127.0.0.1"
        assert node.directives["sentinel announce-port"] == str(7700 + number)
        assert node.directives["sentinel auth-user holdfast-test"] == "sentinel"
        assert node.directives["sentinel sentinel-user"] == "sentinel"
        assert node.directives["sentinel down-after-milliseconds holdfast-test"] == "5000"
        assert node.seed == {"sentinel monitor holdfast-test": "127.0.0.1 7600 2"}


def test_a_primary_that_only_reboots_gets_longer_than_down_after() -> None:
    name = "sentinel primary-reboot-down-after-period holdfast-test"
    node = plan_nodes(config(Topology.SENTINEL))[-1]
    assert node.directives[name] == "15000"
    slow = plan_nodes(config(Topology.SENTINEL, down_after_ms=20_000))[-1]
    assert slow.directives[name] == "60000"


@pytest.mark.parametrize(
    ("engine", "version", "word"),
    [
        (Engine.VALKEY, "9.1.2", "primary"),
        (Engine.VALKEY, "8.0.1", "primary"),
        (Engine.VALKEY, "7.2.6", "master"),
        (Engine.REDIS, "7.0.15", "master"),
        (Engine.REDIS, "10.0.0", "master"),
    ],
)
def test_each_version_is_spoken_to_in_its_own_words(
    engine: Engine, version: str, word: str
) -> None:
    nodes = plan_nodes(config(Topology.SENTINEL, engine=engine, version=version))
    assert nodes[0].directives[f"{word}user"] == "replica"
    assert nodes[0].secret_directives == {f"{word}auth": Role.REPLICA}
    reboot = f"sentinel {word}-reboot-down-after-period holdfast-test"
    assert reboot in nodes[-1].directives


def test_a_cluster_talks_tls_on_its_bus_and_serves_the_slots_it_has() -> None:
    for number, node in enumerate(plan_nodes(config(Topology.CLUSTER))):
        assert node.kind is Place.SERVER
        assert not node.seed
        assert {
            "cluster-enabled": "yes",
            "tls-cluster": "yes",
            "cluster-port": str(17600 + number),
            "cluster-node-timeout": "5000",
            "cluster-require-full-coverage": "no",
            "cluster-announce-ip": "127.0.0.1",
        }.items() <= node.directives.items()
        assert node.secret_directives == {"primaryauth": Role.REPLICA}


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_no_directive_holds_a_password_until_it_is_filled_in(topology: Topology) -> None:
    passwords = {role.value: f"pw-{role}" for role in Role}
    for node in plan_nodes(config(topology)):
        filled = fill_secret_directives(node, passwords)
        assert filled == {name: f"pw-{role}" for name, role in node.secret_directives.items()}
        assert not filled.keys() & node.directives.keys()
