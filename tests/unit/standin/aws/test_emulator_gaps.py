"""What moto lacks, and the emulator does instead: a moto that gains it fails here.

Then the emulator's own part can go, instead of hiding it.
"""

# ruff: noqa: ANN401 - requests here break the types of the client on purpose
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.utils import camelcase_to_underscores
from moto.elasticache.responses import ElastiCacheResponse

from tests.standin.aws.emulator.elasticache.operations import OPERATIONS

MOTO_HAS = {
    "AddTagsToResource",
    "CreateCacheSubnetGroup",
    "CreateReplicationGroup",
    "CreateSnapshot",
    "CreateUser",
    "DeleteReplicationGroup",
    "DeleteSnapshot",
    "DeleteUser",
    "DescribeCacheClusters",
    "DescribeCacheSubnetGroups",
    "DescribeReplicationGroups",
    "DescribeSnapshots",
    "DescribeUsers",
    "ListTagsForResource",
    "ModifyReplicationGroup",
    "RemoveTagsFromResource",
}
"""Operations that moto has too, in part; the tests below say what each of them lacks."""

GROUP = {
    "ReplicationGroupId": "Store",
    "ReplicationGroupDescription": "test",
    "Engine": "valkey",
    "EngineVersion": "9.1",
}


@pytest.fixture(name="moto_client")
def fixture_moto_client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("elasticache", "us-east-1")


def test_moto_still_lacks_the_operations_that_are_ours_alone() -> None:
    there = {name for name in OPERATIONS if camelcase_to_underscores(name) in _methods()}
    assert there == MOTO_HAS


def test_moto_still_keeps_the_number_of_nodes_and_the_case_of_an_id(moto_client: Any) -> None:
    made = moto_client.create_replication_group(**GROUP, NumCacheClusters=3)["ReplicationGroup"]
    assert made["ReplicationGroupId"] == "Store"
    assert len(made["MemberClusters"]) == 1
    assert made["Status"] == "available"


def test_moto_still_describes_no_reader_and_no_member(moto_client: Any) -> None:
    made = moto_client.create_replication_group(**GROUP)["ReplicationGroup"]
    assert "ReaderEndpoint" not in made["NodeGroups"][0]
    with pytest.raises(ClientError, match="CacheClusterNotFound"):
        moto_client.describe_cache_clusters(CacheClusterId=made["MemberClusters"][0])


def test_moto_still_checks_nothing_of_a_group(moto_client: Any) -> None:
    moto_client.create_replication_group(
        **GROUP,
        AutomaticFailoverEnabled=True,
        NumCacheClusters=1,
        CacheNodeType="cache.no.such",
        UserGroupIds=["missing"],
        CacheSubnetGroupName="missing",
    )


def test_moto_still_ignores_most_of_a_change(moto_client: Any) -> None:
    moto_client.create_replication_group(**GROUP, SnapshotWindow="01:00-02:00")
    changed = moto_client.modify_replication_group(
        ReplicationGroupId="Store",
        SnapshotWindow="03:00-04:00",
        UserGroupIdsToAdd=["missing"],
        ApplyImmediately=True,
    )["ReplicationGroup"]
    assert changed["SnapshotWindow"] == "01:00-02:00"
    assert changed["UserGroupIds"] == []


def test_moto_still_never_ends_a_deletion(moto_client: Any) -> None:
    moto_client.create_replication_group(**GROUP)
    moto_client.delete_replication_group(
        ReplicationGroupId="Store", FinalSnapshotIdentifier="final"
    )
    shown = moto_client.describe_replication_groups(ReplicationGroupId="Store")
    assert shown["ReplicationGroups"][0]["Status"] == "deleting"
    assert moto_client.describe_snapshots()["Snapshots"] == []


def test_moto_still_takes_users_that_aws_refuses(moto_client: Any) -> None:
    asked = {"UserName": "svc", "Engine": "valkey", "AccessString": "on ~* +config >secret"}
    moto_client.create_user(UserId="a" * 41, Passwords=["p" * 200] * 3, **asked)
    moto_client.create_user(UserId="other", AuthenticationMode={"Type": "iam"}, **asked)
    moto_client.create_user(UserId="third", NoPasswordRequired=True, **asked)


def test_moto_still_refuses_tags_of_what_it_does_not_know(moto_client: Any) -> None:
    for kind in ("usergroup", "parametergroup"):
        with pytest.raises(ClientError, match="InvalidARN"):
            moto_client.list_tags_for_resource(
                ResourceName=f"arn:aws:elasticache:us-east-1:123456789012:{kind}:x"
            )


def test_moto_still_takes_any_subnet_and_any_name_of_its_group(moto_client: Any) -> None:
    made = moto_client.create_cache_subnet_group(
        CacheSubnetGroupName="Upper",
        CacheSubnetGroupDescription="test",
        SubnetIds=["subnet-0123456789abcdef0"],
    )["CacheSubnetGroup"]
    assert made["CacheSubnetGroupName"] == "Upper"


def _methods() -> set[str]:
    return {name for name in vars(ElastiCacheResponse) if not name.startswith("_")}
