"""Replication groups and their members as the service describes them."""

from __future__ import annotations

from typing import Final

from tests.standin.aws.dataplane.api import ClusterMode, Endpoint
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result, page
from tests.standin.aws.emulator.elasticache.faults import fault
from tests.standin.aws.emulator.elasticache.log_delivery import show as show_logs
from tests.standin.aws.emulator.elasticache.state import Group
from tests.standin.aws.emulator.elasticache.versions import ENGINE, full_version

_NODE: Final = "0001"
_SLOTS: Final = 16384
_HIDDEN: Final = ("creating", "create-failed")
"""States in which no endpoint is shown yet."""


def show(control: Control, group: Group) -> Result:
    """``ReplicationGroup``."""
    result: Result = {
        "ReplicationGroupId": group.group_id,
        "Description": group.description,
        "GlobalReplicationGroupInfo": {},
        "Status": group.status,
        "PendingModifiedValues": _pending(group),
        "MemberClusters": group.members,
        "NodeGroups": [_shard(group, shard) for shard in sorted(group.ids)],
        "AutomaticFailover": "enabled" if group.automatic_failover else "disabled",
        "MultiAZ": "enabled" if group.multi_az else "disabled",
        "SnapshotRetentionLimit": group.snapshot_retention,
        "SnapshotWindow": group.snapshot_window,
        "ClusterEnabled": group.cluster_mode is not ClusterMode.DISABLED,
        "CacheNodeType": group.node_type,
        "AuthTokenEnabled": False,
        "TransitEncryptionEnabled": group.tls,
        "AtRestEncryptionEnabled": group.at_rest,
        "StorageEncryptionType": _storage(group),
        "ARN": group.arn,
        "UserGroupIds": list(group.user_groups),
        "LogDeliveryConfigurations": show_logs(group.logs),
        "ReplicationGroupCreateTime": group.created,
        "DataTiering": "disabled",
        "AutoMinorVersionUpgrade": group.auto_minor_version_upgrade,
        "NetworkType": group.network_type,
        "IpDiscovery": group.ip_discovery,
        "ClusterMode": group.cluster_mode.value,
        "Engine": ENGINE,
        "Durability": group.durability,
    }
    if group.snapshotting is not None:
        result["SnapshottingClusterId"] = group.snapshotting
    if group.kms_key is not None:
        result["KmsKeyId"] = group.kms_key
    if group.tls_mode is not None:
        result["TransitEncryptionMode"] = group.tls_mode
    if group.endpoints.configuration is not None and group.status not in _HIDDEN:
        result["ConfigurationEndpoint"] = _endpoint(group.endpoints.configuration)
    return result


def describe_cache_clusters(control: Control, params: Params) -> Result:
    """``DescribeCacheClusters``: the members of replication groups; there are no others here."""
    wanted = params.get("CacheClusterId")
    nodes = bool(params.get("ShowCacheNodeInfo"))
    found = [
        _cluster(control, group, name, nodes=nodes)
        for group in control.groups.values()
        for name in group.members
        if wanted in (None, name) and not params.get("ShowCacheClustersNotInReplicationGroups")
    ]
    if wanted is not None and not found:
        raise fault("CacheClusterNotFoundFault", f"CacheCluster not found: {wanted}")
    return page(found, params, "CacheClusters")


def slots_of(shards: list[str], shard: str) -> str:
    """The slots that a shard of a new group gets: even shares."""
    place, count = sorted(shards).index(shard), len(shards)
    first = place * _SLOTS // count
    return f"{first}-{(place + 1) * _SLOTS // count - 1}"


