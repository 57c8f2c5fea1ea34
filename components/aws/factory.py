"""Settings in, a store in ElastiCache out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

from components.aws.args import (
    ElastiCacheSessionStoreArgs,
    PrivateNetworkArgs,
    ServerlessSessionStoreArgs,
    StoreArgs,
)
from components.aws.common import AwsStoreOutputs
from components.aws.network import PrivateNetwork
from components.aws.offline import decide_offline, offline_provider_args
from components.aws.serverless import ServerlessSessionStore
from components.aws.spec import NodesSpec, ServerlessSpec
from components.aws.store import ElastiCacheSessionStore
from components.aws.verifier import Verifier, VerifierArgs
from components.outputs import SessionStore
from config.aws_settings import AwsSettings
from config.schema import BY_NAME
from config.settings import Settings
from holdfast.connection import Topology
from holdfast.errors import ConfigError

_SETTING_OF: Final = {
    "aws_name": "storeName",
    "node_type": "nodeType",
    "nodeType": "nodeType",
    "subnet_ids": "subnetIds",
    "vpc_id": "vpcId",
    "zones": "availabilityZones",
    "replication_group_id": "replicationGroupId",
    "topology": "topology",
}
"""Arguments of the components by the name that their errors use, and their settings."""

_UNKNOWN: Final = "unknown until there is a network"


def create_aws_store(name: str, settings: Settings, own: AwsSettings) -> SessionStore:
    """Create the network, the store and the verifier through a provider of their own.

    A preview where nobody is logged in asks AWS nothing, and warns of what it leaves open.

    Raises:
        HoldfastError: a setting is refused, or there is no AWS login for a deployment. Nothing was
            registered, and no call made.
    """
    try:
        check(settings, own)
    except ConfigError as error:
        raise _named(error) from None
    offline = decide_offline(own)
    options = pulumi.ResourceOptions(provider=_provider(name, settings, own, offline=offline))
    network = PrivateNetwork(f"{name}-network", {**network_args(own), "offline": offline}, options)
    store = _store(name, settings, own, network, options, offline=offline)
    if own.verifier:
        verifier = Verifier(f"{name}-verifier", _verifier_args(own, network, store), options)
        store.resources = pulumi.Output.all(store.resources, verifier.function_name).apply(
            lambda known: {**known[0], "verifier_function": known[1]}
        )
    return store


def check(settings: Settings, own: AwsSettings) -> None:
    """Apply the components' own rules before anything is registered. Raises ConfigError."""
    if settings.shape.topology is Topology.SERVERLESS:
        ServerlessSpec.from_args(serverless_args(settings, own, _UNKNOWN, ()))
    else:
        NodesSpec.from_args(nodes_args(settings, own, _UNKNOWN, ()))


def network_args(own: AwsSettings) -> PrivateNetworkArgs:
    """Settings in the words of the network."""
    args: PrivateNetworkArgs = {
        "region": own.region,
        "aws_name": own.store_id,
        "log_retention_days": own.log_retention_days,
    }
    if own.vpc_id is not None:
        args["vpc_id"], args["subnet_ids"] = own.vpc_id, own.subnet_ids
    else:
        args["zones"] = own.availability_zones
        if own.vpc_cidr is not None:
            args["cidr"] = own.vpc_cidr
    if own.account_id is not None:
        args["account_id"] = own.account_id
    if own.kms_key_arn is not None:
        args["kms_key_arn"] = own.kms_key_arn
    return args


def nodes_args(
    settings: Settings,
    own: AwsSettings,
    vpc_id: pulumi.Input[str],
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]],
) -> ElastiCacheSessionStoreArgs:
    """Settings in the words of a store of nodes."""
    args: ElastiCacheSessionStoreArgs = {
        "region": own.region,
        "aws_name": own.store_id,
        "engine_version": own.engine_version,
        "vpc_id": vpc_id,
        "subnet_ids": subnet_ids,
        "node_type": own.node_type or "",
        "topology": settings.shape.topology,
        "shards": settings.shape.primaries,
        "replicas": settings.shape.replicas,
        "eviction_policy": settings.eviction_policy.value,
        "maintenance_window": own.maintenance_window,
        "apply_immediately": own.apply_immediately,
        "auto_minor_version_upgrade": own.auto_minor_version_upgrade,
        "final_snapshot": own.final_snapshot,
    }
    if own.import_id is not None:
        args["import_id"] = own.import_id
    if own.replication_group_id is not None:
        args["replication_group_id"] = own.replication_group_id
    _fill(args, settings, own)
    return args


