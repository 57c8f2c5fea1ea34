"""What the control plane remembers of each kind of thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.standin.aws.dataplane.api import (
    Authentication,
    ClusterMode,
    GroupEndpoints,
    ServerlessEndpoints,
    UserState,
    UserStatus,
)


def now() -> datetime:
    """The time of an event."""
    return datetime.now(UTC)


@dataclass
class User:
    """See ``User`` of the service."""

    user_id: str
    user_name: str
    engine: str
    access_string: str
    authentication: Authentication
    arn: str
    password_hashes: tuple[str, ...] = field(default=(), repr=False)
    status: UserStatus = UserStatus.ACTIVE

    def for_servers(self) -> UserState:
        """As the data plane takes it."""
        return UserState(
            self.user_id,
            self.access_string,
            self.authentication,
            self.password_hashes,
            self.status,
        )


@dataclass
class UserGroup:
    """See ``UserGroup`` of the service; where it is attached is kept by the stores."""

    user_group_id: str
    engine: str
    user_ids: list[str]
    arn: str
    status: str = "creating"
    adding: list[str] = field(default_factory=list)
    removing: list[str] = field(default_factory=list)


@dataclass
class SubnetGroup:
    """Subnets of one VPC: zone by subnet id."""

    name: str
    description: str
    vpc_id: str
    zones: dict[str, str]
    arn: str


@dataclass
class ParameterGroup:
    """Values that differ from the family's defaults."""

    name: str
    family: str
    description: str
    arn: str
    values: dict[str, str] = field(default_factory=dict)
    stock: bool = False


@dataclass
class Group:
    """A replication group. ``pending`` waits for the maintenance window."""

    group_id: str
    description: str
    arn: str
    name_hash: str
    engine_version: str
    node_type: str
    ids: dict[str, tuple[str, ...]]
    zones: dict[str, str]
    cluster_mode: ClusterMode
    parameter_group: str
    subnet_group: str
    security_groups: list[str]
    user_groups: list[str]
    automatic_failover: bool
    multi_az: bool
    tls: bool
    tls_mode: str | None
    at_rest: bool
    kms_key: str | None
    snapshot_retention: int
    snapshot_window: str
    maintenance_window: str
    topic: str | None
    auto_minor_version_upgrade: bool
    logs: list[dict[str, Any]]
    network_type: str
    ip_discovery: str
    durability: str
    endpoints: GroupEndpoints
    status: str = "creating"
    created: datetime = field(default_factory=now)
    primaries: dict[str, str] = field(default_factory=dict)
    pending: dict[str, Any] = field(default_factory=dict)
    snapshotting: str | None = None

    @property
    def members(self) -> list[str]:
        """Cluster ids, by shard and number."""
        return [name for shard in sorted(self.ids) for name in self.ids[shard]]

    def choose_snapshotting(self, asked: str | None) -> None:
        """Settle which member automatic snapshots are taken of: none in cluster mode."""
        if self.snapshot_retention == 0 or self.cluster_mode is ClusterMode.ENABLED:
            self.snapshotting = None
        else:
            kept = self.snapshotting if self.snapshotting in self.members else None
            self.snapshotting = asked or kept or self.members[-1]


@dataclass
class Serverless:
    """A serverless cache."""

    name: str
    description: str
    arn: str
    name_hash: str
    major_version: str
    limits: dict[str, dict[str, Any]]
    kms_key: str | None
    security_groups: list[str]
    subnets: list[str]
    user_group: str | None
    snapshot_retention: int
    snapshot_time: str | None
    endpoints: ServerlessEndpoints
    status: str = "creating"
    created: datetime = field(default_factory=now)


@dataclass
class Snapshot:
    """Of a replication group: ``facts`` are what describe gives back, ``folder`` has the data."""

    name: str
    arn: str
    group_id: str
    folder: Path
    facts: dict[str, Any]
    shards: int
    status: str = "creating"
    source: str = "manual"


@dataclass
class ServerlessSnapshot:
    """Of a serverless cache."""

    name: str
    arn: str
    cache: str
    major_version: str
    folder: Path
    kms_key: str | None
    status: str = "creating"
    created: datetime = field(default_factory=now)


@dataclass(frozen=True)
class Event:
    """Something that happened to a thing."""

    source: str
    kind: str
    message: str
    date: datetime = field(default_factory=now)