def _shard(group: Group, shard: str) -> Result:
    enabled = group.cluster_mode is ClusterMode.ENABLED
    endpoints = {member.cluster_id: member.endpoint for member in group.endpoints.members}
    members = []
    for name in group.ids[shard]:
        member: Result = {
            "CacheClusterId": name,
            "CacheNodeId": _NODE,
            "PreferredAvailabilityZone": group.zones[name],
        }
        if not enabled:
            primary = group.primaries.get(shard) == name
            member["CurrentRole"] = "primary" if primary else "replica"
            if group.status not in _HIDDEN and name in endpoints:
                member["ReadEndpoint"] = _endpoint(endpoints[name])
        members.append(member)
    result: Result = {
        "NodeGroupId": shard,
        "Status": "available" if group.status == "snapshotting" else group.status,
        "NodeGroupMembers": members,
    }
    if enabled:
        result["Slots"] = slots_of(list(group.ids), shard)
    if group.status not in _HIDDEN:
        if group.endpoints.primary is not None:
            result["PrimaryEndpoint"] = _endpoint(group.endpoints.primary)
        if group.endpoints.reader is not None:
            result["ReaderEndpoint"] = _endpoint(group.endpoints.reader)
    return result


def _cluster(control: Control, group: Group, name: str, *, nodes: bool) -> Result:
    waiting = {
        key: group.pending[key]
        for key in ("EngineVersion", "CacheNodeType")
        if key in group.pending
    }
    status = {"create-failed": "incompatible-network"}.get(group.status, group.status)
    result: Result = {
        "CacheClusterId": name,
        "ReplicationGroupId": group.group_id,
        "CacheNodeType": group.node_type,
        "Engine": ENGINE,
        "EngineVersion": full_version(group.engine_version),
        "CacheClusterStatus": status,
        "NumCacheNodes": 1,
        "PreferredAvailabilityZone": group.zones[name],
        "CacheClusterCreateTime": group.created,
        "PreferredMaintenanceWindow": group.maintenance_window,
        "PendingModifiedValues": waiting,
        "CacheSecurityGroups": [],
        "CacheParameterGroup": {
            "CacheParameterGroupName": group.parameter_group,
            "ParameterApplyStatus": "in-sync",
            "CacheNodeIdsToReboot": [],
        },
        "CacheSubnetGroupName": group.subnet_group,
        "AutoMinorVersionUpgrade": group.auto_minor_version_upgrade,
        "SecurityGroups": [
            {"SecurityGroupId": security_group, "Status": "active"}
            for security_group in group.security_groups
        ],
        "SnapshotRetentionLimit": group.snapshot_retention if name == group.snapshotting else 0,
        "SnapshotWindow": group.snapshot_window,
        "AuthTokenEnabled": False,
        "TransitEncryptionEnabled": group.tls,
        "AtRestEncryptionEnabled": group.at_rest,
        "ARN": control.arn("cluster", name),
        "ReplicationGroupLogDeliveryEnabled": bool(group.logs),
        "LogDeliveryConfigurations": show_logs(group.logs),
        "NetworkType": group.network_type,
        "IpDiscovery": group.ip_discovery,
    }
    if group.tls_mode is not None:
        result["TransitEncryptionMode"] = group.tls_mode
    if group.topic is not None:
        result["NotificationConfiguration"] = {"TopicArn": group.topic, "TopicStatus": "active"}
    if nodes:
        result["CacheNodes"] = [_node(group, name, status)]
    return result


def _node(group: Group, name: str, status: str) -> Result:
    node: Result = {
        "CacheNodeId": _NODE,
        "CacheNodeStatus": status,
        "CacheNodeCreateTime": group.created,
        "ParameterGroupStatus": "in-sync",
        "CustomerAvailabilityZone": group.zones[name],
    }
    for member in group.endpoints.members:
        if member.cluster_id == name and group.status not in _HIDDEN:
            node["Endpoint"] = _endpoint(member.endpoint)
    return node


def _endpoint(endpoint: Endpoint) -> Result:
    return {"Address": endpoint.host, "Port": endpoint.port}


def _storage(group: Group) -> str:
    if not group.at_rest:
        return "none"
    return "sse-kms" if group.kms_key is not None else "sse-elasticache"


def _pending(group: Group) -> Result:
    waiting = group.pending.get("UserGroupIds")
    if waiting is None:
        return {}
    return {
        "UserGroups": {
            "UserGroupIdsToAdd": [name for name in waiting if name not in group.user_groups],
            "UserGroupIdsToRemove": [name for name in group.user_groups if name not in waiting],
        }
    }