def serverless_args(
    settings: Settings,
    own: AwsSettings,
    vpc_id: pulumi.Input[str],
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]],
) -> ServerlessSessionStoreArgs:
    """Settings in the words of a serverless store."""
    args: ServerlessSessionStoreArgs = {
        "region": own.region,
        "aws_name": own.store_id,
        "engine_version": own.engine_version,
        "vpc_id": vpc_id,
        "subnet_ids": subnet_ids,
        "data_storage_gb": own.data_storage_gb or 0,
        "ecpu_per_second": own.ecpu_per_second or 0,
    }
    _fill(args, settings, own)
    return args


def _fill(args: StoreArgs, settings: Settings, own: AwsSettings) -> None:
    """What both kinds of store are told."""
    args["preset"] = settings.preset
    args["app"], args["buckets"] = settings.app, settings.buckets
    args["authentication"] = own.authentication
    args["client_security_group_ids"] = own.client_security_group_ids
    args["client_cidrs"] = own.client_cidrs
    args["snapshot_retention_days"] = own.snapshot_retention_days
    args["snapshot_window"] = own.snapshot_window
    args["alarm_emails"] = own.alarm_emails
    args["log_retention_days"] = own.log_retention_days
    args["rotation"] = settings.rotation
    if own.account_id is not None:
        args["account_id"] = own.account_id
    if own.kms_key_arn is not None:
        args["kms_key_arn"] = own.kms_key_arn
    if own.restore_from is not None:
        args["restore_from"] = own.restore_from
    if own.alarm_topic_arn is not None:
        args["alarm_topic_arn"] = own.alarm_topic_arn
    if settings.expected_sessions is not None:
        args["expected_sessions"] = settings.expected_sessions


def _store(
    name: str,
    settings: Settings,
    own: AwsSettings,
    network: PrivateNetwork,
    options: pulumi.ResourceOptions,
    *,
    offline: bool,
) -> AwsStoreOutputs:
    if settings.shape.topology is Topology.SERVERLESS:
        cache = serverless_args(settings, own, network.vpc_id, network.subnet_ids)
        return ServerlessSessionStore(name, {**cache, "offline": offline}, options)
    group = nodes_args(settings, own, network.vpc_id, network.subnet_ids)
    return ElastiCacheSessionStore(name, {**group, "offline": offline}, options)


def _provider(name: str, settings: Settings, own: AwsSettings, *, offline: bool) -> aws.Provider:
    """One provider, with the region and the accounts that it may touch.

    Not the default one, which takes whatever region and account a shell happens to name.
    """
    project, _, stack = settings.owner.partition("/")
    args = (
        offline_provider_args(own.region)
        if offline
        else aws.ProviderArgs(region=own.region, allowed_account_ids=list(own.account_ids) or None)
    )
    args.default_tags = aws.ProviderDefaultTagsArgs(
        tags={
            **own.tags,
            "project": project,
            "stack": stack,
            "preset": settings.preset.value,
            "managed-by": "pulumi",
        }
    )
    return aws.Provider(f"{name}-aws", args)


def _verifier_args(
    own: AwsSettings, network: PrivateNetwork, store: AwsStoreOutputs
) -> VerifierArgs:
    args: VerifierArgs = {
        "aws_name": own.store_id,
        "region": own.region,
        "vpc_id": network.vpc_id,
        "subnet_ids": network.subnet_ids,
        "client_security_group_id": store.client_security_group_id,
        "store_security_group_id": store.store_security_group_id,
        "secret_arns": store.secret_arns,
        "kms_key_arn": store.kms_key_arn,
        "log_retention_days": own.log_retention_days,
    }
    if network.https_cidrs:
        args["https_cidrs"] = network.https_cidrs
    if store.connect_policy_arns:
        args["connect_policy_arns"] = store.connect_policy_arns
    return args


def _named(error: ConfigError) -> ConfigError:
    """An error in the words of the settings."""
    setting = _SETTING_OF.get(error.field)
    field = error.field if setting is None else BY_NAME[setting].key
    return ConfigError(field, error.value, error.rule, error.fix)
