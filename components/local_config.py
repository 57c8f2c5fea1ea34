"""What each server process of a local store is told: pure builders, no resource.

Passwords do not appear here: :class:`SecretDirective` says which role's password belongs where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from config.rules import Ports
from config.schema import Appendfsync, Engine, EvictionPolicy
from config.shape import MIN_REPLICAS_MAX_LAG_SECONDS, Shape
from holdfast.acl import parse_version
from holdfast.connection import Address, Topology
from holdfast.roles import Role

LOOPBACK: Final = "127.0.0.1"
FAILOVER_TIMEOUT_MS: Final = 60_000
REBOOT_DOWN_AFTER_MS: Final = 15_000
HASH_MAX_LISTPACK_VALUE_BYTES: Final = 1024
MAXMEMORY_SAMPLES: Final = 10
CLUSTER_BUS_OFFSET: Final = 10_000
_TLS_PROTOCOLS: Final = "TLSv1.2 TLSv1.3"
_PRIMARY_WORDS_SINCE: Final = (8, 0)


class NodeKind(StrEnum):
    """Kinds of process."""

    SERVER = "server"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """What the directives follow from; the fields are the settings of the same names."""

    service: str
    engine: Engine
    version: str
    shape: Shape
    ports: Ports
    down_after_ms: int
    maxmemory_bytes: int
    eviction_policy: EvictionPolicy
    appendfsync: Appendfsync

    @property
    def primary_words(self) -> bool:
        """Whether the version says primary where older ones, and Redis, know only master."""
        return self.engine is Engine.VALKEY and parse_version(self.version) >= _PRIMARY_WORDS_SINCE


@dataclass(frozen=True, slots=True)
class Node:
    """One process.

    Attributes:
        name: of its folder, such as ``server-0``; identity.
        kind: server or Sentinel.
        port: TLS port on loopback.
        directives: kept as they are here, whatever the process writes into its file.
        seed: only for a new file; afterwards they belong to the process.
        secret_directives: directive -> whose password is its value.
        follows: names of the nodes that have to run first.
    """

    name: str
    kind: NodeKind
    port: int
    directives: Mapping[str, str]
    seed: Mapping[str, str] = field(default_factory=dict)
    secret_directives: Mapping[str, Role] = field(default_factory=dict)
    follows: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(LOOPBACK, self.port)


def plan_nodes(config: StoreConfig) -> tuple[Node, ...]:
    """Every process of the store: servers first, the first primary before its replicas."""
    servers = tuple(_server(config, index) for index in range(config.shape.servers))
    sentinels = tuple(_sentinel(config, index) for index in range(config.shape.sentinels))
    return servers + sentinels


def _server(config: StoreConfig, index: int) -> Node:
    port = config.ports.servers[index]
    directives = _server_directives(config, port)
    auth = "primaryauth" if config.primary_words else "masterauth"
    seed: dict[str, str] = {}
    follows: tuple[str, ...] = ()
    if config.shape.topology is Topology.SENTINEL and index > 0:
        # A seed: after a failover the Sentinels say who follows whom.
        seed = {"replicaof": f"{LOOPBACK} {config.ports.servers[0]}"}
        follows = ("server-0",)
    if config.shape.replicas:
        directives["primaryuser" if config.primary_words else "masteruser"] = Role.REPLICA.value
    return Node(
        name=f"server-{index}",
        kind=NodeKind.SERVER,
        port=port,
        directives=directives,
        seed=seed,
        # On the primary too: it is a replica after the next failover.
        secret_directives={auth: Role.REPLICA} if config.shape.replicas else {},
        follows=follows,
    )


def _server_directives(config: StoreConfig, port: int) -> dict[str, str]:
    shape = config.shape
    directives = {
        **_tls_directives(),
        "maxmemory": str(config.maxmemory_bytes),
        "maxmemory-policy": config.eviction_policy.value,
        "maxmemory-samples": str(MAXMEMORY_SAMPLES),
        "hash-max-listpack-value": str(HASH_MAX_LISTPACK_VALUE_BYTES),
        "appendonly": "yes",
        "appendfsync": config.appendfsync.value,
        # The append-only file is the copy on disk; snapshots beside it would only cost.
        "save": "",
        "min-replicas-to-write": str(shape.min_replicas_to_write),
        "min-replicas-max-lag": str(MIN_REPLICAS_MAX_LAG_SECONDS),
    }
    if shape.replicas:
        directives |= {
            "replica-announce-ip": LOOPBACK,
            "replica-announce-port": str(port),
            # Waiting for more replicas before a first copy starts costs 5 s at each start.
            "repl-diskless-sync-delay": "0",
        }
    if shape.topology is Topology.CLUSTER:
        directives |= {
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": str(config.down_after_ms),
            "cluster-port": str(port + CLUSTER_BUS_OFFSET),
            "cluster-announce-ip": LOOPBACK,
            "tls-cluster": "yes",
            # A lost shard must not take the sessions of the others with it.
            "cluster-require-full-coverage": "no",
        }
    return directives


def _tls_directives() -> dict[str, str]:
    return {
        "tls-auth-clients": "no",
        # Without it replicas, and the Sentinels' own connections, would speak plain text.
        "tls-replication": "yes",
        "tls-protocols": _TLS_PROTOCOLS,
    }


def _sentinel(config: StoreConfig, index: int) -> Node:
    service = config.service
    reboot = "primary" if config.primary_words else "master"
    port = config.ports.sentinels[index]
    return Node(
        name=f"sentinel-{index}",
        kind=NodeKind.SENTINEL,
        port=port,
        directives={
            **_tls_directives(),
            "sentinel announce-ip": LOOPBACK,
            "sentinel announce-port": str(port),
            "sentinel deny-scripts-reconfig": "yes",
            "sentinel sentinel-user": Role.SENTINEL.value,
            f"sentinel auth-user {service}": Role.SENTINEL.value,
            f"sentinel down-after-milliseconds {service}": str(config.down_after_ms),
            f"sentinel failover-timeout {service}": str(FAILOVER_TIMEOUT_MS),
            f"sentinel parallel-syncs {service}": "1",
            # A primary that loads a long time after a restart counts as alive without this.
            f"sentinel {reboot}-reboot-down-after-period {service}": str(
                max(REBOOT_DOWN_AFTER_MS, 3 * config.down_after_ms)
            ),
        },
        seed={
            f"sentinel monitor {service}": (
                f"{LOOPBACK} {config.ports.servers[0]} {config.shape.quorum}"
            )
        },
        secret_directives={
            f"sentinel auth-pass {service}": Role.SENTINEL,
            "sentinel sentinel-pass": Role.SENTINEL,
        },
        # A Sentinel asks for replicas every 10 s only: it should find them at its first look.
        follows=tuple(f"server-{number}" for number in range(config.shape.servers)),
    )


def fill_secret_directives(node: Node, passwords: Mapping[str, str]) -> dict[str, str]:
    """A node's secret directives with the passwords, by role, in them."""
    return {name: passwords[role.value] for name, role in node.secret_directives.items()}
