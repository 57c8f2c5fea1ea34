"""Parameter groups, subnet groups, serverless caches, tags and events of the emulated service."""

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


def test_a_parameter_that_is_set_is_told_from_a_default(world: World) -> None:
    group = world.parameter_group(maxmemory_policy="volatile-ttl", timeout="300")
    shown = world.cache.describe_cache_parameters(CacheParameterGroupName=group, Source="user")
    values = {it["ParameterName"]: it["ParameterValue"] for it in shown["Parameters"]}
    assert values == {"maxmemory-policy": "volatile-ttl", "timeout": "300"}
    world.cache.reset_cache_parameter_group(
        CacheParameterGroupName=group,
        ResetAllParameters=False,
        ParameterNameValues=[{"ParameterName": "timeout"}],
    )
    shown = world.cache.describe_cache_parameters(CacheParameterGroupName=group, Source="user")
    assert [it["ParameterName"] for it in shown["Parameters"]] == ["maxmemory-policy"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("maxmemory-policy", "oldest-first"),
        ("timeout", "10"),
        ("maxclients", "100"),
        ("appendonly", "yes"),
        ("notify-keyspace-events", "x"),
        ("maxmemory-samples", "65"),
        ("lazyfree-lazy-expire", "yes"),
        ("no-such-parameter", "1"),
    ],
)
def test_a_parameter_against_its_rule_is_refused(world: World, name: str, value: str) -> None:
    group = world.parameter_group()
    refused(
        INVALID,
        world.cache.modify_cache_parameter_group,
        CacheParameterGroupName=group,
        ParameterNameValues=[{"ParameterName": name, "ParameterValue": value}],
    )


def test_twenty_parameters_are_the_most_of_a_call(world: World) -> None:
    group = world.parameter_group()
    many = [{"ParameterName": "timeout", "ParameterValue": "0"}] * 21
    refused(
        INVALID,
        world.cache.modify_cache_parameter_group,
        CacheParameterGroupName=group,
        ParameterNameValues=many,
    )


def test_a_parameter_group_in_use_is_not_deleted_nor_its_mode_changed(world: World) -> None:
    group = world.parameter_group()
    store = world.group(CacheParameterGroupName=group)
    state = "InvalidCacheParameterGroupState"
    refused(state, world.cache.delete_cache_parameter_group, CacheParameterGroupName=group)
    refused(
        state,
        world.cache.modify_cache_parameter_group,
        CacheParameterGroupName=group,
        ParameterNameValues=[{"ParameterName": "cluster-enabled", "ParameterValue": "yes"}],
    )
    world.cache.delete_replication_group(ReplicationGroupId=store)
    gone(
        "ReplicationGroupNotFoundFault",
        world.cache.describe_replication_groups,
        ReplicationGroupId=store,
    )
    world.cache.delete_cache_parameter_group(CacheParameterGroupName=group)
    refused(
        "CacheParameterGroupNotFound",
        world.cache.describe_cache_parameter_groups,
        CacheParameterGroupName=group,
    )


def test_the_parameter_groups_of_aws_cannot_be_changed(world: World) -> None:
    refused(
        INVALID,
        world.cache.modify_cache_parameter_group,
        CacheParameterGroupName="default.valkey9",
        ParameterNameValues=[{"ParameterName": "timeout", "ParameterValue": "0"}],
    )


def test_a_subnet_group_is_lower_case_and_of_one_vpc(world: World) -> None:
    name = world.name("Subnets")
    made = world.cache.create_cache_subnet_group(
        CacheSubnetGroupName=name, CacheSubnetGroupDescription="test", SubnetIds=world.subnets
    )["CacheSubnetGroup"]
    assert made["CacheSubnetGroupName"] == name.lower()
    assert made["VpcId"] == world.vpc
    zones = {subnet["SubnetAvailabilityZone"]["Name"] for subnet in made["Subnets"]}
    assert zones == {"us-east-1a", "us-east-1b", "us-east-1c"}
    asked = {"CacheSubnetGroupName": world.name("x"), "CacheSubnetGroupDescription": "test"}
    other = World(world.emulator)
    create = world.cache.create_cache_subnet_group
    mixed = [world.subnets[0], other.subnets[0]]
    refused("InvalidSubnet", create, **asked, SubnetIds=mixed)
    refused("InvalidSubnet", create, **asked, SubnetIds=["subnet-0123456789abcdef0"])


def test_a_subnet_group_in_use_keeps_its_zones(world: World) -> None:
    world.group()
    group = world.subnet_group
    refused(
        "CacheSubnetGroupInUse",
        world.cache.delete_cache_subnet_group,
        CacheSubnetGroupName=group,
    )
    refused(
        "SubnetInUse",
        world.cache.modify_cache_subnet_group,
        CacheSubnetGroupName=group,
        SubnetIds=world.subnets[2:],
    )
    world.cache.modify_cache_subnet_group(
        CacheSubnetGroupName=group, CacheSubnetGroupDescription="changed"
    )
    shown = world.cache.describe_cache_subnet_groups(CacheSubnetGroupName=group)
    assert shown["CacheSubnetGroups"][0]["CacheSubnetGroupDescription"] == "changed"


def _serverless(world: World, **changes: object) -> dict[str, Any]:
    asked: dict[str, object] = {
        "ServerlessCacheName": world.name("cache"),
        "Engine": "valkey",
        "MajorEngineVersion": "9",
        "SubnetIds": world.subnets,
        "SecurityGroupIds": [world.security_group],
        "CacheUsageLimits": {
            "DataStorage": {"Maximum": 5, "Unit": "GB"},
            "ECPUPerSecond": {"Maximum": 5000},
        },
    } | changes
    return asked


