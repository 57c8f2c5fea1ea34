"""A store of ElastiCache nodes: one replication group, cluster mode off or on."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_aws as aws

from components.aws.alarm_table import node_alarms
from components.aws.alarms import add_alarms
from components.aws.args import ElastiCacheSessionStoreArgs
from components.aws.common import AwsStoreOutputs, Surroundings
from components.aws.logs import log_deliveries
from components.aws.spec import NodesSpec
from components.aws.store_spec import PORT, Endpoints, check_component_name
from holdfast.aws.parameters import family, parameters
from holdfast.connection import Address

_ONLY_AT_CREATION: Final = ("snapshotName",)
"""The snapshot that a store begins with: a change would replace the store, sessions and all."""

_REPLACES_AN_ADOPTED_ONE: Final = (
    "atRestEncryptionEnabled",
    "kmsKeyId",
    "subnetGroupName",
)
"""What AWS changes by replacing the group; one that was adopted keeps its own."""

_AS_IT_IS: Final = (
    *_REPLACES_AN_ADOPTED_ONE,
    "applyImmediately",
    "autoMinorVersionUpgrade",
    "automaticFailoverEnabled",
    "clusterMode",
    "description",
    "engine",
    "engineVersion",
    "finalSnapshotIdentifier",
    "logDeliveryConfigurations",
    "maintenanceWindow",
    "multiAzEnabled",
    "nodeType",
    "parameterGroupName",
    "port",
    "securityGroupIds",
    "snapshotRetentionLimit",
    "snapshotWindow",
    "tags",
    "tagsAll",
    "transitEncryptionEnabled",
    "transitEncryptionMode",
    "userGroupIds",
)
"""Everything that is said of a group: while it is adopted, none of it may differ."""

_COUNTS: Final = {True: ("numNodeGroups", "replicasPerNodeGroup"), False: ("numCacheClusters",)}
"""Likewise, by cluster mode. A group that was read has all three, and AWS's plugin refuses them
together: what is ignored is taken over as it was read."""


class ElastiCacheSessionStore(AwsStoreOutputs):
    """A session store in ElastiCache for Valkey, in private subnets.

    Creates the replication group with its subnet group, parameter group and logs; a user a role
    with its password, and their group; a security group, and one that clients join; a secret a
    role with its Connection; a key, unless one is given; alarms for each node and their topic. It
    makes no network (:class:`components.aws.network.PrivateNetwork` does), no rule for the whole
    world, no user that may do everything, and no name of its own in the DNS: certificates are for
    AWS's names.

    Everything is encrypted, on the way and at rest, and nobody gets in without a user. With
    preset prod the group and the key are protected: ``pulumi destroy`` refuses until somebody says
    otherwise, and leaves a snapshot.

    An existing group is adopted in two updates: ``import_id`` takes it into the state as it is,
    and creates what is to surround it; then ``replication_group_id`` in its place applies the
    settings. What would replace the group stays as it was: its subnets, its key, encryption at
    rest. A group without TLS or with an AUTH token has to be migrated first (TLS ``preferred``,
    then ``required``, each an update of its own): users ask for ``required``.
    """

    replication_group: aws.elasticache.ReplicationGroup
    """For what this component has no argument for."""

    def __init__(
        self,
        name: str,
        args: ElastiCacheSessionStoreArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        check_component_name(name)
        spec = NodesSpec.from_args(args)
        super().__init__(
            "holdfast:index:ElastiCacheSessionStore", name, spec.store.fixed_inputs, opts
        )
        around = Surroundings(name, spec.store, args["vpc_id"], self)
        child = around.child
        subnets = aws.elasticache.SubnetGroup(
            f"{name}-subnets",
            description=f"Session store {spec.store.aws_name}",
            subnet_ids=args["subnet_ids"],
            tags=spec.store.tags,
            opts=child,
        )
        group_parameters = _parameter_group(name, spec, child)
        group = self.replication_group = _replication_group(
            name, spec, around, subnets, group_parameters
        )
        for number in range(spec.nodes):
            add_alarms(
                f"{name}-alarm-{number}",
                node_alarms(spec.node),
                {
                    "CacheClusterId": _member(group, spec, number),
                    "CacheNodeId": "0001",
                },
                around.topic_arn,
                spec.store,
                child,
            )
        resources = {
            "replication_group_id": group.id,
            "parameter_group": group_parameters.name,
            "vpc_id": args["vpc_id"],
        }
        self._publish(spec.store, around, group, _endpoints(group, spec), resources)


def _parameter_group(
    name: str, spec: NodesSpec, child: pulumi.ResourceOptions
) -> aws.elasticache.ParameterGroup:
    """Named by the engine: a new family is another group, made before the old one goes."""
    values = parameters(
        spec.node, eviction_policy=spec.eviction_policy.value, cluster=spec.store.cluster
    )
    return aws.elasticache.ParameterGroup(
        f"{name}-parameters",
        family=family(spec.store.engine_version),
        description=f"Session store {spec.store.aws_name}",
        parameters=[{"name": key, "value": value} for key, value in values.items()],
        tags=spec.store.tags,
        opts=child,
    )


def _replication_group(
    name: str,
    spec: NodesSpec,
    around: Surroundings,
    subnets: aws.elasticache.SubnetGroup,
    group_parameters: aws.elasticache.ParameterGroup,
) -> aws.elasticache.ReplicationGroup:
    store, shape = spec.store, spec.shape
    cluster = store.cluster
    return aws.elasticache.ReplicationGroup(
        # AWS's id follows it: this one tells whose store it is, among many of one account.
        store.aws_name,
        replication_group_id=spec.replication_group_id,
        description=f"Session store {store.aws_name}",
        engine="valkey",
        engine_version=store.engine_version,
        node_type=spec.node.name,
        cluster_mode="enabled" if cluster else "disabled",
        # One family of counts, never both: AWS refuses them together.
        num_node_groups=shape.primaries if cluster else None,
        replicas_per_node_group=shape.replicas if cluster else None,
        num_cache_clusters=None if cluster else spec.nodes,
        automatic_failover_enabled=spec.can_fail_over,
        multi_az_enabled=spec.multi_az,
        port=PORT,
        subnet_group_name=subnets.name,
        security_group_ids=[around.gate.store.id],
        parameter_group_name=group_parameters.name,
        transit_encryption_enabled=True,
        # Users demand it; with "preferred" AWS refuses them.
        transit_encryption_mode="required",
        at_rest_encryption_enabled=True,
        kms_key_id=around.key_arn,
        user_group_ids=[around.users.group.user_group_id],
        log_delivery_configurations=log_deliveries(name, store, around.key_arn, around.child),
        snapshot_name=store.restore_from,
        snapshot_retention_limit=store.snapshot_retention_days,
        snapshot_window=store.snapshot_window,
        final_snapshot_identifier=_final_snapshot(store.aws_name, subnets)
        if spec.final_snapshot
        else None,
        maintenance_window=spec.maintenance_window,
        auto_minor_version_upgrade=spec.auto_minor_version_upgrade,
        apply_immediately=spec.apply_immediately,
        tags=store.tags,
        opts=pulumi.ResourceOptions.merge(around.child, _group_options(spec)),
    )


def _group_options(spec: NodesSpec) -> pulumi.ResourceOptions:
    ignored = [*_ONLY_AT_CREATION]
    if spec.import_id is not None:
        ignored += [*_AS_IT_IS, *_COUNTS[spec.store.cluster]]
    elif spec.replication_group_id is not None:
        ignored += _REPLACES_AN_ADOPTED_ONE
    return pulumi.ResourceOptions(
        protect=spec.store.production,
        import_=spec.import_id,
        ignore_changes=ignored,
        # A restore of a large snapshot, and an upgrade of many nodes, take longer than usual.
        custom_timeouts=pulumi.CustomTimeouts(create="90m", update="120m", delete="60m"),
    )


def _final_snapshot(aws_name: str, subnets: aws.elasticache.SubnetGroup) -> pulumi.Output[str]:
    """A name that no earlier life of the store has used: one that exists fails the delete.

    The subnet group's name ends in digits that were drawn with this life of the store.
    """
    return subnets.name.apply(lambda known: f"{aws_name}-final-{known.rpartition('-')[2]}")


def _member(
    group: aws.elasticache.ReplicationGroup, spec: NodesSpec, number: int
) -> pulumi.Output[str]:
    return group.id.apply(lambda known: spec.member_ids(known)[number])


def _endpoints(
    group: aws.elasticache.ReplicationGroup, spec: NodesSpec
) -> pulumi.Output[Endpoints]:
    if spec.store.cluster:
        return group.configuration_endpoint_address.apply(
            lambda known: Endpoints(configuration=Address(known, PORT))
        )
    return pulumi.Output.all(group.primary_endpoint_address, group.reader_endpoint_address).apply(
        lambda known: Endpoints(
            primary=Address(known[0], PORT),
            # Without replicas it is another name of the primary.
            reader=Address(known[1], PORT) if spec.multi_az else None,
        )
    )
