"""``ModifyReplicationGroup``: what changes at once, and what waits for the maintenance window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.standin.aws.dataplane.api import ClusterMode, GroupChange
from tests.standin.aws.emulator.elasticache import (
    group_rules,
    lookup,
    network,
    parameter_groups,
    user_groups,
    versions,
)
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result
from tests.standin.aws.emulator.elasticache.faults import conflicting, invalid
from tests.standin.aws.emulator.elasticache.group_show import show
from tests.standin.aws.emulator.elasticache.log_delivery import configured
from tests.standin.aws.emulator.elasticache.state import Group
from tests.standin.aws.emulator.elasticache.windows import (
    check_apart,
    check_maintenance,
    check_snapshot,
)

_NOT_EMULATED: Final = (
    "PrimaryClusterId",
    "CacheSecurityGroupNames",
    "AuthToken",
    "AuthTokenUpdateStrategy",
)
_PLAIN: Final = {
    "AutomaticFailoverEnabled": "automatic_failover",
    "MultiAZEnabled": "multi_az",
    "AutoMinorVersionUpgrade": "auto_minor_version_upgrade",
    "IpDiscovery": "ip_discovery",
}
"""Fields that take a value as it is."""


def modify_replication_group(control: Control, params: Params) -> Result:
    """``ModifyReplicationGroup``: nothing is changed where one part is refused.

    Version, node type and user group wait for ``ApplyImmediately``, which also applies what an
    earlier request left waiting; the rest is done at once.
    """
    group = lookup.find(control, params["ReplicationGroupId"])
    lookup.require(group)
    for name in _NOT_EMULATED:
        if params.get(name):
            raise invalid(f"The emulator does not offer {name}.")
    at_once = _at_once(control, group, params)
    waiting = group.pending | _waiting(control, group, params)
    mode = _mode(control, group, params, at_once)
    _check_whole(group, at_once, waiting, params)

    for name, value in at_once.items():
        if name != "parameter_group":
            setattr(group, name, value)
    group.choose_snapshotting(params.get("SnapshottingClusterId"))
    if params.get("ApplyImmediately"):
        group.pending = {}
    else:
        group.pending, waiting = waiting, {}
    if mode is not None:
        waiting["ClusterMode"] = mode
    if "parameter_group" in at_once and "parameter_group" not in waiting:
        waiting["parameter_group"] = at_once["parameter_group"]
    if waiting or params.keys() - {"ReplicationGroupId", "ReplicationGroupDescription"}:
        _apply(control, group, waiting)
    return {"ReplicationGroup": show(control, group)}


def _at_once(control: Control, group: Group, params: Params) -> dict[str, Any]:
    """New values of the group's fields that do not wait, after every rule."""
    found = {field: params[name] for name, field in _PLAIN.items() if name in params}
    if "ReplicationGroupDescription" in params:
        found["description"] = group_rules.description(params["ReplicationGroupDescription"])
    if "SecurityGroupIds" in params:
        vpc = network.find(control, group.subnet_group).vpc_id
        found["security_groups"] = network.check_security_groups(
            control, params["SecurityGroupIds"], vpc
        )
    if "PreferredMaintenanceWindow" in params:
        found["maintenance_window"] = check_maintenance(params["PreferredMaintenanceWindow"])
    if "SnapshotWindow" in params:
        found["snapshot_window"] = check_snapshot(params["SnapshotWindow"])
    if "SnapshotRetentionLimit" in params:
        found["snapshot_retention"] = group_rules.retention(params["SnapshotRetentionLimit"])
    if "NotificationTopicArn" in params:
        found["topic"] = network.check_topic(control, params["NotificationTopicArn"])
    if params.get("NotificationTopicStatus") == "inactive":
        found["topic"] = None
    if "LogDeliveryConfigurations" in params:
        found["logs"] = configured(control, group.logs, params["LogDeliveryConfigurations"])
    if "CacheParameterGroupName" in params and "EngineVersion" not in params:
        found["parameter_group"] = parameter_groups.for_version(
            control, params["CacheParameterGroupName"], group.engine_version, cluster=False
        )
    _transit(group, params, found)
    return found


def _transit(group: Group, params: Params, found: dict[str, Any]) -> None:
    tls = params.get("TransitEncryptionEnabled", group.tls)
    mode = params.get("TransitEncryptionMode", group.tls_mode)
    if tls != group.tls or (mode == "preferred") != (group.tls_mode == "preferred"):
        # AWS goes through `preferred`; the kit makes stores with `required` and stays there.
        raise invalid("The emulator does not change encryption in transit of a group.")


def _waiting(control: Control, group: Group, params: Params) -> dict[str, Any]:
    """What is applied in the window, or at once if so asked."""
    found: dict[str, Any] = {}
    if params.get("Engine", versions.ENGINE) != versions.ENGINE:
        raise invalid("Engine cannot be changed from valkey.")
    if "EngineVersion" in params:
        version = versions.check_version(params["EngineVersion"])
        versions.check_upgrade(group.engine_version, version)
        if version != group.engine_version:
            found["EngineVersion"] = version
        found["parameter_group"] = _group_for(control, group, params, version)
        if found["parameter_group"] == group.parameter_group:
            del found["parameter_group"]
    if "CacheNodeType" in params:
        node_type = versions.check_node_type(params["CacheNodeType"])
        if node_type != group.node_type:
            found["CacheNodeType"] = node_type
    wanted = _wanted_user_groups(control, group, params)
    if wanted != group.user_groups:
        found["UserGroupIds"] = wanted
    return found


