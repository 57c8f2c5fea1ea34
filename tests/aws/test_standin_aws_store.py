"""The stand-in for the official aws plugin and the store's own types: real engine, the emulator.

Emulation: moto on this machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.aws.standin_project import Project, environment, project
from tests.standin.aws.emulator import running

pytestmark = pytest.mark.timeout(300)

PASSWORD = "one-password-of-a-user"
NEXT = "next-password-of-a-user"
ALLOWED = "on ~agent:* resetchannels -@all +@read +@write"


@pytest.fixture(name="project")
def fixture_project(tmp_path: Path) -> Iterator[Project]:
    with running(tmp_path / "aws") as emulator:
        yield project(tmp_path / "engine", environment(emulator.endpoint_url))


NETWORK = """
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.64.0.0/20")
    subnets = [
        aws.ec2.Subnet(
            f"subnet-{zone}",
            vpc_id=vpc.id,
            cidr_block=f"10.64.{number}.0/24",
            availability_zone=f"eu-central-1{zone}",
        )
        for number, zone in enumerate("abc")
    ]
    places = aws.elasticache.SubnetGroup("subnets", subnet_ids=[item.id for item in subnets])
    door = aws.ec2.SecurityGroup("store", vpc_id=vpc.id, revoke_rules_on_delete=True)
    user = aws.elasticache.User(
        "svc",
        user_id="store-svc-1",
        user_name="svc",
        engine="VALKEY",
        access_string=ALLOWED,
        passwords=PASSWORDS,
    )
    users = aws.elasticache.UserGroup(
        "users", user_group_id="store-users", engine="valkey", user_ids=[user.user_id]
    )
"""
STORE = """
    parameters = {"maxmemory-policy": "volatile-lru", "maxmemory-samples": "5"}
    parameters |= {"cluster-enabled": "yes"} if CLUSTER else {}
    settings = aws.elasticache.ParameterGroup(
        "settings",
        family="valkey9",
        parameters=[{"name": name, "value": value} for name, value in parameters.items()],
    )
    logs = aws.cloudwatch.LogGroup("slow", name="/aws/elasticache/store/slow-log")
    engine_logs = aws.cloudwatch.LogGroup("engine", name="/aws/elasticache/store/engine-log")
    counts = (
        {"num_node_groups": 2, "replicas_per_node_group": 1, "cluster_mode": "enabled"}
        if CLUSTER
        else {"num_cache_clusters": 2}
    )
    deliveries = [
        {
            "destination": group.name,
            "destination_type": "cloudwatch-logs",
            "log_format": "json",
            "log_type": kind,
        }
        for group, kind in ((logs, "slow-log"), (engine_logs, "engine-log"))
    ]
    wanted = {
        "apply_immediately": True,
        "at_rest_encryption_enabled": True,
        "auto_minor_version_upgrade": True,
        "automatic_failover_enabled": True,
        "description": "Sessions",
        "engine": "valkey",
        "engine_version": "9.1",
        "log_delivery_configurations": deliveries,
        "maintenance_window": "sun:05:00-sun:06:00",
        "multi_az_enabled": True,
        "node_type": "cache.t4g.small",
        "parameter_group_name": settings.name,
        "security_group_ids": [door.id],
        "snapshot_retention_limit": 3,
        "snapshot_window": "03:00-04:00",
        "subnet_group_name": places.name,
        "transit_encryption_enabled": True,
        "transit_encryption_mode": "required",
        "user_group_ids": [users.user_group_id],
    }
    store = aws.elasticache.ReplicationGroup(
        "Store", **{**wanted, **counts, **MORE}, opts=ResourceOptions(import_=IMPORTED)
    )
    pulumi.export("id", store.id)
    pulumi.export("members", store.member_clusters)
    pulumi.export("primary", store.primary_endpoint_address)
    pulumi.export("configuration", store.configuration_endpoint_address)
    pulumi.export("version", store.engine_version_actual)
