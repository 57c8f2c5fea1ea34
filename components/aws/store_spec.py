"""What both kinds of store on AWS are told: completed and checked once, then frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.aws.args import StoreArgs
from config.aws_rotation import check_aws_rotation
from config.aws_rules import (
    check_account_id,
    check_client_cidrs,
    check_emails,
    check_engine_version,
    check_ids,
    check_kms_key_arn,
    check_log_retention_days,
    check_number,
    check_region,
    check_snapshot,
    check_topic_arn,
)
from config.aws_settings import Authentication
from config.reader import member
from config.rules import check_app, check_buckets
from config.schema import Preset
from holdfast.aws.names import MAX_PREFIX, is_id
from holdfast.connection import Address, Capability, Capacity, Connection, Tls, Topology, User
from holdfast.errors import ConfigError
from holdfast.roles import Role
from holdfast.rotation.settings import RotationSettings

PORT = 6379
READER_PORT = 6380
"""Of a serverless cache, beside :data:`PORT`."""

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
    offline: bool
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


def store_spec(
    args: StoreArgs, preset: Preset, topology: Topology, snapshot_window: str, capacity: Capacity
) -> StoreSpec:
    """Fill in the defaults and check every rule. Raises ConfigError."""
    region = check_region(args["region"])
    key = args.get("kms_key_arn")
    topic, snapshot = args.get("alarm_topic_arn"), args.get("restore_from")
    serverless = topology is Topology.SERVERLESS
    return StoreSpec(
        region=region,
        aws_name=check_aws_name(args["aws_name"]),
        account_id=check_account_id(args.get("account_id")),
        offline=args.get("offline", False),
        preset=preset,
        app=check_app(args.get("app", "agent")),
        buckets=check_buckets(args.get("buckets", 64)),
        engine_version=check_engine_version(args["engine_version"]),
        topology=topology,
        authentication=member(
            Authentication, "authentication", args.get("authentication", Authentication.PASSWORD)
        ),
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
    """What names of a store begin with. Raises ConfigError."""
    if not is_id(value, longest=MAX_PREFIX):
        raise ConfigError(
            "aws_name",
            value,
            f"at most {MAX_PREFIX} of a-z, 0-9 and single hyphens, a letter first",
            "choose a shorter or simpler one",
        )
    return value


def check_component_name(name: str) -> str:
    """A component's name, from which AWS's names of its groups follow. Raises ConfigError."""
    if name != name.lower():
        raise ConfigError(
            "name",
            name,
            "lower case: AWS keeps a subnet group's name so, and it would differ for ever",
            f"call it {name.lower()}",
        )
    return name


def _check_generations(values: tuple[int, ...]) -> tuple[int, ...]:
    if not 1 <= len(values) <= 2 or values[0] < 1 or sorted(set(values)) != list(values):  # noqa: PLR2004 - one more than the one that goes
        raise ConfigError(
            "user_generations",
            list(values),
            "one or two rising numbers, 1 or more",
            "add the next one in one update, remove the first in another",
        )
    return values