def _group_for(control: Control, group: Group, params: Params, version: str) -> str:
    current = group.parameter_group
    cluster = parameter_groups.for_clusters(control, current)
    named = params.get("CacheParameterGroupName")
    if named is None and not parameter_groups.find(control, current).stock:
        named = current
    return parameter_groups.for_version(control, named, version, cluster=cluster)


def _wanted_user_groups(control: Control, group: Group, params: Params) -> list[str]:
    adding = [name.lower() for name in params.get("UserGroupIdsToAdd") or ()]
    removing = [name.lower() for name in params.get("UserGroupIdsToRemove") or ()]
    if params.get("RemoveUserGroups"):
        removing = list(group.user_groups)
    for name in removing:
        if name not in group.user_groups:
            raise invalid(f"User group {name} is not associated with {group.group_id}.")
    kept = [name for name in group.user_groups if name not in removing]
    if adding:
        wanted = [*kept, *(name for name in adding if name not in kept)]
        kept = user_groups.attachable(control, wanted)
    group_rules.check_access(kept, tls=group.tls, tls_mode=group.tls_mode)
    return kept


def _mode(
    control: Control, group: Group, params: Params, at_once: dict[str, Any]
) -> ClusterMode | None:
    asked = group_rules.cluster_mode(params)
    if asked is None or asked is group.cluster_mode:
        return None
    steps = {
        ClusterMode.DISABLED: ClusterMode.COMPATIBLE,
        ClusterMode.COMPATIBLE: ClusterMode.ENABLED,
    }
    if steps.get(group.cluster_mode) is not asked:
        message = (
            "ClusterMode goes from disabled to compatible to enabled, "
            f"not from {group.cluster_mode} to {asked}."
        )
        raise conflicting(message)
    name = at_once.get("parameter_group", group.parameter_group)
    if parameter_groups.find(control, name).stock:
        name = parameter_groups.for_version(control, None, group.engine_version, cluster=True)
        at_once["parameter_group"] = name
    if not parameter_groups.for_clusters(control, name):
        raise conflicting("ClusterMode needs a parameter group with cluster-enabled=yes.")
    if not at_once.get("automatic_failover", group.automatic_failover):
        raise conflicting("ClusterMode needs AutomaticFailoverEnabled.")
    return asked


def _check_whole(
    group: Group, at_once: Mapping[str, Any], waiting: Mapping[str, Any], params: Params
) -> None:
    """Rules about values that come together."""
    group_rules.check_failover(
        group.cluster_mode,
        nodes=min(len(members) for members in group.ids.values()),
        failover=at_once.get("automatic_failover", group.automatic_failover),
        multi_az=at_once.get("multi_az", group.multi_az),
    )
    check_apart(
        at_once.get("maintenance_window", group.maintenance_window),
        at_once.get("snapshot_window", group.snapshot_window),
    )
    member = params.get("SnapshottingClusterId")
    if member is not None and (
        member not in group.members or group.cluster_mode is ClusterMode.ENABLED
    ):
        raise conflicting("SnapshottingClusterId is a member, and only without cluster mode.")


def _apply(control: Control, group: Group, changes: Mapping[str, Any]) -> None:
    group.status = "modifying"
    store = f"group/{group.group_id}"
    parameter_group = changes.get("parameter_group")
    node_type = changes.get("CacheNodeType")

    def work() -> None:
        change = GroupChange(
            engine_version=changes.get("EngineVersion"),
            node_type=node_type,
            maxmemory_bytes=versions.NODE_TYPES[node_type] if node_type else None,
            cluster_mode=changes.get("ClusterMode"),
        )
        if parameter_group is not None:
            with control.lock:
                values = parameter_groups.effective(control, parameter_group)
            change = GroupChange(**{**vars(change), "parameters": dict(values)})
        if change != GroupChange():
            endpoints = control.plane.modify_group(group.group_id, change)
            with control.lock:
                group.endpoints = endpoints
        if "UserGroupIds" in changes:
            with control.lock:
                group.user_groups = list(changes["UserGroupIds"])
            control.push_users([store])

    def done() -> None:
        group.engine_version = changes.get("EngineVersion", group.engine_version)
        group.node_type = node_type or group.node_type
        group.parameter_group = parameter_group or group.parameter_group
        group.cluster_mode = changes.get("ClusterMode", group.cluster_mode)
        group.status = "available"
        control.note(group.group_id, lookup.KIND, f"Replication group {group.group_id} modified")

    control.later(
        f"modify {group.group_id}",
        stores=[store],
        work=work,
        done=done,
        # It stays in `modifying`, which nobody can take for done.
        failed=lambda: control.note(group.group_id, lookup.KIND, "Modification failed"),
    )
