"""Every operation of the emulated ElastiCache, held to the service's own model.

:class:`Cloud` checks each request and each response against it: a name or a value that the model
does not have fails here, where moto's serializer would leave it out.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.standin.aws.emulator.elasticache.operations import OPERATIONS
from tests.unit.standin.aws.emulated_control import Cloud
from tests.unit.standin.aws.shapes import assert_fits

_NOW = {"ApplyImmediately": True}


@pytest.fixture(name="cloud")
def fixture_cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


def test_every_operation_answers_as_the_model_says(cloud: Cloud) -> None:
    _users(cloud)
    _groups(cloud)
    _scaling(cloud)
    _serverless(cloud)
    _reading(cloud)
    _endings(cloud)
    assert cloud.called == set(OPERATIONS)


def _users(cloud: Cloud) -> None:
    cloud.user(Tags=[{"Key": "a", "Value": "b"}])
    cloud.user("worker", AuthenticationMode={"Type": "iam"}, Passwords=None)
    cloud.user_group("svc")
    cloud.call("ModifyUser", UserId="svc", AccessString="on ~* +@all")
    cloud.until("the user", lambda: cloud.control.users["svc"].status == "active")
    cloud.call("ModifyUserGroup", UserGroupId="users", UserIdsToAdd=["worker"])
    cloud.call("DescribeUserGroups", UserGroupId="users")
    cloud.until("the group", lambda: cloud.control.user_groups["users"].status == "active")


def _groups(cloud: Cloud) -> None:
    cloud.call(
        "CreateCacheParameterGroup",
        CacheParameterGroupName="cluster",
        CacheParameterGroupFamily="valkey9",
        Description="test",
    )
    values = [{"ParameterName": "cluster-enabled", "ParameterValue": "yes"}]
    cloud.call(
        "ModifyCacheParameterGroup",
        CacheParameterGroupName="cluster",
        ParameterNameValues=[*values, {"ParameterName": "timeout", "ParameterValue": "0"}],
    )
    cloud.call(
        "ResetCacheParameterGroup",
        CacheParameterGroupName="cluster",
        ParameterNameValues=[{"ParameterName": "timeout"}],
    )
    cloud.group(UserGroupIds=["users"], SnapshotRetentionLimit=1)
    cloud.group(
        "sharded",
        NumCacheClusters=None,
        NumNodeGroups=2,
        ReplicasPerNodeGroup=1,
        CacheParameterGroupName="cluster",
    )
    cloud.call(
        "ModifyReplicationGroup", ReplicationGroupId="store", CacheNodeType="cache.r7g.large"
    )
    cloud.available()
    cloud.call("ModifyReplicationGroup", ReplicationGroupId="store", UserGroupIdsToRemove=["users"])
    cloud.available()
    cloud.call("ModifyReplicationGroup", ReplicationGroupId="store", **_NOW)
    cloud.available()
    cloud.call("ModifyCacheSubnetGroup", CacheSubnetGroupName="subnets", SubnetIds=cloud.subnets)


def _scaling(cloud: Cloud) -> None:
    store = {"ReplicationGroupId": "store"}
    cloud.call("IncreaseReplicaCount", **store, NewReplicaCount=2, **_NOW)
    cloud.available()
    cloud.call("DecreaseReplicaCount", **store, NewReplicaCount=1, **_NOW)
    cloud.available()
    cloud.call("TestFailover", **store, NodeGroupId="0001")
    cloud.available()
    cloud.call(
        "ModifyReplicationGroupShardConfiguration",
        ReplicationGroupId="sharded",
        NodeGroupCount=3,
        **_NOW,
    )
    cloud.available("sharded")
    cloud.call("CreateSnapshot", **store, SnapshotName="backup")
    cloud.available()


def _serverless(cloud: Cloud) -> None:
    name = {"ServerlessCacheName": "cache"}
    cloud.call(
        "CreateServerlessCache",
        **name,
        Engine="valkey",
        MajorEngineVersion="9",
        SubnetIds=cloud.subnets,
        UserGroupId="users",
        CacheUsageLimits={"DataStorage": {"Maximum": 1, "Unit": "GB"}},
    )

    def available() -> bool:
        return cloud.control.serverless["cache"].status == "available"

    cloud.until("the cache", available)
    cloud.call("ModifyServerlessCache", **name, Description="changed")
    cloud.until("the cache", available)
    snapshot = {"ServerlessCacheSnapshotName": "copy"}
    cloud.call("CreateServerlessCacheSnapshot", **name, **snapshot)
    cloud.until(
        "the snapshot",
        lambda: cloud.control.serverless_snapshots["copy"].status == "available",
    )
    cloud.call("DescribeServerlessCaches", **name)
    cloud.call("DescribeServerlessCacheSnapshots", **name)


def _reading(cloud: Cloud) -> None:
    arn = cloud.control.groups["store"].arn
    cloud.call("AddTagsToResource", ResourceName=arn, Tags=[{"Key": "a", "Value": "b"}])
    cloud.call("ListTagsForResource", ResourceName=arn)
    cloud.call("RemoveTagsFromResource", ResourceName=arn, TagKeys=["a"])
    cloud.call("DescribeUsers", Filters=[{"Name": "user-group-id", "Values": ["users"]}])
    cloud.call("DescribeReplicationGroups", MaxRecords=20)
    cloud.call("DescribeCacheClusters", ShowCacheNodeInfo=True)
    cloud.call("DescribeCacheSubnetGroups")
    cloud.call("DescribeCacheParameterGroups")
    cloud.call("DescribeCacheParameters", CacheParameterGroupName="cluster")
    cloud.call("DescribeEngineDefaultParameters", CacheParameterGroupFamily="valkey9")
    cloud.call("DescribeCacheEngineVersions", DefaultOnly=True)
    cloud.call("DescribeUpdateActions")
    cloud.call("DescribeSnapshots")
    cloud.call("DescribeEvents", Duration=60)
    cloud.call("ListAllowedNodeTypeModifications", ReplicationGroupId="store")


def _endings(cloud: Cloud) -> None:
    cloud.call("DeleteSnapshot", SnapshotName="backup")
    cloud.call("DeleteServerlessCacheSnapshot", ServerlessCacheSnapshotName="copy")
    cloud.call("DeleteServerlessCache", ServerlessCacheName="cache", FinalSnapshotName="last")
    for name in ("store", "sharded"):
        cloud.call(
            "DeleteReplicationGroup", ReplicationGroupId=name, FinalSnapshotIdentifier=f"{name}-1"
        )
    cloud.until("the stores", lambda: not cloud.control.groups and not cloud.control.serverless)
    cloud.call("DeleteUserGroup", UserGroupId="users")
    cloud.call("DeleteUser", UserId="svc")
    cloud.call("DeleteCacheSubnetGroup", CacheSubnetGroupName="subnets")
    cloud.call("DeleteCacheParameterGroup", CacheParameterGroupName="cluster")
    cloud.until("the end", lambda: not cloud.control.user_groups)
    assert not cloud.plane.groups
    assert not cloud.plane.serverless


def test_a_name_that_the_model_does_not_have_is_noticed() -> None:
    from botocore.session import get_session

    model = get_session().get_service_model("elasticache")
    shape = model.operation_model("DescribeUsers").output_shape
    assert_fits({"Users": [{"UserId": "a"}]}, shape, "it")
    wrongs: list[dict[str, object]] = [
        {"Users": [{"Password": "a"}]},
        {"Users": [{"UserId": 1}]},
        {"Users": {}},
    ]
    for wrong in wrongs:
        with pytest.raises(AssertionError):
            assert_fits(wrong, shape, "it")
