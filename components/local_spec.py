"""Arguments of the local store: completed and checked once, then frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

from components.credentials import CredentialsSpec, role_users
from components.local_config import Node, StoreConfig, plan_nodes
from config.rules import (
    LOOPBACK,
    check_app,
    check_buckets,
    check_dns_names,
    check_down_after_ms,
    check_eviction_policy,
    check_expected_sessions,
    check_maxmemory,
    plan_ports,
)
from config.schema import Appendfsync, Engine
from config.shape import resolve_shape
from holdfast.connection import Address, Capacity, Connection, Tls, Topology
from holdfast.roles import Place, Role
from holdfast.rotation.settings import RotationSettings


class LocalSessionStoreArgs(TypedDict):
    """What a local store is made of. Plain values: they decide which processes there are."""

    owner: str
    """``<project>/<stack>``; folders and processes of another owner are not touched."""

    server_path: str
    """Absolute path of the server program. A change restarts every process, one by one."""

    engine: Engine
    """``valkey`` or ``redis``, as the program says of itself."""

    engine_version: str
    """As the program says of itself, such as ``9.1.2``."""

    data_dir: str
    """Absolute path of the folder for data, configuration and connection files. A change replaces
    every process; the data goes with the old ones unless ``keep_data`` is set."""

    app: NotRequired[str]
    """Prefix of every key; default ``agent``. Fixed for a store's life."""

    buckets: NotRequired[int]
    """Hash-tag buckets, a power of two up to 1024; default 64. Fixed for a store's life."""

    topology: NotRequired[Topology]
    """``standalone``, ``sentinel`` (default) or ``cluster``. A standalone store may become a
    sentinel one and keeps its data; any other change is refused while it runs."""

    primaries: NotRequired[int]
    """Primaries of a cluster, 3 to 16; default 3."""

    replicas: NotRequired[int]
    """Of each primary; default 2 with Sentinels, 1 in a cluster."""

    sentinels: NotRequired[int]
    """An odd number from 3 to 7; default 3."""

    quorum: NotRequired[int]
    """Sentinels that must agree that the primary is down; default the majority."""

    base_port: NotRequired[int]
    """First port of the servers; default 7600."""

    sentinel_base_port: NotRequired[int]
    """First port of the Sentinels; default ``base_port`` + 100."""

    down_after_ms: NotRequired[int]
    """Silence after which a server counts as down, 1000 to 60000; default 5000."""

    maxmemory: NotRequired[str]
    """Memory for data of each server; default ``256mb``."""

    eviction_policy: NotRequired[str]
    """``volatile-*``; default ``volatile-lru``."""

    appendfsync: NotRequired[Appendfsync]
    """``everysec`` (default) or ``always``."""

    keep_data: NotRequired[bool]
    """Keep the data folders when the store is destroyed; default False."""

    expected_sessions: NotRequired[int]
    """Sessions at once that the store is meant for; for reports."""

    extra_dns_names: NotRequired[tuple[str, ...]]
    """Further names in the certificates, beside ``localhost`` and 127.0.0.1."""

    rotation: NotRequired[RotationSettings]
    """How often secrets were made anew, and the stage; default: never. Nothing restarts but the
    Sentinels, one by one, for a certificate or a CA."""


@dataclass(frozen=True, slots=True)
class LocalSpec:
    """Checked arguments."""

    owner: str
    server_path: str
    data_dir: Path
    app: str
    buckets: int
    keep_data: bool
    expected_sessions: int | None
    dns_names: tuple[str, ...]
    config: StoreConfig
    nodes: tuple[Node, ...]
    rotation: RotationSettings

    @classmethod
    def from_args(cls, args: LocalSessionStoreArgs) -> LocalSpec:
        """Fill in the defaults and check every rule. Raises ConfigError."""
        shape = resolve_shape(
            Topology(args.get("topology", Topology.SENTINEL)),
            primaries=args.get("primaries"),
            replicas=args.get("replicas"),
            sentinels=args.get("sentinels"),
            quorum=args.get("quorum"),
        )
        config = StoreConfig(
            service=args["owner"].replace("/", "-"),
            engine=Engine(args["engine"]),
            version=args["engine_version"],
            shape=shape,
            ports=plan_ports(
                shape,
                base_port=args.get("base_port", 7600),
                sentinel_base_port=args.get("sentinel_base_port"),
            ),
            down_after_ms=check_down_after_ms(args.get("down_after_ms", 5000)),
            maxmemory_bytes=check_maxmemory(args.get("maxmemory", "256mb"), servers=shape.servers),
            eviction_policy=check_eviction_policy(args.get("eviction_policy", "volatile-lru")),
            appendfsync=Appendfsync(args.get("appendfsync", Appendfsync.EVERYSEC)),
        )
        return cls(
            owner=args["owner"],
            server_path=args["server_path"],
            data_dir=Path(args["data_dir"]),
            app=check_app(args.get("app", "agent")),
            buckets=check_buckets(args.get("buckets", 64)),
            keep_data=args.get("keep_data", False),
            expected_sessions=check_expected_sessions(args.get("expected_sessions")),
            dns_names=check_dns_names(("localhost", *args.get("extra_dns_names", ()))),
            config=config,
            nodes=plan_nodes(config),
            rotation=args.get("rotation", RotationSettings()),
        )

    @property
    def topology(self) -> Topology:
        """Standalone, sentinel or cluster."""
        return self.config.shape.topology

    @property
    def fixed_inputs(self) -> dict[str, str | int]:
        """What decides where sessions are found; a preview shows a change of it by name."""
        return {
            "app": self.app,
            "buckets": self.buckets,
            "topology": self.topology.value,
            "dataDir": str(self.data_dir),
        }

    @property
    def credentials(self) -> CredentialsSpec:
        """What passwords and certificates follow from."""
        kinds = {node.kind for node in self.nodes}
        names = {place: self.dns_names for place in Place if place in kinds}
        return CredentialsSpec(self.app, self.config, self.rotation, names)

    @property
    def endpoints(self) -> tuple[Address, ...]:
        """What clients dial first: the Sentinels, else the servers."""
        kind = Place.SENTINEL if self.config.shape.sentinels else Place.SERVER
        return tuple(node.address for node in self.nodes if node.kind is kind)

    @property
    def ca_file(self) -> Path:
        """Where the CA's certificates are written for people's tools."""
        return self.data_dir / "ca.crt"

    def connection_file(self, role: Role) -> Path:
        """Where a role's Connection is written."""
        return self.data_dir / f"connection-{role}.json"

    def connection(self, passwords: Mapping[str, str], ca_pem: str) -> Connection:
        """The full Connection: every role's login."""
        topology = self.topology
        return Connection(
            target="local",
            topology=topology,
            engine=self.config.engine.value,
            engine_version=self.config.version,
            app=self.app,
            buckets=self.buckets,
            users=role_users(passwords),
            tls=Tls(ca=ca_pem),
            sentinels=self.endpoints if topology is Topology.SENTINEL else (),
            sentinel_service=self.config.service if topology is Topology.SENTINEL else None,
            primary=Address(LOOPBACK, self.config.ports.servers[0])
            if topology is Topology.STANDALONE
            else None,
            seeds=self.endpoints if topology is Topology.CLUSTER else (),
            capacity=Capacity(
                maxmemory_bytes=self.config.maxmemory_bytes,
                eviction_policy=self.config.eviction_policy.value,
                expected_sessions=self.expected_sessions,
            ),
        )
