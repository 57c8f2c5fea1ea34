"""The settings that only target aws has. Offline: no call is made to AWS here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from config.aws_rotation import check_aws_rotation
from config.aws_rules import (
    check_account_ids,
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
    check_store_id,
    check_tags,
    check_topic_arn,
    check_vpc_cidr,
    fail,
)
from config.aws_windows import check_windows
from config.place import Place
from config.reader import ConfigReader
from config.schema import BY_NAME, EvictionPolicy, Preset
from config.shape import Shape
from holdfast.aws.nodes_table import NodeType
from holdfast.connection import Topology
from holdfast.errors import ConfigError
from holdfast.rotation.settings import RotationSettings

DEFAULT_VPC_CIDR: Final = "10.64.0.0/20"
_NODES_ALONE: Final = (
    "nodeType",
    "primaries",
    "replicas",
    "maintenanceWindow",
    "applyImmediately",
    "importId",
    "replicationGroupId",
)
SERVERLESS_MAXIMUMS: Final = {"dataStorageGb": (1, 5000), "ecpuPerSecond": (1000, 15_000_000)}
"""Least and most of what bounds a serverless store."""

_NEW_NETWORK_ALONE: Final = ("vpcCidr", "availabilityZones")


class Authentication(StrEnum):
    """How applications prove who they are."""

    PASSWORD = "password"  # noqa: S105 - the name of a way, not a password
    PASSWORD_AND_IAM = "password-and-iam"  # noqa: S105 - the name of a way, not a password
    """Both logins of svc and worker are valid, Connections have IAM: the step between the other
    two, since ElastiCache loses users that are added while others are removed."""
    IAM = "iam"


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """What a store in ElastiCache needs; config/aws_schema.py says what each means.

    Attributes:
        store_name: the setting ``storeName``.
        store_id: ``<storeName>-<stack>`` in lower case, 24 characters at most: tells the
            stores of an account apart.
        node: the node type; None with topology serverless.
        availability_zones: of a network that is made; 0 with one that is there.
        vpc_cidr: likewise; None with one that is there.
        kms_key_arn: None: the component makes a key.
        final_snapshot: whether ``pulumi destroy`` leaves a snapshot.
        data_storage_gb: with topology serverless, else None; likewise ``ecpu_per_second``.
    """

    region: str
    account_ids: tuple[str, ...]
    store_name: str
    store_id: str
    engine_version: str
    node: NodeType | None
    availability_zones: int
    vpc_cidr: str | None
    vpc_id: str | None
    subnet_ids: tuple[str, ...]
    client_security_group_ids: tuple[str, ...]
    client_cidrs: tuple[str, ...]
    kms_key_arn: str | None
    authentication: Authentication
    snapshot_retention_days: int
    snapshot_window: str
    maintenance_window: str
    restore_from: str | None
    final_snapshot: bool
    auto_minor_version_upgrade: bool
    apply_immediately: bool
    alarm_topic_arn: str | None
    alarm_emails: tuple[str, ...]
    log_retention_days: int
    data_storage_gb: int | None
    ecpu_per_second: int | None
    verifier: bool
    tags: Mapping[str, str]
    import_id: str | None
    replication_group_id: str | None

    @property
    def node_type(self) -> str | None:
        """Name of the node type; None with topology serverless."""
        return None if self.node is None else self.node.name

    @property
    def account_id(self) -> str | None:
        """The account, where exactly one is allowed."""
        return self.account_ids[0] if len(self.account_ids) == 1 else None


def load_aws_settings(
    reader: ConfigReader,
    shape: Shape,
    node: NodeType | None,
    *,
    preset: Preset,
    rotation: RotationSettings,
    place: Place,
) -> AwsSettings:
    """Read what only target aws has.

    Args:
        reader: settings over the preset.
        shape: of the store.
        node: the type that was set or chosen; None with topology serverless.
        preset: the stage.
        rotation: of passwords.
        place: whose stack it is.

    Raises:
        ConfigError: a value breaks a rule, or two contradict each other.
    """
    serverless = shape.topology is Topology.SERVERLESS
    _check_together(reader, serverless=serverless)
    check_aws_rotation(rotation)
    region = check_region(reader.optional_text("region"))
    network = _network(reader)
    snapshot, maintenance = check_windows(
        reader.text("snapshotWindow"), reader.text("maintenanceWindow")
    )
    kms_key_arn, topic, restore_from, import_id, group_id = (
        reader.optional_text(name)
        for name in (
            "kmsKeyArn",
            "alarmTopicArn",
            "restoreSnapshot",
            "importId",
            "replicationGroupId",
        )
    )
    return AwsSettings(
        region=region,
        account_ids=check_account_ids(reader.texts("accountIds")),
        store_name=reader.text("storeName"),
        store_id=check_store_id(reader.text("storeName"), place.stack),
        engine_version=check_engine_version(reader.optional_text("engineVersion")),
        node=node,
        availability_zones=network.zones,
        vpc_cidr=network.cidr,
        vpc_id=network.vpc_id,
        subnet_ids=network.subnet_ids,
        client_security_group_ids=check_ids(
            "clientSecurityGroupIds", "sg", reader.texts("clientSecurityGroupIds")
        ),
        client_cidrs=check_client_cidrs(reader.texts("clientCidrs")),
        kms_key_arn=None if kms_key_arn is None else check_kms_key_arn(kms_key_arn, region),
        authentication=reader.choice(Authentication, "authentication"),
        snapshot_retention_days=check_number(
            "snapshotRetentionDays",
            reader.number("snapshotRetentionDays"),
            1,
            35,
            "without a snapshot nothing can be restored, and AWS keeps them for 35 days",
        ),
        snapshot_window=snapshot,
        maintenance_window=maintenance,
        restore_from=None
        if restore_from is None
        else check_snapshot(restore_from, serverless=serverless),
        final_snapshot=preset is Preset.PROD,
        auto_minor_version_upgrade=reader.flag("autoMinorVersionUpgrade"),
        apply_immediately=reader.switch("applyImmediately"),
        alarm_topic_arn=None if topic is None else check_topic_arn(topic, region),
        alarm_emails=check_emails(reader.texts("alarmEmails")),
        log_retention_days=check_log_retention_days(reader.number("logRetentionDays")),
        data_storage_gb=maximum(reader, "dataStorageGb") if serverless else None,
        ecpu_per_second=maximum(reader, "ecpuPerSecond") if serverless else None,
        verifier=reader.switch("verifier"),
        tags=check_tags(reader.texts("awsTags")),
        import_id=None if import_id is None else check_import_id(import_id),
        replication_group_id=None
        if group_id is None
        else check_import_id(group_id, "replicationGroupId"),
    )


@dataclass(frozen=True, slots=True)
class _Network:
    zones: int
    cidr: str | None
    vpc_id: str | None
    subnet_ids: tuple[str, ...]


def _network(reader: ConfigReader) -> _Network:
    """A network to make, or the one to use."""
    vpc_id, subnets = reader.optional_text("vpcId"), reader.texts("subnetIds")
    if vpc_id is None and not subnets:
        zones = check_number(
            "availabilityZones",
            reader.number("availabilityZones"),
            2,
            6,
            "nodes in one zone are lost together",
        )
        return _Network(
            zones, check_vpc_cidr(reader.optional_text("vpcCidr") or DEFAULT_VPC_CIDR), None, ()
        )
    if vpc_id is None or not subnets:
        given, absent = ("subnetIds", "vpcId") if vpc_id is None else ("vpcId", "subnetIds")
        value = vpc_id or ", ".join(subnets)
        raise fail(given, value, f"{BY_NAME[absent].key} beside it", "set both, or neither")
    for name in _NEW_NETWORK_ALONE:
        if reader.is_given(name):
            raise fail(
                name,
                reader.shown(name),
                f"no {BY_NAME['vpcId'].key} beside it: it says how a network is made",
                "remove it",
            )
    check_ids("vpcId", "vpc", [vpc_id])
    ids = check_ids("subnetIds", "subnet", subnets)
    if len(ids) < 2:  # noqa: PLR2004 - the rule is the number
        raise fail("subnetIds", ids[0], "two or more, in different zones", "add another zone's")
    return _Network(0, None, vpc_id, ids)


def maximum(reader: ConfigReader, name: str) -> int:
    """What bounds a serverless store's bill. Raises ConfigError."""
    low, high = SERVERLESS_MAXIMUMS[name]
    value = reader.optional_number(name)
    if value is None:
        raise fail(
            name,
            "nothing",
            f"{low} to {high} with topology serverless",
            "set it: without a maximum nothing bounds the bill",
        )
    return check_number(name, value, low, high, "those are AWS's own limits")


