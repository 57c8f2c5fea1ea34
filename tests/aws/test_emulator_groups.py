"""Replication groups of the emulated ElastiCache, without servers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aws.emulated import World, gone, refused, until
from tests.standin.aws.emulator import Emulator

INVALID = "InvalidParameterValue"
CONFLICT = "InvalidParameterCombination"


@pytest.fixture(name="world", scope="module")
def fixture_world(emulator: Emulator) -> World:
    return World(emulator)


def test_a_group_is_described_with_everything_that_a_refresh_reads(world: World) -> None:
    key = world.emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    topic = world.emulator.client("sns").create_topic(Name=world.name("alarms"))["TopicArn"]
    log_group = world.name("/aws/elasticache/slow")
    world.emulator.client("logs").create_log_group(logGroupName=log_group)
    users = world.user_group(world.user())
    parameters = world.parameter_group(maxmemory_policy="volatile-ttl")
    store = world.group(
        ReplicationGroupId=world.name("Store"),
        NumCacheClusters=3,
        MultiAZEnabled=True,
        KmsKeyId=key,
        UserGroupIds=[users],
        CacheParameterGroupName=parameters,
        SnapshotRetentionLimit=7,
        SnapshotWindow="03:00-04:00",
        PreferredMaintenanceWindow="Sun:05:00-Sun:06:00",
        NotificationTopicArn=topic,
        AutoMinorVersionUpgrade=False,
        LogDeliveryConfigurations=[
            {
                "LogType": "slow-log",
                "DestinationType": "cloudwatch-logs",
                "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": log_group}},
                "LogFormat": "json",
            }
        ],
    )
    assert store == store.lower()
    shown = world.described(store)
    shard = shown["NodeGroups"][0]
    primary, reader = shard["PrimaryEndpoint"]["Address"], shard["ReaderEndpoint"]["Address"]
    tail = primary.removeprefix("master.")
    assert tail.startswith(f"{store}.")
    assert tail.endswith(".use1.cache.amazonaws.com")
    assert reader == f"replica.{tail}"
    assert shown["MemberClusters"] == [f"{store}-{n:03d}" for n in (1, 2, 3)]
    assert world.roles(store) == {
        f"{store}-001": "primary",
        f"{store}-002": "replica",
        f"{store}-003": "replica",
    }
    assert {member["PreferredAvailabilityZone"] for member in shard["NodeGroupMembers"]} == {
        "us-east-1a",
        "us-east-1b",
        "us-east-1c",
    }
    expected = {
        "AutomaticFailover": "enabled",
        "MultiAZ": "enabled",
        "TransitEncryptionEnabled": True,
        "TransitEncryptionMode": "required",
        "AtRestEncryptionEnabled": True,
        "KmsKeyId": key,
        "UserGroupIds": [users],
        "SnapshotRetentionLimit": 7,
        "SnapshotWindow": "03:00-04:00",
        "SnapshottingClusterId": f"{store}-003",
        "AutoMinorVersionUpgrade": False,
        "ClusterEnabled": False,
        "ClusterMode": "disabled",
        "Engine": "valkey",
        "CacheNodeType": "cache.t4g.small",
    }
    assert {name: shown.get(name) for name in expected} == expected
    assert shown["LogDeliveryConfigurations"][0]["Status"] == "active"
    member = world.cache.describe_cache_clusters(
        CacheClusterId=f"{store}-002", ShowCacheNodeInfo=True
    )["CacheClusters"][0]
    assert member["EngineVersion"].startswith("9.1.")
    assert member["CacheParameterGroup"]["CacheParameterGroupName"] == parameters
    assert member["CacheSubnetGroupName"] == world.subnet_group
    assert member["PreferredMaintenanceWindow"] == "sun:05:00-sun:06:00"
    assert member["NotificationConfiguration"]["TopicArn"] == topic
    assert member["SecurityGroups"] == [
        {"SecurityGroupId": world.security_group, "Status": "active"}
    ]
    assert member["CacheNodes"][0]["Endpoint"]["Address"] == f"{store}-002.{tail}"


def test_a_cluster_has_shards_and_a_configuration_endpoint(world: World) -> None:
    parameters = world.parameter_group(cluster_enabled="yes")
    store = world.group(
        NumCacheClusters=None,
        NumNodeGroups=3,
        ReplicasPerNodeGroup=1,
        CacheParameterGroupName=parameters,
    )
    shown = world.described(store)
    assert shown["ConfigurationEndpoint"]["Address"].startswith(f"clustercfg.{store}.")
    assert [shard["NodeGroupId"] for shard in shown["NodeGroups"]] == ["0001", "0002", "0003"]
    assert [shard["Slots"] for shard in shown["NodeGroups"]] == [
        "0-5460",
        "5461-10921",
        "10922-16383",
    ]
    assert shown["MemberClusters"][:2] == [f"{store}-0001-001", f"{store}-0001-002"]
    assert "PrimaryEndpoint" not in shown["NodeGroups"][0]
    assert shown["ClusterMode"] == "enabled"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (INVALID, {"ReplicationGroupId": "1-digit-first"}),
        (INVALID, {"ReplicationGroupId": "s" * 41}),
        (INVALID, {"ReplicationGroupId": "ends-"}),
        (INVALID, {"ReplicationGroupId": "two--hyphens"}),
        (INVALID, {"Engine": "Valkey"}),
        (CONFLICT, {"EngineVersion": None}),
        (CONFLICT, {"EngineVersion": "7.1"}),
        (INVALID, {"CacheNodeType": "cache.t4g.huge"}),
        (CONFLICT, {"NumCacheClusters": 1}),
        (INVALID, {"NumCacheClusters": 7}),
        (CONFLICT, {"NumNodeGroups": 1}),
        (CONFLICT, {"NumCacheClusters": None, "NumNodeGroups": 2, "ReplicasPerNodeGroup": 1}),
        (CONFLICT, {"AutomaticFailoverEnabled": False, "MultiAZEnabled": True}),
        ("CacheSubnetGroupNotFoundFault", {"CacheSubnetGroupName": "missing"}),
        ("CacheParameterGroupNotFound", {"CacheParameterGroupName": "missing"}),
        (CONFLICT, {"CacheParameterGroupName": "default.valkey8"}),
        (CONFLICT, {"CacheParameterGroupName": "default.valkey9", "ClusterMode": "enabled"}),
        (INVALID, {"SecurityGroupIds": ["sg-0123456789abcdef0"]}),
        ("UserGroupNotFound", {"UserGroupIds": ["missing"]}),
        (INVALID, {"KmsKeyId": "alias/store"}),
        (INVALID, {"NotificationTopicArn": "arn:aws:sns:us-east-1:123456789012:missing"}),
        (INVALID, {"SnapshotRetentionLimit": 36}),
        (INVALID, {"SnapshotWindow": "03:00-03:30"}),
        (INVALID, {"PreferredMaintenanceWindow": "sunday"}),
        (
            CONFLICT,
            {"SnapshotWindow": "05:30-06:30", "PreferredMaintenanceWindow": "sun:05:00-sun:06:00"},
        ),
        (CONFLICT, {"TransitEncryptionEnabled": False, "TransitEncryptionMode": "required"}),
        ("SnapshotNotFoundFault", {"SnapshotName": "missing"}),
        (INVALID, {"PreferredCacheClusterAZs": ["us-east-1f"]}),
        (INVALID, {"AuthToken": "a" * 20}),
        (CONFLICT, {"Durability": "sync"}),
    ],
)
def test_a_group_against_the_rules_is_refused(
    world: World, code: str, changes: dict[str, Any]
) -> None:
    asked = world.asked_group(**changes)
    refused(code, world.cache.create_replication_group, **asked)
    known = world.cache.describe_replication_groups()["ReplicationGroups"]
    assert asked["ReplicationGroupId"] not in [group["ReplicationGroupId"] for group in known]


def test_users_need_encryption_that_is_required(world: World) -> None:
    users = world.user_group(world.user())
    for changes in (
        {"TransitEncryptionEnabled": False},
        {"TransitEncryptionMode": "preferred"},
    ):
        asked = world.asked_group(UserGroupIds=[users], **changes)
        refused(CONFLICT, world.cache.create_replication_group, **asked)


def test_a_change_waits_for_the_window_unless_it_is_to_be_applied_at_once(world: World) -> None:
    store = world.group(EngineVersion="9.0")
    world.cache.modify_replication_group(
        ReplicationGroupId=store, EngineVersion="9.1", CacheNodeType="cache.r7g.large"
    )
    assert world.available(store)["CacheNodeType"] == "cache.t4g.small"
    member = world.cache.describe_cache_clusters(CacheClusterId=f"{store}-001")["CacheClusters"][0]
    assert member["PendingModifiedValues"] == {
        "EngineVersion": "9.1",
        "CacheNodeType": "cache.r7g.large",
    }
    changed = world.cache.modify_replication_group(ReplicationGroupId=store, ApplyImmediately=True)
    assert changed["ReplicationGroup"]["Status"] == "modifying"
    assert world.available(store)["CacheNodeType"] == "cache.r7g.large"
    member = world.cache.describe_cache_clusters(CacheClusterId=f"{store}-001")["CacheClusters"][0]
    assert member["EngineVersion"].startswith("9.1.")
    assert member["PendingModifiedValues"] == {}


def test_an_upgrade_takes_the_parameter_group_of_its_family(world: World) -> None:
    old = world.parameter_group("valkey8", maxmemory_policy="volatile-ttl")
    store = world.group(EngineVersion="8.1", CacheParameterGroupName=old)
    asked = {"ReplicationGroupId": store, "EngineVersion": "9.1", "ApplyImmediately": True}
    refused(CONFLICT, world.cache.modify_replication_group, **asked)
    new = world.parameter_group("valkey9")
    world.cache.modify_replication_group(**asked, CacheParameterGroupName=new)
    world.available(store)
    member = world.cache.describe_cache_clusters(CacheClusterId=f"{store}-001")["CacheClusters"][0]
    assert member["CacheParameterGroup"]["CacheParameterGroupName"] == new
    message = refused(
        CONFLICT,
        world.cache.modify_replication_group,
        ReplicationGroupId=store,
        EngineVersion="8.2",
        ApplyImmediately=True,
    )
    assert "downgrade" in message


def test_what_does_not_wait_is_there_at_once(world: World) -> None:
    store = world.group()
    world.cache.modify_replication_group(
        ReplicationGroupId=store,
        SnapshotRetentionLimit=3,
        SnapshotWindow="01:00-02:00",
        ReplicationGroupDescription="changed",
        AutomaticFailoverEnabled=False,
    )
    shown = world.available(store)
    assert (shown["SnapshotRetentionLimit"], shown["SnapshotWindow"]) == (3, "01:00-02:00")
    assert (shown["Description"], shown["AutomaticFailover"]) == ("changed", "disabled")


def test_a_user_group_comes_and_goes(world: World) -> None:
    users = world.user_group(world.user())
    store = world.group()
    world.cache.modify_replication_group(
        ReplicationGroupId=store, UserGroupIdsToAdd=[users], ApplyImmediately=True
    )
    assert world.available(store)["UserGroupIds"] == [users]
    world.cache.modify_replication_group(
        ReplicationGroupId=store, UserGroupIdsToRemove=[users], ApplyImmediately=True
    )
    assert world.available(store)["UserGroupIds"] == []


def test_a_failover_moves_the_role_and_is_told(world: World) -> None:
    store = world.group()
    world.cache.test_failover(ReplicationGroupId=store, NodeGroupId="0001")
    world.available(store)
    assert world.roles(store) == {f"{store}-001": "replica", f"{store}-002": "primary"}
    events = world.cache.describe_events(
        SourceIdentifier=f"{store}-002", SourceType="cache-cluster"
    )["Events"]
    assert [event["Message"] for event in events] == [
        f"Failover from primary node {store}-001 to replica node {store}-002 completed"
    ]
    refused(
        "NodeGroupNotFoundFault",
        world.cache.test_failover,
        ReplicationGroupId=store,
        NodeGroupId="0009",
    )


def test_replicas_come_and_go_but_never_the_primary(world: World) -> None:
    store = world.group(NumCacheClusters=2)
    world.cache.increase_replica_count(
        ReplicationGroupId=store, NewReplicaCount=2, ApplyImmediately=True
    )
    assert len(world.available(store)["MemberClusters"]) == 3
    refused(
        "NoOperationFault",
        world.cache.increase_replica_count,
        ReplicationGroupId=store,
        NewReplicaCount=2,
        ApplyImmediately=True,
    )
    world.cache.test_failover(ReplicationGroupId=store, NodeGroupId="0001")
    world.available(store)
    world.cache.decrease_replica_count(
        ReplicationGroupId=store, NewReplicaCount=1, ApplyImmediately=True
    )
    world.available(store)
    assert world.roles(store)[f"{store}-002"] == "primary"
    assert len(world.roles(store)) == 2
    refused(
        CONFLICT,
        world.cache.decrease_replica_count,
        ReplicationGroupId=store,
        NewReplicaCount=0,
        ApplyImmediately=True,
    )


def test_shards_come_and_go(world: World) -> None:
    parameters = world.parameter_group(cluster_enabled="yes")
    store = world.group(
        NumCacheClusters=None,
        NumNodeGroups=1,
        ReplicasPerNodeGroup=1,
        CacheParameterGroupName=parameters,
    )
    change = world.cache.modify_replication_group_shard_configuration
    change(ReplicationGroupId=store, NodeGroupCount=2, ApplyImmediately=True)
    assert len(world.available(store)["NodeGroups"]) == 2
    asked = {"ReplicationGroupId": store, "NodeGroupCount": 1, "ApplyImmediately": True}
    refused(CONFLICT, change, **asked)
    change(**asked, NodeGroupsToRemove=["0001"])
    assert [it["NodeGroupId"] for it in world.available(store)["NodeGroups"]] == ["0002"]


def test_a_deletion_takes_its_time_and_leaves_a_final_snapshot(world: World) -> None:
    store, snapshot = world.group(), world.name("final")
    tail = world.described(store)["ARN"]
    world.cache.add_tags_to_resource(ResourceName=tail, Tags=[{"Key": "a", "Value": "b"}])
    deleted = world.cache.delete_replication_group(
        ReplicationGroupId=store, FinalSnapshotIdentifier=snapshot
    )
    assert deleted["ReplicationGroup"]["Status"] == "deleting"
    gone(
        "ReplicationGroupNotFoundFault",
        world.cache.describe_replication_groups,
        ReplicationGroupId=store,
    )
    refused(
        "CacheClusterNotFound", world.cache.describe_cache_clusters, CacheClusterId=f"{store}-001"
    )
    found = world.cache.describe_snapshots(SnapshotName=snapshot)["Snapshots"][0]
    assert (found["SnapshotStatus"], found["ReplicationGroupId"]) == ("available", store)

    restored = world.group(SnapshotName=snapshot)
    refused(
        "SnapshotAlreadyExistsFault",
        world.cache.delete_replication_group,
        ReplicationGroupId=restored,
        FinalSnapshotIdentifier=snapshot,
    )
    assert world.described(restored)["Status"] == "available"


def test_a_snapshot_is_made_of_a_running_group(world: World) -> None:
    store, snapshot = world.group(), world.name("backup")
    made = world.cache.create_snapshot(ReplicationGroupId=store, SnapshotName=snapshot)
    assert made["Snapshot"]["SnapshotStatus"] == "creating"
    until(
        "the snapshot",
        lambda: world.cache.describe_snapshots(SnapshotName=snapshot)["Snapshots"][0],
        lambda found: found["SnapshotStatus"] == "available",
    )
    assert world.described(store)["Status"] == "available"
    world.cache.delete_snapshot(SnapshotName=snapshot)
    refused("SnapshotNotFoundFault", world.cache.describe_snapshots, SnapshotName=snapshot)
