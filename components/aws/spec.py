"""Arguments of a store on AWS: completed and checked once, then frozen."""

from __future__ import annotations

from dataclasses import dataclass

from components.aws.args import ElastiCacheSessionStoreArgs, ServerlessSessionStoreArgs
from components.aws.store_spec import StoreSpec, store_spec
from config.aws_rules import check_import_id, check_number, check_offered, check_region
from config.aws_windows import check_windows
from config.reader import member
from config.rules import check_eviction_policy, check_expected_sessions
from config.schema import EvictionPolicy, Preset
from config.shape import Shape, resolve_aws_shape
from holdfast.aws.names import member_ids
from holdfast.aws.nodes import find_node
from holdfast.aws.nodes_table import NodeType
from holdfast.connection import Capacity, Topology
from holdfast.errors import ConfigError

_REPLICAS = {Preset.DEV: 0, Preset.STAGING: 1, Preset.PROD: 2}


@dataclass(frozen=True, slots=True)
class NodesSpec:
    """Checked arguments that only a store of nodes has."""

    store: StoreSpec
    node: NodeType
    shape: Shape
    eviction_policy: EvictionPolicy
    maintenance_window: str
    apply_immediately: bool
    auto_minor_version_upgrade: bool
    final_snapshot: bool
    import_id: str | None
    replication_group_id: str | None

    @classmethod
    def from_args(cls, args: ElastiCacheSessionStoreArgs) -> NodesSpec:
        """Fill in the defaults and check every rule. Raises ConfigError."""
        preset = member(Preset, "preset", args.get("preset", Preset.DEV))
        production = preset is Preset.PROD
        shape = resolve_aws_shape(
            member(Topology, "topology", args.get("topology", Topology.REPLICATION_GROUP)),
            primaries=args.get("shards", 1),
            replicas=args.get("replicas", _REPLICAS[preset]),
            may_fail_over=preset is not Preset.DEV,
        )
        if shape.topology is Topology.SERVERLESS:
            raise ConfigError(
                "topology",
                "serverless",
                "replication-group or cluster",
                "use ServerlessSessionStore",
            )
        node = check_offered(find_node(args["node_type"]), check_region(args["region"]))
        policy = check_eviction_policy(args.get("eviction_policy", "volatile-lru"))
        snapshot_window, maintenance_window = check_windows(
            args.get("snapshot_window", "03:00-04:00"),
            args.get("maintenance_window", "sun:05:00-sun:06:00"),
        )
        import_id, group_id = args.get("import_id"), args.get("replication_group_id")
        if import_id is not None and group_id is not None:
            raise ConfigError(
                "replication_group_id",
                group_id,
                "no import_id beside it",
                "adopt the group in one update, and keep its id in the next",
            )
        if import_id is not None:
            check_import_id(import_id)
        if group_id is not None:
            check_import_id(group_id, "replicationGroupId")
        capacity = Capacity(
            maxmemory_bytes=node.usable_bytes,
            eviction_policy=policy.value,
            expected_sessions=check_expected_sessions(args.get("expected_sessions")),
        )
        return cls(
            store=store_spec(args, preset, shape.topology, snapshot_window, capacity),
            node=node,
            shape=shape,
            eviction_policy=policy,
            maintenance_window=maintenance_window,
            apply_immediately=args.get("apply_immediately", not production),
            auto_minor_version_upgrade=args.get("auto_minor_version_upgrade", True),
            final_snapshot=args.get("final_snapshot", production),
            import_id=import_id,
            replication_group_id=import_id or group_id,
        )

    @property
    def can_fail_over(self) -> bool:
        """Whether AWS moves a primary: it insists on it in cluster mode."""
        return self.store.cluster or self.multi_az

    @property
    def multi_az(self) -> bool:
        """Whether there is a replica to put into another zone."""
        return self.shape.replicas > 0

    @property
    def nodes(self) -> int:
        """All of them."""
        return self.shape.servers

    def member_ids(self, group_id: str) -> tuple[str, ...]:
        """Ids of the nodes."""
        return member_ids(
            group_id,
            shards=self.shape.primaries,
            nodes=1 + self.shape.replicas,
            cluster=self.store.cluster,
        )


@dataclass(frozen=True, slots=True)
class ServerlessSpec:
    """Checked arguments that only a serverless store has."""

    store: StoreSpec
    data_storage_gb: int
    ecpu_per_second: int

    @classmethod
    def from_args(cls, args: ServerlessSessionStoreArgs) -> ServerlessSpec:
        """Fill in the defaults and check every rule. Raises ConfigError."""
        bill = "it bounds what the cache may cost"
        storage = check_number("dataStorageGb", args["data_storage_gb"], 1, 5000, bill)
        capacity = Capacity(
            maxmemory_bytes=storage * 10**9,
            eviction_policy=EvictionPolicy.VOLATILE_LRU.value,
            expected_sessions=check_expected_sessions(args.get("expected_sessions")),
        )
        snapshot_window, _ = check_windows(
            args.get("snapshot_window", "03:00-04:00"), "sun:05:00-sun:06:00"
        )
        preset = member(Preset, "preset", args.get("preset", Preset.DEV))
        return cls(
            store=store_spec(args, preset, Topology.SERVERLESS, snapshot_window, capacity),
            data_storage_gb=storage,
            ecpu_per_second=check_number(
                "ecpuPerSecond", args["ecpu_per_second"], 1000, 15_000_000, bill
            ),
        )

    @property
    def major_version(self) -> str:
        """Of Valkey; AWS chooses the minor."""
        return self.store.engine_version.partition(".")[0]