def _check_together(reader: ConfigReader, *, serverless: bool) -> None:
    for name in _NODES_ALONE if serverless else SERVERLESS_MAXIMUMS:
        if reader.is_given(name):
            rule = "a topology with nodes" if serverless else "topology serverless"
            raise fail(name, reader.shown(name), rule, "remove it")
    policy = reader.text("evictionPolicy")
    if serverless and policy != EvictionPolicy.VOLATILE_LRU:
        raise fail(
            "evictionPolicy",
            policy,
            f"{EvictionPolicy.VOLATILE_LRU} with topology serverless, which has no other",
            "remove it",
        )
    topic = reader.optional_text("alarmTopicArn")
    if topic is not None and reader.texts("alarmEmails"):
        raise fail(
            "alarmTopicArn",
            topic,
            f"no {BY_NAME['alarmEmails'].key} beside it: those are for a topic that is made",
            "subscribe them to your topic, and remove one of the two",
        )
    import_id = reader.optional_text("importId")
    if import_id is not None and reader.optional_text("restoreSnapshot") is not None:
        raise fail(
            "importId",
            import_id,
            f"no {BY_NAME['restoreSnapshot'].key} beside it: what is there has its data",
            "remove one of the two",
        )
    if import_id is not None and reader.optional_text("replicationGroupId") is not None:
        raise fail(
            "importId",
            import_id,
            f"no {BY_NAME['replicationGroupId'].key} beside it: that is for later updates",
            "remove this one if the group is in the state already, else the other",
        )


def in_settings(error: ConfigError) -> ConfigError:
    """An error of the node table in the words of the settings."""
    if error.field not in BY_NAME:
        return error
    return ConfigError(BY_NAME[error.field].key, error.value, error.rule, error.fix)
