"""What a program says about a store on AWS and the network that it is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NotRequired, Required, TypedDict

import pulumi

from config.aws_settings import Authentication
from config.schema import Preset
from holdfast.connection import Topology
from holdfast.rotation.settings import RotationSettings


class PrivateNetworkArgs(TypedDict):
    """Where a store is put. Plain values: they decide which resources there are."""

    region: str
    """Such as ``eu-west-1``. A change replaces everything."""

    aws_name: str
    """Begins the names that people see; at most 24 of a-z, 0-9 and single hyphens."""

    cidr: NotRequired[str]
    """Of the VPC, private, /16 to /25; default ``10.64.0.0/20``. A change replaces everything."""

    zones: NotRequired[int]
    """Availability zones with a subnet each, 2 to 6; default 3."""

    vpc_id: NotRequired[str]
    """A VPC that exists already, to use instead; with ``subnet_ids``."""

    subnet_ids: NotRequired[Sequence[str]]
    """Its private subnets, two or more, in zones of their own."""

    log_retention_days: NotRequired[int]
    """Of the flow log; default 30."""

    account_id: NotRequired[str]
    """The account, 12 digits; default: AWS is asked for it."""

    offline: NotRequired[bool]
    """Ask AWS nothing in previews, where nobody is logged in: what only AWS knows stays unknown.
    Deployments ask. Default False."""

    kms_key_arn: NotRequired[str]
    """Key of the flow log, whose policy must let CloudWatch Logs use it; default AWS's own."""

    tags: NotRequired[Mapping[str, str]]
    """Of everything that takes tags, beside those of the provider."""


class StoreArgs(TypedDict, total=False):
    """What both kinds of store have."""

    region: Required[str]
    """Such as ``eu-west-1``. A change replaces everything."""

    aws_name: Required[str]
    """In the name of the store, of its users, secrets, logs and security groups; at most 24 of a-z,
    0-9 and single hyphens. Alarms, their topic, parameter and subnet group and IAM policies are
    named after the component, and say it in their description. A change replaces the store."""

    vpc_id: Required[pulumi.Input[str]]
    """The VPC of the security groups."""

    subnet_ids: Required[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Private subnets, two or more in different zones. A change replaces the store."""

    account_id: str
    """The account, 12 digits; default: AWS is asked for it."""

    offline: bool
    """Ask AWS nothing in previews, where nobody is logged in: what only AWS knows stays unknown.
    Deployments ask. Default False."""

    preset: Preset
    """``dev`` (default), ``staging`` or ``prod``: the latter two ask for a replica; prod protects
    what holds sessions, and a store of nodes leaves a final snapshot."""

    app: str
    """Prefix of every key; default ``agent``. Fixed for a store's life."""

    buckets: int
    """Hash-tag buckets, a power of two up to 1024; default 64. Fixed for a store's life."""

    engine_version: Required[str]
    """``major.minor`` of Valkey, such as ``9.1``. A serverless cache takes the major alone."""

    authentication: Authentication
    """How svc and worker log in; default by password. Change it over ``password-and-iam``, in two
    updates."""

    user_generations: Sequence[int]
    """Generations of users that exist, the presented one last; default ``[1]``. To replace users
    set ``[1, 2]``, and once all clients have the new logins ``[2]``."""

    client_security_group_ids: Sequence[str]
    """Security groups whose members may connect, beside the store's own client group."""

    client_cidrs: Sequence[str]
    """IPv4 ranges that may connect, no wider than /16; default none."""

    kms_key_arn: str
    """ARN of a key to encrypt with; default: one is made and rotated. A change replaces the
    store."""

    snapshot_retention_days: int
    """1 to 35; default 1, with prod 7."""

    snapshot_window: str
    """``hh:mm-hh:mm`` UTC; default ``03:00-04:00``. Of a serverless cache the beginning counts."""

    restore_from: str
    """Snapshot to begin with: its name, or ARN for a serverless cache. Only creation looks at
    it."""

    alarm_topic_arn: str
    """SNS topic for alarms; default: an encrypted one is made."""

    alarm_emails: Sequence[str]
    """Mail addresses that the topic that is made tells; each has to confirm."""

    log_retention_days: int
    """Of the logs; default 30."""

    expected_sessions: int
    """Sessions at once that the store is meant for; for reports."""

    rotation: RotationSettings
    """How often passwords were made anew, and the stage; default: never."""

    tags: Mapping[str, str]
    """Of everything that takes tags, beside those of the provider."""


class ElastiCacheSessionStoreArgs(StoreArgs, total=False):
    """A store of nodes. Plain values: they decide which resources there are."""

    node_type: Required[str]
    """Such as ``cache.r7g.large``. A change resizes in place."""

    topology: Topology
    """``replication-group`` (default: one shard, cluster mode off) or ``cluster``. A change
    replaces the store."""

    shards: int
    """Of a cluster, 1 to 90; default 1. A change moves slots."""

    replicas: int
    """Of each shard, 0 to 5; default 0, with staging 1, with prod 2."""

    eviction_policy: str
    """``volatile-*``; default ``volatile-lru``."""

    maintenance_window: str
    """``ddd:hh:mm-ddd:hh:mm`` UTC; default ``sun:05:00-sun:06:00``."""

    apply_immediately: bool
    """Change nodes and version at once rather than in the maintenance window; default True, with
    prod False."""

    auto_minor_version_upgrade: bool
    """Default True."""

    final_snapshot: bool
    """Leave a snapshot when the store is destroyed; default with prod."""

    import_id: str
    """A replication group that exists already, to adopt as it is: its settings are not changed in
    this update. Remove it afterwards, and set ``replication_group_id``."""

    replication_group_id: str
    """Id of a group that was adopted, for life; its settings apply from then on, but for what would
    replace it. Default: AWS's name for a new one follows the component's."""


class ServerlessSessionStoreArgs(StoreArgs, total=False):
    """A store without nodes. Both maximums are required: without them the bill has no end."""

    data_storage_gb: Required[int]
    """The most that it may hold, 1 to 5000 GB."""

    ecpu_per_second: Required[int]
    """The most that it may work, 1000 to 15,000,000 ECPU a second."""
