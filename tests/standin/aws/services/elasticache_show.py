"""What the plugin keeps of a replication group, as AWS describes it and its first member."""

from __future__ import annotations

from typing import Final

from provider.values import Properties
from tests.standin.aws.boto import Answer

_ON: Final = ("enabled", "enabling")


def shown(group: Answer, member: Answer, known: Properties) -> Properties:
    """Outputs of a replication group.

    Args:
        group: of DescribeReplicationGroups.
        member: of DescribeCacheClusters for its first member, which alone has versions and groups.
        known: what the state holds.
    """
    return {
        **_from_group(group, known),
        **_endpoints(group),
        **_from_member(member, known),
    }


def _from_group(group: Answer, known: Properties) -> Properties:
    shards = group["NodeGroups"]
    logs = [_log(item) for item in group.get("LogDeliveryConfigurations") or ()]
    users = list(group.get("UserGroupIds") or ())
    found: Properties = {
        "arn": group["ARN"],
        "automaticFailoverEnabled": group.get("AutomaticFailover") in _ON,
        "clusterEnabled": bool(group.get("ClusterEnabled")),
        "dataTieringEnabled": group.get("DataTiering") == "enabled",
        "description": group["Description"],
        "kmsKeyId": group.get("KmsKeyId"),
        "logDeliveryConfigurations": _some(logs, "logDeliveryConfigurations", known),
        "memberClusters": list(group["MemberClusters"]),
        "multiAzEnabled": group.get("MultiAZ") == "enabled",
        "numCacheClusters": len(group["MemberClusters"]),
        "numNodeGroups": len(shards),
        "replicasPerNodeGroup": len(shards[0]["NodeGroupMembers"]) - 1,
        "replicationGroupId": group["ReplicationGroupId"],
        "snapshotRetentionLimit": group.get("SnapshotRetentionLimit") or 0,
        "userGroupIds": _some(users, "userGroupIds", known),
    }
    for name, field in (
        ("clusterMode", "ClusterMode"),
        ("durability", "Durability"),
        ("ipDiscovery", "IpDiscovery"),
        ("networkType", "NetworkType"),
        ("snapshotWindow", "SnapshotWindow"),
    ):
        if group.get(field):
            found[name] = group[field]
    return found


def _endpoints(group: Answer) -> Properties:
    configuration = group.get("ConfigurationEndpoint")
    if configuration:
        return {
            "port": configuration["Port"],
            "configurationEndpointAddress": configuration["Address"],
        }
    shard = group["NodeGroups"][0]
    found: Properties = {}
    if shard.get("PrimaryEndpoint"):
        found["port"] = shard["PrimaryEndpoint"]["Port"]
        found["primaryEndpointAddress"] = shard["PrimaryEndpoint"]["Address"]
    if shard.get("ReaderEndpoint"):
        found["readerEndpointAddress"] = shard["ReaderEndpoint"]["Address"]
    return found


def _from_member(member: Answer, known: Properties) -> Properties:
    actual = str(member["EngineVersion"])
    notified = (member.get("NotificationConfiguration") or {}).get("TopicArn")
    groups = [item["SecurityGroupId"] for item in member.get("SecurityGroups") or ()]
    found: Properties = {
        "atRestEncryptionEnabled": bool(member.get("AtRestEncryptionEnabled")),
        "autoMinorVersionUpgrade": bool(member.get("AutoMinorVersionUpgrade")),
        "engine": member["Engine"],
        "engineVersion": ".".join(actual.split(".")[:2]),
        "engineVersionActual": actual,
        "maintenanceWindow": member.get("PreferredMaintenanceWindow"),
        "nodeType": member["CacheNodeType"],
        "notificationTopicArn": notified,
        "parameterGroupName": (member.get("CacheParameterGroup") or {}).get(
            "CacheParameterGroupName"
        ),
        "securityGroupIds": _some(groups, "securityGroupIds", known),
        "subnetGroupName": member.get("CacheSubnetGroupName"),
        "transitEncryptionEnabled": bool(member.get("TransitEncryptionEnabled")),
        "transitEncryptionMode": member.get("TransitEncryptionMode"),
    }
    if member.get("AuthTokenEnabled") is False:
        found["authToken"] = None
    return found


def _log(item: Answer) -> Properties:
    details = item.get("DestinationDetails") or {}
    to_logs, to_stream = details.get("CloudWatchLogsDetails"), details.get("KinesisFirehoseDetails")
    destination = to_logs["LogGroup"] if to_logs else (to_stream or {}).get("DeliveryStream")
    return {
        "destination": destination,
        "destinationType": item["DestinationType"],
        "logFormat": item["LogFormat"],
        "logType": item["LogType"],
    }


def _some(values: list[Answer], name: str, known: Properties) -> list[Answer] | None:
    return values if values or name in known else None
