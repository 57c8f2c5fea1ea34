"""What each server process of a local store is told: pure builders, no resource.

Passwords do not appear here: :class:`SecretDirective` says which role's password belongs where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from config.directives import (
    ServerConfig,
    sentinel_directives,
    sentinel_secrets,
    server_directives,
    server_secrets,
)
from config.rules import LOOPBACK, Ports
from holdfast.connection import Address, Topology
from holdfast.roles import Place, Role

CLUSTER_BUS_OFFSET: Final = 10_000


@dataclass(frozen=True, slots=True)
class StoreConfig(ServerConfig):
    """What the directives follow from; the fields are the settings of the same names."""

    ports: Ports


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
    kind: Place
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
    seed: dict[str, str] = {}
    follows: tuple[str, ...] = ()
    if config.shape.topology is Topology.SENTINEL and index > 0:
        # A seed: after a failover the Sentinels say who follows whom.
        seed = {"replicaof": f"{LOOPBACK} {config.ports.servers[0]}"}
        follows = ("server-0",)
    return Node(
        name=f"server-{index}",
        kind=Place.SERVER,
        port=config.ports.servers[index],
        directives=_server_directives(config, config.ports.servers[index]),
        seed=seed,
        secret_directives=server_secrets(config),
        follows=follows,
    )


def _server_directives(config: StoreConfig, port: int) -> dict[str, str]:
    directives = server_directives(config)
    if config.shape.replicas:
        directives |= {"replica-announce-ip": LOOPBACK, "replica-announce-port": str(port)}
    if config.shape.topology is Topology.CLUSTER:
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


def _sentinel(config: StoreConfig, index: int) -> Node:
    port = config.ports.sentinels[index]
    return Node(
        name=f"sentinel-{index}",
        kind=Place.SENTINEL,
        port=port,
        directives={
            **sentinel_directives(config),
            "sentinel announce-ip": LOOPBACK,
            "sentinel announce-port": str(port),
        },
        seed={
            f"sentinel monitor {config.service}": (
                f"{LOOPBACK} {config.ports.servers[0]} {config.shape.quorum}"
            )
        },
        secret_directives=sentinel_secrets(config),
        # A Sentinel asks for replicas every 10 s only: it should find them at its first look.
        follows=tuple(f"server-{number}" for number in range(config.shape.servers)),
    )


def fill_secret_directives(node: Node, passwords: Mapping[str, str]) -> dict[str, str]:
    """A node's secret directives with the passwords, by role, in them."""
    return {name: passwords[role.value] for name, role in node.secret_directives.items()}
