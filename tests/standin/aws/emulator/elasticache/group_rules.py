"""What AWS demands of a replication group. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.standin.aws.dataplane.api import ClusterMode
from tests.standin.aws.emulator.elasticache import names
from tests.standin.aws.emulator.elasticache.control import Params
from tests.standin.aws.emulator.elasticache.faults import conflicting, fault, invalid
from tests.standin.aws.emulator.elasticache.windows import (
    check_apart,
    check_maintenance,
    check_snapshot,
)

MOST_REPLICAS: Final = 5
MOST_SHARDS: Final = 500
MOST_NODES: Final = 90
_LONGEST_DESCRIPTION: Final = 255
_MOST_DAYS: Final = 35
_NOT_EMULATED: Final = (
    "GlobalReplicationGroupId",
    "PrimaryClusterId",
    "NodeGroupConfiguration",
    "CacheSecurityGroupNames",
    "SnapshotArns",
    "AuthToken",
    "ServerlessCacheSnapshotName",
)
_ROLES_NEED: Final = (
    "User groups need TransitEncryptionEnabled true and TransitEncryptionMode required."
)


@dataclass(frozen=True)
class Shape:
    """Nodes, and what happens when one fails."""

    shards: int
    replicas: int
    failover: bool
    multi_az: bool


@dataclass(frozen=True)
class Windows:
    """When AWS works on the store, UTC."""

    maintenance: str
    snapshot: str


def refuse_what_is_not_emulated(params: Params) -> None:
    """Say so instead of dropping it in silence."""
    for name in _NOT_EMULATED:
        if params.get(name):
            raise invalid(f"The emulator does not offer {name}.")
    if params.get("Port", 6379) != 6379:
        raise invalid("The emulator offers port 6379 alone.")
    if params.get("DataTieringEnabled"):
        raise conflicting("DataTieringEnabled needs a node type of family r6gd.")


def description(text: str) -> str:
    """Not empty, and not too long."""
    if not 1 <= len(text) <= _LONGEST_DESCRIPTION:
        raise invalid(f"ReplicationGroupDescription has 1 to {_LONGEST_DESCRIPTION} characters.")
    return text


def retention(days: int) -> int:
    """Days that automatic snapshots are kept; 0 for none."""
    return names.between("SnapshotRetentionLimit", days, 0, _MOST_DAYS)


def cluster_mode(params: Params) -> ClusterMode | None:
    """What was asked for, None where the parameter group decides."""
    if "ClusterMode" not in params:
        return None
    return ClusterMode(names.one_of("ClusterMode", params["ClusterMode"], list(ClusterMode)))


def agreed_mode(mode: ClusterMode | None, *, cluster: bool) -> ClusterMode:
    """The mode that request and parameter group agree on."""
    if mode is None:
        return ClusterMode.ENABLED if cluster else ClusterMode.DISABLED
    if (mode is not ClusterMode.DISABLED) != cluster:
        message = (
            f"ClusterMode {mode} needs a parameter group with cluster-enabled="
            f"{'no' if cluster else 'yes'}."
        )
        raise conflicting(message)
    return mode


def shape(params: Params, mode: ClusterMode) -> Shape:
    """Shards and replicas out of the two ways to count nodes, and failover that fits them."""
    nodes, shards = params.get("NumCacheClusters"), params.get("NumNodeGroups")
    per_shard = params.get("ReplicasPerNodeGroup")
    if nodes is not None and (shards is not None or per_shard is not None):
        raise conflicting(
            "Use NumCacheClusters, or NumNodeGroups with ReplicasPerNodeGroup, not both."
        )
    if mode is ClusterMode.ENABLED and nodes is not None:
        raise conflicting("NumCacheClusters is for cluster mode disabled.")
    if mode is not ClusterMode.ENABLED and (shards or 1) != 1:
        raise conflicting("NumNodeGroups above 1 needs cluster mode enabled.")
    if nodes is not None:
        names.between("NumCacheClusters", nodes, 1, MOST_REPLICAS + 1)
    replicas = nodes - 1 if nodes is not None else per_shard or 0
    names.between("ReplicasPerNodeGroup", replicas, 0, MOST_REPLICAS)
    shards = names.between("NumNodeGroups", shards if shards is not None else 1, 1, MOST_SHARDS)
    check_node_count(shards * (replicas + 1))
    failover = bool(params.get("AutomaticFailoverEnabled", False))
    multi_az = bool(params.get("MultiAZEnabled", False))
    check_failover(mode, nodes=replicas + 1, failover=failover, multi_az=multi_az)
    return Shape(shards, replicas, failover, multi_az)


def check_node_count(nodes: int) -> None:
    """The quota of nodes of one group."""
    if nodes > MOST_NODES:
        message = f"{nodes} nodes are more than the {MOST_NODES} of a cluster."
        raise fault("NodeQuotaForClusterExceededFault", message)


def check_failover(mode: ClusterMode, *, nodes: int, failover: bool, multi_az: bool) -> None:
    """Failover needs somebody to fail over to, and zones need failover."""
    if mode is ClusterMode.ENABLED:
        if not failover:
            raise conflicting("AutomaticFailoverEnabled must be true in cluster mode.")
    elif failover and nodes < 2:
        raise conflicting("Automatic failover needs at least 2 nodes: one primary, one replica.")
    if multi_az and not failover:
        raise conflicting("MultiAZEnabled needs AutomaticFailoverEnabled.")
    if multi_az and nodes < 2:
        raise conflicting("MultiAZEnabled needs at least one replica.")


def transit(params: Params) -> tuple[bool, str | None]:
    """Encryption in transit and its mode: ``required`` where none is named."""
    tls = bool(params.get("TransitEncryptionEnabled", False))
    mode = params.get("TransitEncryptionMode")
    if mode is not None:
        names.one_of("TransitEncryptionMode", mode, ("preferred", "required"))
        if not tls:
            raise conflicting("TransitEncryptionMode needs TransitEncryptionEnabled.")
    return tls, (mode or "required") if tls else None


def check_access(attached: Sequence[str], *, tls: bool, tls_mode: str | None) -> None:
    """User groups only over TLS, and nothing but TLS."""
    if attached and (not tls or tls_mode != "required"):
        raise conflicting(_ROLES_NEED)


def check_zones(asked: Sequence[str], available: Sequence[str]) -> None:
    """Zones that the subnet group has."""
    for zone in asked:
        if zone not in available:
            raise invalid(f"{zone} is not a zone of the subnet group: {', '.join(available)}.")


def windows(params: Params) -> Windows:
    """Both windows; AWS chooses one that is not given."""
    maintenance = check_maintenance(params.get("PreferredMaintenanceWindow", "sun:05:00-sun:06:00"))
    snapshot = check_snapshot(params.get("SnapshotWindow", "02:00-03:00"))
    check_apart(maintenance, snapshot)
    return Windows(maintenance, snapshot)


def durability(params: Params, version: str, mode: ClusterMode) -> str:
    """Durability: of Valkey 9 in cluster mode."""
    value: str = params.get("Durability", "default")
    if value != "default" and (mode is not ClusterMode.ENABLED or version < "9"):
        raise conflicting("Durability needs Valkey 9.0 or newer and cluster mode enabled.")
    return value
