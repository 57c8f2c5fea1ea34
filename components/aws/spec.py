"""Arguments of a store on AWS: completed and checked once, then frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.aws.args import ElastiCacheSessionStoreArgs, ServerlessSessionStoreArgs, StoreArgs
from config.aws_rotation import check_aws_rotation
from config.aws_rules import (
    check_client_cidrs,
    check_emails,
    check_engine_version,
    check_ids,
    check_import_id,
    check_kms_key_arn,
    check_log_retention_days,
    check_number,
    check_region,
    check_snapshot,
    check_topic_arn,
)
from config.aws_settings import Authentication
from config.aws_windows import check_windows
from config.rules import check_app, check_buckets, check_eviction_policy, check_expected_sessions
from config.schema import EvictionPolicy, Preset
from config.shape import Shape, resolve_aws_shape
from holdfast.aws.names import MAX_PREFIX, is_id, member_ids
from holdfast.aws.nodes import find_node
from holdfast.aws.nodes_table import NodeType
from holdfast.connection import Address, Capability, Capacity, Connection, Tls, Topology, User
from holdfast.errors import ConfigError
from holdfast.roles import Role
from holdfast.rotation.settings import RotationSettings

PORT = 6379
READER_PORT = 6380
"""Of a serverless cache, beside :data:`PORT`."""

_REPLICAS = {Preset.DEV: 0, Preset.STAGING: 1, Preset.PROD: 2}
_RECOVERY_DAYS = {Preset.DEV: 0, Preset.STAGING: 7, Preset.PROD: 30}
_NODE_CAPABILITIES = frozenset({Capability.WAIT, Capability.PSUBSCRIBE, Capability.CLIENT_LIST})


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where AWS says that a store answers.

    Attributes:
        primary: of topology replication-group and serverless.
        reader: of the replicas, where there is a name for them.
        configuration: of topology cluster.
    """

    primary: Address | None = None
    reader: Address | None = None
    configuration: Address | None = None

    @property
    def first(self) -> Address:
        """What clients dial first."""
        found = self.configuration or self.primary
        if found is None:
            raise ConfigError("endpoints", "nothing", "an endpoint", "run `pulumi refresh`")
        return found


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """Checked arguments that both kinds of store have."""

    region: str
    aws_name: str
    account_id: str | None
    preset: Preset
    app: str
    buckets: int
    engine_version: str
    topology: Topology
    authentication: Authentication
    user_generations: tuple[int, ...]
    client_security_group_ids: tuple[str, ...]
    client_cidrs: tuple[str, ...]
    kms_key_arn: str | None
    snapshot_retention_days: int
    snapshot_window: str
    restore_from: str | None
    alarm_topic_arn: str | None
    alarm_emails: tuple[str, ...]
    log_retention_days: int
    expected_sessions: int | None
    rotation: RotationSettings
    tags: Mapping[str, str]
    capacity: Capacity

    @property
    def production(self) -> bool:
        """Whether what holds sessions is protected."""
        return self.preset is Preset.PROD

    @property
    def serverless(self) -> bool:
        """Whether there are no nodes of ours."""
        return self.topology is Topology.SERVERLESS

    @property
    def cluster(self) -> bool:
        """Whether cluster mode is on."""
        return self.topology is Topology.CLUSTER

    @property
    def recovery_days(self) -> int:
        """How long a deleted secret can be brought back; 0: its name is free at once."""
        return _RECOVERY_DAYS[self.preset]

    @property
    def fixed_inputs(self) -> dict[str, str | int]:
        """What decides where sessions are found; a preview shows a change of it by name."""
        return {
            "app": self.app,
            "buckets": self.buckets,
            "topology": self.topology.value,
            "region": self.region,
            "awsName": self.aws_name,
        }

    def connection(self, endpoints: Endpoints, users: Mapping[Role, User]) -> Connection:
        """How to reach the store with these logins."""
        return Connection(
            target="aws",
            topology=self.topology,
            engine="valkey",
            engine_version=self.engine_version,
            app=self.app,
            buckets=self.buckets,
            users=users,
            tls=Tls(),
            primary=endpoints.primary,
            reader=endpoints.reader,
            seeds=() if endpoints.configuration is None else (endpoints.configuration,),
            capabilities=frozenset() if self.serverless else _NODE_CAPABILITIES,
            capacity=self.capacity,
        )


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
        preset = Preset(args.get("preset", Preset.DEV))
        production = preset is Preset.PROD
        shape = resolve_aws_shape(
            Topology(args.get("topology", Topology.REPLICATION_GROUP)),
            primaries=args.get("shards", 1),
            replicas=args.get("replicas", _REPLICAS[preset]),
            may_fail_over=production,
        )
        if shape.topology is Topology.SERVERLESS:
            raise ConfigError(
                "topology",
                "serverless",
                "replication-group or cluster",
                "use ServerlessSessionStore",
            )
        node = find_node(args["node_type"])
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
            store=_store_spec(args, preset, shape.topology, snapshot_window, capacity),
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
        preset = Preset(args.get("preset", Preset.DEV))
        return cls(
            store=_store_spec(args, preset, Topology.SERVERLESS, snapshot_window, capacity),
            data_storage_gb=storage,
            ecpu_per_second=check_number(
                "ecpuPerSecond", args["ecpu_per_second"], 1000, 15_000_000, bill
            ),
        )

    @property
    def major_version(self) -> str:
        """Of Valkey; AWS chooses the minor."""
        return self.store.engine_version.partition(".")[0]


