"""Replication groups: creating, describing and deleting them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tests.standin.aws.dataplane.api import ClusterMode, GroupSpec
from tests.standin.aws.dataplane.endpoints import group_endpoints, member_ids
from tests.standin.aws.emulator.elasticache import (
    group_rules,
    names,
    network,
    parameter_groups,
    snapshots,
    tagging,
    user_groups,
    versions,
)
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result, page
from tests.standin.aws.emulator.elasticache.faults import fault
from tests.standin.aws.emulator.elasticache.group_show import show
from tests.standin.aws.emulator.elasticache.log_delivery import configured
from tests.standin.aws.emulator.elasticache.lookup import KIND, find, look, require
from tests.standin.aws.emulator.elasticache.state import Group

_DELETABLE: Final = ("available", "create-failed")


def create_replication_group(control: Control, params: Params) -> Result:
    """``CreateReplicationGroup``."""
    group_id = names.identifier("ReplicationGroupId", params["ReplicationGroupId"])
    if group_id in control.groups:
        message = f"Replication group {group_id} already exists."
        raise fault("ReplicationGroupAlreadyExistsFault", message)
    group = _planned(control, group_id, params)
    restore = snapshots.folder_to_restore(control, params, shards=len(group.ids))
    control.groups[group_id] = group
    tagging.set_tags(control, group.arn, params)
    control.note(group_id, KIND, f"Replication group {group_id} is being created")

    def work() -> None:
        with control.lock:
            spec = replace(_spec(control, group), restore_from=restore)
        endpoints = control.plane.create_group(spec)
        primaries = dict(control.plane.primaries(group_id))
        with control.lock:
            group.endpoints, group.primaries = endpoints, primaries

    def done() -> None:
        group.status = "available"
        control.note(group_id, KIND, f"Replication group {group_id} created")

    def failed() -> None:
        group.status = "create-failed"
        control.note(group_id, KIND, f"Replication group {group_id} could not be created")

    control.later(
        f"create {group_id}", stores=[f"group/{group_id}"], work=work, done=done, failed=failed
    )
    return {"ReplicationGroup": show(control, group)}


def describe_replication_groups(control: Control, params: Params) -> Result:
    """``DescribeReplicationGroups``."""
    if "ReplicationGroupId" in params:
        found = [find(control, params["ReplicationGroupId"])]
    else:
        found = list(control.groups.values())
    for group in found:
        look(control, group)
    return page([show(control, group) for group in found], params, "ReplicationGroups")


def delete_replication_group(control: Control, params: Params) -> Result:
    """``DeleteReplicationGroup``, with a final snapshot where one is named."""
    group = find(control, params["ReplicationGroupId"])
    require(group, _DELETABLE)
    name = params.get("FinalSnapshotIdentifier")
    final = snapshots.planned(control, group, name) if name else None
    had_servers = group.status != "create-failed"
    group.status = "deleting"
    control.note(group.group_id, KIND, f"Replication group {group.group_id} is being deleted")

    def work() -> None:
        if final is not None:
            control.plane.snapshot(group.group_id, final.folder)
        if had_servers:
            control.plane.delete_group(group.group_id)

    def done() -> None:
        if final is not None:
            final.status = "available"
        control.groups.pop(group.group_id, None)
        for arn in [group.arn, *(control.arn("cluster", name) for name in group.members)]:
            control.tags.pop(arn, None)
        control.note(group.group_id, KIND, f"Replication group {group.group_id} deleted")

    control.later(
        f"delete {group.group_id}",
        stores=[f"group/{group.group_id}"],
        work=work,
        done=done,
        failed=lambda: control.note(group.group_id, KIND, "Deletion failed"),
    )
    return {"ReplicationGroup": show(control, group)}


def zones(
    control: Control, group_ids: Mapping[str, Sequence[str]], subnet_group: str, asked: list[str]
) -> dict[str, str]:
    """A zone for each node: as asked, else one after another."""
    available = sorted(set(network.find(control, subnet_group).zones.values()))
    group_rules.check_zones(asked, available)
    return {
        name: asked[place] if place < len(asked) else available[place % len(available)]
        for names_ in group_ids.values()
        for place, name in enumerate(names_)
    }


def _planned(control: Control, group_id: str, params: Params) -> Group:
    """The group that a request asks for, after every rule."""
    versions.check_engine(params.get("Engine", "redis"))
    group_rules.refuse_what_is_not_emulated(params)
    version = versions.check_version(params.get("EngineVersion"))
    mode = group_rules.cluster_mode(params)
    parameter_group = parameter_groups.for_version(
        control,
        params.get("CacheParameterGroupName"),
        version,
        cluster=mode is not None and mode is not ClusterMode.DISABLED,
    )
    cluster = parameter_groups.for_clusters(control, parameter_group)
    mode = group_rules.agreed_mode(mode, cluster=cluster)
    shape = group_rules.shape(params, mode)
    tls, tls_mode = group_rules.transit(params)
    attached = user_groups.attachable(control, params.get("UserGroupIds") or ())
    group_rules.check_access(attached, tls=tls, tls_mode=tls_mode)
    subnet_group = network.find(control, params.get("CacheSubnetGroupName", "default"))
    security_groups = network.check_security_groups(
        control, params.get("SecurityGroupIds") or (), subnet_group.vpc_id
    ) or network.default_security_group(control, subnet_group.vpc_id)
    ids = member_ids(
        group_id,
        cluster=mode is ClusterMode.ENABLED,
        shards=shape.shards,
        replicas=shape.replicas,
    )
    windows = group_rules.windows(params)
    name_hash = names.name_hash()
    group = Group(
        group_id=group_id,
        description=group_rules.description(params["ReplicationGroupDescription"]),
        arn=control.arn("replicationgroup", group_id),
        name_hash=name_hash,
        engine_version=version,
        node_type=versions.check_node_type(params.get("CacheNodeType")),
        ids=ids,
        zones=zones(
            control, ids, subnet_group.name, list(params.get("PreferredCacheClusterAZs") or ())
        ),
        cluster_mode=mode,
        parameter_group=parameter_group,
        subnet_group=subnet_group.name,
        security_groups=security_groups,
        user_groups=attached,
        automatic_failover=shape.failover,
        multi_az=shape.multi_az,
        tls=tls,
        tls_mode=tls_mode,
        at_rest=params.get("AtRestEncryptionEnabled", True),
        kms_key=network.check_key(control, params.get("KmsKeyId")),
        snapshot_retention=group_rules.retention(params.get("SnapshotRetentionLimit", 0)),
        snapshot_window=windows.snapshot,
        maintenance_window=windows.maintenance,
        topic=network.check_topic(control, params.get("NotificationTopicArn")),
        auto_minor_version_upgrade=params.get("AutoMinorVersionUpgrade", True),
        logs=configured(control, (), params.get("LogDeliveryConfigurations") or ()),
        network_type=params.get("NetworkType", "ipv4"),
        ip_discovery=params.get("IpDiscovery", "ipv4"),
        durability=group_rules.durability(params, version, mode),
        endpoints=group_endpoints(
            group_id,
            region=control.region,
            name_hash=name_hash,
            cluster_mode=mode,
            tls=tls,
            ids=ids,
        ),
        primaries={shard: members[0] for shard, members in ids.items()},
    )
    group.choose_snapshotting(None)
    return group


def _spec(control: Control, group: Group) -> GroupSpec:
    return GroupSpec(
        group_id=group.group_id,
        region=control.region,
        name_hash=group.name_hash,
        engine_version=group.engine_version,
        node_type=group.node_type,
        maxmemory_bytes=versions.NODE_TYPES[group.node_type],
        shards=len(group.ids),
        replicas=max(len(members) for members in group.ids.values()) - 1,
        cluster_mode=group.cluster_mode,
        tls=group.tls,
        parameters=dict(parameter_groups.effective(control, group.parameter_group)),
        users=control.users_of(group.user_groups),
        member_ids=dict(group.ids),
    )