def _described(world: World, name: str) -> dict[str, Any]:
    found = world.cache.describe_serverless_caches(ServerlessCacheName=name)
    shown: dict[str, Any] = found["ServerlessCaches"][0]
    return shown


def _available(world: World, name: str) -> dict[str, Any]:
    return until(
        f"{name} to be available",
        lambda: _described(world, name),
        lambda shown: shown["Status"] == "available",
    )


def test_a_serverless_cache_lives_and_ends(world: World) -> None:
    users = world.user_group(world.user())
    asked = _serverless(world, UserGroupId=users)
    name = asked["ServerlessCacheName"]
    assert world.cache.create_serverless_cache(**asked)["ServerlessCache"]["Status"] == "creating"
    shown = _available(world, name)
    host = shown["Endpoint"]["Address"]
    assert host.startswith(f"{name}-")
    assert host.endswith(".serverless.use1.cache.amazonaws.com")
    assert shown["ReaderEndpoint"] == {"Address": host, "Port": 6380}
    assert shown["UserGroupId"] == users
    refused("InvalidUserGroupState", world.cache.delete_user_group, UserGroupId=users)
    world.cache.modify_serverless_cache(
        ServerlessCacheName=name,
        CacheUsageLimits={"ECPUPerSecond": {"Maximum": 9000}},
        SnapshotRetentionLimit=2,
        DailySnapshotTime="03:00",
    )
    shown = _available(world, name)
    assert shown["CacheUsageLimits"]["ECPUPerSecond"] == {"Maximum": 9000}
    assert shown["CacheUsageLimits"]["DataStorage"] == {"Maximum": 5, "Unit": "GB"}
    final = world.name("final")
    world.cache.delete_serverless_cache(ServerlessCacheName=name, FinalSnapshotName=final)
    gone(
        "ServerlessCacheNotFoundFault",
        world.cache.describe_serverless_caches,
        ServerlessCacheName=name,
    )
    kept = world.cache.describe_serverless_cache_snapshots(ServerlessCacheSnapshotName=final)
    assert kept["ServerlessCacheSnapshots"][0]["Status"] == "available"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (INVALID, {"MajorEngineVersion": "9.1"}),
        (INVALID, {"CacheUsageLimits": {"DataStorage": {"Maximum": 5001, "Unit": "GB"}}}),
        (INVALID, {"CacheUsageLimits": {"ECPUPerSecond": {"Maximum": 999}}}),
        (INVALID, {"SubnetIds": ["subnet-0"]}),
        ("UserGroupNotFound", {"UserGroupId": "missing"}),
        (INVALID, {"KmsKeyId": "alias/store"}),
        (INVALID, {"DailySnapshotTime": "3 am"}),
        (INVALID, {"Engine": "redis"}),
    ],
)
def test_a_serverless_cache_against_the_rules_is_refused(
    world: World, code: str, changes: dict[str, Any]
) -> None:
    if changes == {"SubnetIds": ["subnet-0"]}:
        changes = {"SubnetIds": world.subnets[:1]}
    refused(code, world.cache.create_serverless_cache, **_serverless(world, **changes))


def test_everything_with_an_arn_has_tags(world: World) -> None:
    store = world.group(Tags=[{"Key": "a", "Value": "1"}])
    users, parameters = world.user_group(world.user()), world.parameter_group()
    arns = [
        world.described(store)["ARN"],
        world.cache.describe_cache_clusters(CacheClusterId=f"{store}-001")["CacheClusters"][0][
            "ARN"
        ],
        world.cache.describe_user_groups(UserGroupId=users)["UserGroups"][0]["ARN"],
        world.cache.describe_cache_parameter_groups(CacheParameterGroupName=parameters)[
            "CacheParameterGroups"
        ][0]["ARN"],
        world.cache.describe_cache_subnet_groups(CacheSubnetGroupName=world.subnet_group)[
            "CacheSubnetGroups"
        ][0]["ARN"],
    ]
    for arn in arns:
        tags = [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}]
        world.cache.add_tags_to_resource(ResourceName=arn, Tags=tags)
        world.cache.remove_tags_from_resource(ResourceName=arn, TagKeys=["b"])
        kept = world.cache.list_tags_for_resource(ResourceName=arn)["TagList"]
        assert {"Key": "c", "Value": "3"} in kept
        assert "b" not in [tag["Key"] for tag in kept]
        refused(
            "TagNotFound",
            world.cache.remove_tags_from_resource,
            ResourceName=arn,
            TagKeys=["missing"],
        )
    kept = world.cache.list_tags_for_resource(ResourceName=arns[0])["TagList"]
    assert {"Key": "a", "Value": "1"} in kept
    refused("InvalidARN", world.cache.list_tags_for_resource, ResourceName="arn:aws:s3:::x")


def test_versions_name_their_families(world: World) -> None:
    found = world.cache.describe_cache_engine_versions(Engine="valkey")["CacheEngineVersions"]
    families = {it["EngineVersion"]: it["CacheParameterGroupFamily"] for it in found}
    assert families["7.2"] == "valkey7"
    assert families["8.2"] == "valkey8"
    assert families["9.1"] == "valkey9"


def test_the_caller_is_the_account_that_every_arn_names(world: World) -> None:
    caller = world.emulator.client("sts").get_caller_identity()
    assert caller["Account"] == world.emulator.account
    assert f":{caller['Account']}:" in world.described(world.group())["ARN"]