def _store_spec(
    args: StoreArgs, preset: Preset, topology: Topology, snapshot_window: str, capacity: Capacity
) -> StoreSpec:
    region = check_region(args["region"])
    key, topic, snapshot = (
        args.get("kms_key_arn"),
        args.get("alarm_topic_arn"),
        args.get("restore_from"),
    )
    serverless = topology is Topology.SERVERLESS
    return StoreSpec(
        region=region,
        aws_name=check_aws_name(args["aws_name"]),
        account_id=args.get("account_id"),
        preset=preset,
        app=check_app(args.get("app", "agent")),
        buckets=check_buckets(args.get("buckets", 64)),
        engine_version=check_engine_version(args.get("engine_version")),
        topology=topology,
        authentication=Authentication(args.get("authentication", Authentication.PASSWORD)),
        user_generations=_check_generations(tuple(args.get("user_generations", (1,)))),
        client_security_group_ids=check_ids(
            "clientSecurityGroupIds", "sg", tuple(args.get("client_security_group_ids", ()))
        ),
        client_cidrs=check_client_cidrs(tuple(args.get("client_cidrs", ()))),
        kms_key_arn=None if key is None else check_kms_key_arn(key, region),
        snapshot_retention_days=check_number(
            "snapshotRetentionDays",
            args.get("snapshot_retention_days", 7 if preset is Preset.PROD else 1),
            1,
            35,
            "without a snapshot nothing can be restored, and AWS keeps them for 35 days",
        ),
        snapshot_window=snapshot_window,
        restore_from=None if snapshot is None else check_snapshot(snapshot, serverless=serverless),
        alarm_topic_arn=None if topic is None else check_topic_arn(topic, region),
        alarm_emails=check_emails(tuple(args.get("alarm_emails", ()))),
        log_retention_days=check_log_retention_days(args.get("log_retention_days", 30)),
        expected_sessions=capacity.expected_sessions,
        rotation=check_aws_rotation(args.get("rotation", RotationSettings())),
        tags=dict(args.get("tags", {})),
        capacity=capacity,
    )


def check_aws_name(value: str) -> str:
    """What every name of a store begins with. Raises ConfigError."""
    if not is_id(value, longest=MAX_PREFIX):
        raise ConfigError(
            "aws_name",
            value,
            f"at most {MAX_PREFIX} of a-z, 0-9 and single hyphens, a letter first",
            "choose a shorter or simpler one",
        )
    return value


def _check_generations(values: tuple[int, ...]) -> tuple[int, ...]:
    if not 1 <= len(values) <= 2 or values[0] < 1 or sorted(set(values)) != list(values):  # noqa: PLR2004 - one more than the one that goes
        raise ConfigError(
            "user_generations",
            list(values),
            "one or two rising numbers, 1 or more",
            "add the next one in one update, remove the first in another",
        )
    return values
