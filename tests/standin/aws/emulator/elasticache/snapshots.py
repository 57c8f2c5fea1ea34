"""Snapshots of replication groups."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.standin.aws.emulator.elasticache import lookup, names, network, tagging
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result, page
from tests.standin.aws.emulator.elasticache.faults import conflicting, fault, invalid
from tests.standin.aws.emulator.elasticache.state import Group, Snapshot
from tests.standin.aws.emulator.elasticache.versions import ENGINE, full_version

_LONGEST_NAME: Final = 255


def create_snapshot(control: Control, params: Params) -> Result:
    """``CreateSnapshot`` of a whole replication group."""
    if params.get("CacheClusterId") and params.get("ReplicationGroupId"):
        raise conflicting("Give ReplicationGroupId or CacheClusterId, not both.")
    if params.get("CacheClusterId"):
        group = _group_of_member(control, params["CacheClusterId"])
    elif params.get("ReplicationGroupId"):
        group = lookup.find(control, params["ReplicationGroupId"])
    else:
        raise conflicting("Give ReplicationGroupId.")
    lookup.require(group)
    network.check_key(control, params.get("KmsKeyId"))
    snapshot = planned(control, group, params["SnapshotName"])
    tagging.set_tags(control, snapshot.arn, params)
    group.status = "snapshotting"

    def done() -> None:
        group.status = snapshot.status = "available"
        control.note(group.group_id, lookup.KIND, f"Snapshot {snapshot.name} completed")

    def failed() -> None:
        group.status, snapshot.status = "available", "failed"
        control.note(group.group_id, lookup.KIND, f"Snapshot {snapshot.name} failed")

    control.later(
        f"snapshot {group.group_id}",
        stores=[f"group/{group.group_id}"],
        work=lambda: control.plane.snapshot(group.group_id, snapshot.folder),
        done=done,
        failed=failed,
    )
    return {"Snapshot": show(snapshot)}


def describe_snapshots(control: Control, params: Params) -> Result:
    """``DescribeSnapshots``."""
    found = list(control.snapshots.values())
    if "SnapshotName" in params:
        found = [find(control, params["SnapshotName"])]
    if "ReplicationGroupId" in params:
        wanted = params["ReplicationGroupId"].lower()
        found = [snapshot for snapshot in found if snapshot.group_id == wanted]
    source = {"user": "manual", "system": "automated"}.get(params.get("SnapshotSource", ""))
    if source is not None:
        found = [snapshot for snapshot in found if snapshot.source == source]
    return page([show(snapshot) for snapshot in found], params, "Snapshots")


def delete_snapshot(control: Control, params: Params) -> Result:
    """``DeleteSnapshot``; its data stays in the folder until the emulator ends."""
    snapshot = find(control, params["SnapshotName"])
    if snapshot.status not in ("available", "failed"):
        message = f"Snapshot {snapshot.name} has status {snapshot.status}."
        raise fault("InvalidSnapshotStateFault", message)
    del control.snapshots[snapshot.name]
    control.tags.pop(snapshot.arn, None)
    snapshot.status = "deleting"
    return {"Snapshot": show(snapshot)}


def planned(control: Control, group: Group, name: str) -> Snapshot:
    """A snapshot that is being made. Raises SnapshotAlreadyExistsFault."""
    name = names.identifier("SnapshotName", name, _LONGEST_NAME)
    if name in control.snapshots:
        raise fault("SnapshotAlreadyExistsFault", f"Snapshot {name} already exists.")
    # A name may come back after a deletion whose data is still in its folder.
    folder = control.settings.snapshots / f"{name}-{names.name_hash()}"
    snapshot = Snapshot(
        name,
        control.arn("snapshot", name),
        group.group_id,
        folder,
        _facts(control, group),
        len(group.ids),
    )
    control.snapshots[name] = snapshot
    return snapshot


def folder_to_restore(control: Control, params: Params, *, shards: int) -> Path | None:
    """The data that a new group starts with."""
    if not params.get("SnapshotName"):
        return None
    snapshot = find(control, params["SnapshotName"])
    if snapshot.status != "available":
        raise fault("InvalidSnapshotStateFault", f"Snapshot {snapshot.name} is {snapshot.status}.")
    if snapshot.shards != shards:
        message = f"Snapshot {snapshot.name} has {snapshot.shards} shards, the group {shards}."
        raise invalid(message)
    return snapshot.folder


def find(control: Control, name: str) -> Snapshot:
    """A snapshot by name. Raises SnapshotNotFoundFault."""
    snapshot = control.snapshots.get(name.lower())
    if snapshot is None:
        raise fault("SnapshotNotFoundFault", f"Snapshot {name} not found.")
    return snapshot


def show(snapshot: Snapshot) -> Result:
    """As the service shows it."""
    return {
        "SnapshotName": snapshot.name,
        "ReplicationGroupId": snapshot.group_id,
        "SnapshotStatus": snapshot.status,
        "SnapshotSource": snapshot.source,
        "NumNodeGroups": snapshot.shards,
        "ARN": snapshot.arn,
        **snapshot.facts,
    }


def _facts(control: Control, group: Group) -> Result:
    facts: Result = {
        "ReplicationGroupDescription": group.description,
        "CacheNodeType": group.node_type,
        "Engine": ENGINE,
        "EngineVersion": full_version(group.engine_version),
        "PreferredMaintenanceWindow": group.maintenance_window,
        "Port": 6379,
        "CacheParameterGroupName": group.parameter_group,
        "CacheSubnetGroupName": group.subnet_group,
        "VpcId": network.find(control, group.subnet_group).vpc_id,
        "AutoMinorVersionUpgrade": group.auto_minor_version_upgrade,
        "SnapshotRetentionLimit": group.snapshot_retention,
        "SnapshotWindow": group.snapshot_window,
        "AutomaticFailover": "enabled" if group.automatic_failover else "disabled",
        "DataTiering": "disabled",
        "NodeSnapshots": [
            {"CacheClusterId": members[0], "NodeGroupId": shard, "CacheNodeId": "0001"}
            for shard, members in sorted(group.ids.items())
        ],
    }
    if group.kms_key is not None:
        facts["KmsKeyId"] = group.kms_key
    return facts


def _group_of_member(control: Control, cluster_id: str) -> Group:
    for group in control.groups.values():
        if cluster_id in group.members:
            return group
    raise fault("CacheClusterNotFoundFault", f"CacheCluster not found: {cluster_id}")