"""


def store(
    *,
    cluster: bool = False,
    passwords: tuple[str, ...] = (PASSWORD,),
    imported: str | None = None,
    **more: object,
) -> str:
    """A program with a store in a network."""
    head = {
        "ALLOWED": ALLOWED,
        "CLUSTER": cluster,
        "IMPORTED": imported,
        "MORE": more,
        "PASSWORDS": list(passwords),
    }
    lines = "".join(f"    {name} = {value!r}\n" for name, value in head.items())
    return lines + NETWORK + STORE


def only(items: list[Any]) -> Any:  # noqa: ANN401 (part of an answer)
    assert len(items) == 1, items
    return items[0]


@pytest.mark.whole
@pytest.mark.parametrize("cluster", [False, True], ids=["one-shard", "cluster"])
def test_a_store_is_made_stays_as_it_is_and_goes(project: Project, cluster: bool) -> None:
    project.write(store(cluster=cluster))
    project.preview()
    project.up()
    outputs = project.engine.outputs()
    assert outputs["id"].startswith("store-")
    assert outputs["version"].startswith("9.1")
    assert len(outputs["members"]) == (4 if cluster else 2)
    assert ("clustercfg." in outputs.get("configuration", "")) == cluster
    assert ("master." in outputs.get("primary", "")) != cluster
    project.up_unchanged()
    project.refresh_unchanged()
    project.up_unchanged()
    assert PASSWORD not in str(project.engine.export())
    project.destroy()
    cache = project.client("elasticache")
    assert cache.describe_replication_groups()["ReplicationGroups"] == []
    assert cache.describe_user_groups()["UserGroups"] == []
    assert [item["UserId"] for item in cache.describe_users()["Users"]] == ["default"]
    names = [
        item["CacheParameterGroupName"]
        for item in cache.describe_cache_parameter_groups()["CacheParameterGroups"]
    ]
    assert all(name.startswith("default.") for name in names)
    groups = cache.describe_cache_subnet_groups()["CacheSubnetGroups"]
    assert all(item["CacheSubnetGroupName"].startswith("default") for item in groups)


def group_of(project: Project) -> Any:  # noqa: ANN401 (part of an answer)
    found = project.client("elasticache").describe_replication_groups()
    return only(found["ReplicationGroups"])


def steps_of(shown: str, kind: str) -> list[str]:
    """Lines of a preview in detail that name a resource type, with what happens to it."""
    return [line.strip() for line in shown.splitlines() if f"{kind}: (" in line]


def test_two_passwords_at_once_are_an_update_of_the_user_alone(project: Project) -> None:
    project.write(store())
    project.up()
    before = project.stored("svc")["id"]
    project.write(store(passwords=(NEXT, PASSWORD)))
    shown = project.preview()
    assert steps_of(shown, "aws:elasticache/user:User") == ["~ aws:elasticache/user:User: (update)"]
    assert PASSWORD not in shown
    assert NEXT not in shown
    project.up()
    assert project.stored("svc")["id"] == before
    user = project.client("elasticache").describe_users(UserId=before)["Users"][0]
    assert user["Authentication"] == {"Type": "password", "PasswordCount": 2}
    assert NEXT not in str(project.engine.export())
    project.write(store(passwords=(NEXT,)))
    project.up()
    project.refresh_unchanged()
    project.up_unchanged()


def test_a_node_type_waits_for_the_window_unless_it_is_applied_at_once(project: Project) -> None:
    project.write(store(apply_immediately=False))
    project.up()
    project.write(store(apply_immediately=False, node_type="cache.r7g.large"))
    project.up()
    group = group_of(project)
    assert group["CacheNodeType"] == "cache.t4g.small"
    assert project.stored("Store")["outputs"]["nodeType"] == "cache.t4g.small"
    # Until then what is there differs from what the program wants, and every look says so.
    project.engine.drift(expected=True)
    assert "(update)" in only(
        steps_of(project.preview(), "aws:elasticache/replicationGroup:ReplicationGroup")
    )
    project.write(store(node_type="cache.r7g.large"))
    project.up()
    assert group_of(project)["CacheNodeType"] == "cache.r7g.large"
    project.refresh_unchanged()
    project.up_unchanged()


def test_replicas_and_what_else_can_be_changed_in_place_is(project: Project) -> None:
    project.write(store())
    project.up()
    id = project.engine.outputs()["id"]
    project.write(store(num_cache_clusters=3, description="More", log_delivery_configurations=[]))
    project.up()
    group = group_of(project)
    assert (group["ReplicationGroupId"], group["Description"]) == (id, "More")
    assert len(group["MemberClusters"]) == 3
    assert not group.get("LogDeliveryConfigurations")
    project.up_unchanged()
    project.write(store(num_cache_clusters=2, snapshot_retention_limit=7))
    project.up()
    group = group_of(project)
    assert len(group["MemberClusters"]) == 2
    assert group["SnapshotRetentionLimit"] == 7
    project.refresh_unchanged()
    project.up_unchanged()


def test_what_aws_cannot_change_in_place_shows_as_a_replacement(project: Project) -> None:
    project.write(store())
    project.up()
    for change, property in (
        ({"engine_version": "9.0"}, "engineVersion"),
        ({"at_rest_encryption_enabled": False}, "atRestEncryptionEnabled"),
        ({"port": 6380}, "port"),
        ({"replication_group_id": "other"}, "replicationGroupId"),
    ):
        project.write(store(**change))
        shown = project.preview()
        steps = steps_of(shown, "aws:elasticache/replicationGroup:ReplicationGroup")
        assert any("(replace)" in step for step in steps), shown
        assert property in shown


def test_the_last_snapshot_is_made_when_the_store_goes(project: Project) -> None:
    project.write(store(final_snapshot_identifier="last-of-the-store"))
    project.up()
    project.destroy()
    snapshots = project.client("elasticache").describe_snapshots()["Snapshots"]
    assert [item["SnapshotName"] for item in snapshots] == ["last-of-the-store"]


def test_what_was_changed_beside_it_is_drift_and_is_changed_back(project: Project) -> None:
    project.write(store())
    project.up()
    id = project.engine.outputs()["id"]
    cache = project.client("elasticache")
    cache.modify_replication_group(
        ReplicationGroupId=id, ReplicationGroupDescription="Mine", ApplyImmediately=True
    )
    project.engine.drift(expected=True)
    project.engine.refresh()
    assert project.stored("Store")["outputs"]["description"] == "Mine"
    project.up()
    assert group_of(project)["Description"] == "Sessions"


def test_a_refusal_of_aws_carries_its_code_and_leaves_nothing_of_the_refused(
    project: Project,
) -> None:
    project.write(store(engine_version="8.1"))  # its parameters are of valkey9
    run = project.engine.run("up", "--yes", "--skip-preview", fails=True, deadline_seconds=300.0)
    assert "creating ElastiCache Replication Group (store-" in run.shown
    assert "api error InvalidParameter" in run.shown
    assert PASSWORD not in run.shown
    assert not [item for item in project.engine.resources() if item["urn"].endswith("::Store")]
    project.destroy()


@pytest.mark.whole
def test_a_store_that_is_there_is_imported_without_a_change(project: Project) -> None:
    project.write(store())
    project.up()
    id = project.engine.outputs()["id"]
    urn = project.stored("Store")["urn"]
    project.engine.run("state", "delete", urn, "--yes")
    project.write(store(imported=id, replication_group_id=id))
    project.up()
    assert project.stored("Store")["id"] == id
    project.write(store(replication_group_id=id))
    project.up_unchanged()
    project.refresh_unchanged()


SERVERLESS = """
    cache = aws.elasticache.ServerlessCache(
        "cache",
        name="sessions",
        engine="valkey",
        major_engine_version="8",
        subnet_ids=[item.id for item in subnets],
        security_group_ids=[door.id],
        user_group_id=users.user_group_id,
        snapshot_retention_limit=1,
        cache_usage_limits={
            "data_storage": {"unit": "GB", "maximum": STORAGE},
            "ecpu_per_seconds": [{"maximum": 5000}],
        },
    )
    pulumi.export("address", cache.endpoints[0].address)
    pulumi.export("reader", cache.reader_endpoints[0].port)
"""


def serverless(storage: int) -> str:
    """A program with a serverless cache."""
    head = f"    PASSWORDS = {[PASSWORD]!r}\n    ALLOWED = {ALLOWED!r}\n    STORAGE = {storage}\n"
    return head + NETWORK + SERVERLESS


def test_a_serverless_cache_is_made_changed_in_place_and_goes(project: Project) -> None:
    project.write(serverless(10))
    project.preview()
    project.up()
    assert ".serverless." in project.engine.outputs()["address"]
    project.up_unchanged()
    project.refresh_unchanged()
    project.write(serverless(20))
    project.up()
    cache = only(project.client("elasticache").describe_serverless_caches()["ServerlessCaches"])
    assert cache["CacheUsageLimits"]["DataStorage"]["Maximum"] == 20
    project.refresh_unchanged()
    project.destroy()
    assert project.client("elasticache").describe_serverless_caches()["ServerlessCaches"] == []
