"""From inputs of a replication group to calls: its creation, and an update in the right order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError

from provider.values import Properties
from tests.standin.aws.base import Change, picked
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.errors import is_code

MODIFY: Final = {
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "automaticFailoverEnabled": "AutomaticFailoverEnabled",
    "clusterMode": "ClusterMode",
    "description": "ReplicationGroupDescription",
    "durability": "Durability",
    "ipDiscovery": "IpDiscovery",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "multiAzEnabled": "MultiAZEnabled",
    "nodeType": "CacheNodeType",
    "parameterGroupName": "CacheParameterGroupName",
    "securityGroupIds": "SecurityGroupIds",
    "snapshotRetentionLimit": "SnapshotRetentionLimit",
    "snapshotWindow": "SnapshotWindow",
    "transitEncryptionEnabled": "TransitEncryptionEnabled",
    "transitEncryptionMode": "TransitEncryptionMode",
}
CREATE: Final = {
    **MODIFY,
    "atRestEncryptionEnabled": "AtRestEncryptionEnabled",
    "authToken": "AuthToken",
    "dataTieringEnabled": "DataTieringEnabled",
    "engine": "Engine",
    "engineVersion": "EngineVersion",
    "kmsKeyId": "KmsKeyId",
    "networkType": "NetworkType",
    "notificationTopicArn": "NotificationTopicArn",
    "numCacheClusters": "NumCacheClusters",
    "numNodeGroups": "NumNodeGroups",
    "port": "Port",
    "preferredCacheClusterAzs": "PreferredCacheClusterAZs",
    "replicasPerNodeGroup": "ReplicasPerNodeGroup",
    "replicationGroupId": "ReplicationGroupId",
    "snapshotArns": "SnapshotArns",
    "snapshotName": "SnapshotName",
    "subnetGroupName": "CacheSubnetGroupName",
    "userGroupIds": "UserGroupIds",
}
_NOTHING: Final = "No modifications were requested"


@dataclass(frozen=True)
class Step:
    """One call. ``tolerant``: an answer that there was nothing to modify is fine."""

    call: str
    arguments: Mapping[str, Any] = field(repr=False)
    tolerant: bool = False

    def run(self, api: Api) -> None:
        """Make it."""
        try:
            getattr(api, self.call)(**self.arguments)
        except ClientError as error:
            nothing = is_code(error, "InvalidParameterCombination") and _NOTHING in str(error)
            if not (self.tolerant and nothing):
                raise


def creation(inputs: Properties) -> dict[str, Any]:
    """Arguments of CreateReplicationGroup. Without an engine it is Redis, as ever."""
    arguments = picked(inputs, CREATE)
    arguments.setdefault("Engine", "redis")
    arguments.setdefault("TransitEncryptionEnabled", False)
    for name in ("SnapshotArns", "UserGroupIds", "SecurityGroupIds", "PreferredCacheClusterAZs"):
        if not arguments.get(name, True):
            del arguments[name]
    logs = inputs.get("logDeliveryConfigurations")
    return {**arguments, **({"LogDeliveryConfigurations": _logs(logs)} if logs else {})}


def steps(id: str, change: Change, describe: Callable[[], Answer]) -> Iterator[Step]:
    """Calls of an update: shards, more replicas, the rest, the token, fewer replicas.

    Args:
        id: of the group.
        change: what differs.
        describe: the group as it is when a step needs to know.
    """
    who = {"ReplicationGroupId": id}
    now = {**who, "ApplyImmediately": True}
    old, new = change.old, change.new
    sharded = change.touches("numNodeGroups", "replicasPerNodeGroup")
    if change.touches("numNodeGroups"):
        count = new["numNodeGroups"]
        removed = _removed(describe(), count)
        arguments = {**now, "NodeGroupCount": count, **removed}
        yield Step("modify_replication_group_shard_configuration", arguments)
    if change.touches("replicasPerNodeGroup"):
        yield _replicas(now, old.get("replicasPerNodeGroup", 0), new["replicasPerNodeGroup"])
    nodes = None
    if change.touches("numCacheClusters") and not sharded:
        nodes = _replicas(now, old.get("numCacheClusters", 1) - 1, new["numCacheClusters"] - 1)
    if nodes is not None and nodes.call.startswith("increase"):
        yield nodes
    modification = _modification(id, change)
    if modification:
        # Versions, node type and user group wait for the window unless this is true.
        at_once = {"ApplyImmediately": bool(new.get("applyImmediately"))}
        yield Step("modify_replication_group", {**who, **at_once, **modification}, tolerant=True)
    token = change.picked(
        {"authToken": "AuthToken", "authTokenUpdateStrategy": "AuthTokenUpdateStrategy"}
    )
    if token and new.get("authTokenUpdateStrategy") != "DELETE":
        both = {"authToken": "AuthToken", "authTokenUpdateStrategy": "AuthTokenUpdateStrategy"}
        yield Step("modify_replication_group", {**now, **picked(new, both)}, tolerant=True)
    if nodes is not None and nodes.call.startswith("decrease"):
        yield nodes


def _modification(id: str, change: Change) -> dict[str, Any]:
    old, new = change.old, change.new
    arguments = change.picked(MODIFY)
    if not arguments.get("SecurityGroupIds", True):
        del arguments["SecurityGroupIds"]
    if change.touches("engine", "engineVersion"):
        arguments |= picked(new, {"engine": "Engine", "engineVersion": "EngineVersion"})
    if change.touches("snapshotRetentionLimit"):
        arguments["SnapshotRetentionLimit"] = new.get("snapshotRetentionLimit") or 0
        if not old.get("snapshotRetentionLimit"):
            arguments["SnapshottingClusterId"] = f"{id}-001"
    if change.touches("notificationTopicArn"):
        topic = new.get("notificationTopicArn")
        gone = {"NotificationTopicStatus": "inactive"}
        arguments |= {"NotificationTopicArn": topic} if topic else gone
    if change.touches("logDeliveryConfigurations"):
        arguments["LogDeliveryConfigurations"] = _changed_logs(change)
    if change.touches("userGroupIds"):
        add, drop = change.moved("userGroupIds")
        arguments |= {"UserGroupIdsToAdd": add} if add else {}
        arguments |= {"UserGroupIdsToRemove": drop} if drop else {}
        if add and new.get("authTokenUpdateStrategy") == "DELETE":
            arguments["AuthTokenUpdateStrategy"] = "DELETE"
    return arguments


def _replicas(now: Mapping[str, Any], old: int, new: int) -> Step:
    call = "increase_replica_count" if new > old else "decrease_replica_count"
    return Step(call, {**now, "NewReplicaCount": new})


def _removed(group: Answer, count: int) -> dict[str, list[str]]:
    shards = sorted(item["NodeGroupId"] for item in group["NodeGroups"])
    return {"NodeGroupsToRemove": shards[count:]} if len(shards) > count else {}


def _logs(wanted: list[Properties]) -> list[dict[str, Any]]:
    return [
        {
            "LogType": item["logType"],
            "LogFormat": item["logFormat"],
            "DestinationType": item["destinationType"],
            "DestinationDetails": _destination(item),
        }
        for item in wanted
    ]


def _changed_logs(change: Change) -> list[dict[str, Any]]:
    wanted = change.new.get("logDeliveryConfigurations") or []
    kinds = {item["logType"] for item in wanted}
    off = [
        {"LogType": item["logType"], "Enabled": False}
        for item in change.old.get("logDeliveryConfigurations") or ()
        if item["logType"] not in kinds
    ]
    return _logs(wanted) + off


def _destination(item: Properties) -> dict[str, Any]:
    if item["destinationType"] == "cloudwatch-logs":
        return {"CloudWatchLogsDetails": {"LogGroup": item["destination"]}}
    return {"KinesisFirehoseDetails": {"DeliveryStream": item["destination"]}}
