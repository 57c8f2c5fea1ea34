"""What the emulated ElastiCache refuses while something changes, and where a change fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.standin.aws.emulated_control import PASSWORD, Cloud

OTHER = "klmnopqrst0123456789"


@pytest.fixture(name="cloud")
def fixture_cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


def test_a_user_is_not_changed_while_it_is_being_changed(cloud: Cloud) -> None:
    cloud.group(UserGroupIds=[cloud.user_group(cloud.user())])
    cloud.plane.gate.clear()
    cloud.call("ModifyUser", UserId="svc", Passwords=[OTHER, PASSWORD])
    message = cloud.refused("InvalidUserState", "ModifyUser", UserId="svc", AccessString="on")
    assert "has status modifying" in message
    cloud.refused("InvalidUserState", "DeleteUser", UserId="svc")
    users = cloud.plane.groups["store"].users
    assert users is not None
    assert len(users["svc"].password_hashes) == 1
    cloud.plane.gate.set()
    cloud.until("the user", lambda: cloud.control.users["svc"].status == "active")
    users = cloud.plane.groups["store"].users
    assert users is not None
    assert len(users["svc"].password_hashes) == 2


def test_a_user_that_the_servers_did_not_take_stays_in_modifying(cloud: Cloud) -> None:
    cloud.group(UserGroupIds=[cloud.user_group(cloud.user())])
    cloud.plane.broken = True
    cloud.call("ModifyUser", UserId="svc", AccessString="off")
    cloud.until(
        "the event", lambda: cloud.control.events[-1].message == "User could not be modified"
    )
    assert cloud.control.users["svc"].status == "modifying"


def test_a_user_group_reaches_the_servers_of_its_store(cloud: Cloud) -> None:
    cloud.group(UserGroupIds=[cloud.user_group(cloud.user())])
    cloud.user("worker")
    cloud.plane.gate.clear()
    cloud.call("ModifyUserGroup", UserGroupId="users", UserIdsToAdd=["worker"])
    cloud.refused(
        "InvalidUserGroupState", "ModifyUserGroup", UserGroupId="users", UserIdsToRemove=["svc"]
    )
    cloud.plane.gate.set()
    cloud.until("the group", lambda: cloud.control.user_groups["users"].status == "active")
    assert set(cloud.plane.groups["store"].users or ()) == {"svc", "worker"}
    cloud.call("DeleteUser", UserId="svc")
    cloud.until("the user", lambda: "svc" not in cloud.control.users)
    assert set(cloud.plane.groups["store"].users or ()) == {"worker"}


def test_a_store_without_a_user_group_is_open_and_closed_again_by_one(cloud: Cloud) -> None:
    cloud.group()
    assert cloud.plane.groups["store"].users is None
    users = cloud.user_group(cloud.user())
    change = {"ReplicationGroupId": "store", "ApplyImmediately": True}
    cloud.call("ModifyReplicationGroup", UserGroupIdsToAdd=[users], **change)
    cloud.available()
    assert set(cloud.plane.groups["store"].users or ()) == {"svc"}


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DeleteReplicationGroup", {}),
        ("ModifyReplicationGroup", {"ReplicationGroupDescription": "x"}),
        ("TestFailover", {"NodeGroupId": "0001"}),
        ("IncreaseReplicaCount", {"NewReplicaCount": 3, "ApplyImmediately": True}),
        ("CreateSnapshot", {"SnapshotName": "another"}),
    ],
)
def test_a_group_that_is_busy_takes_nothing_else(
    cloud: Cloud, operation: str, params: dict[str, object]
) -> None:
    cloud.group()
    cloud.plane.gate.clear()
    cloud.call("CreateSnapshot", ReplicationGroupId="store", SnapshotName="one")
    assert cloud.control.groups["store"].status == "snapshotting"
    cloud.refused("InvalidReplicationGroupState", operation, ReplicationGroupId="store", **params)
    cloud.plane.gate.set()
    cloud.available()
    assert cloud.control.snapshots["one"].status == "available"


def test_values_of_a_parameter_group_reach_the_servers(cloud: Cloud) -> None:
    cloud.call(
        "CreateCacheParameterGroup",
        CacheParameterGroupName="parameters",
        CacheParameterGroupFamily="valkey9",
        Description="test",
    )
    cloud.group(CacheParameterGroupName="parameters")
    assert cloud.plane.groups["store"].parameters["maxmemory-policy"] == "volatile-lru"
    cloud.call(
        "ModifyCacheParameterGroup",
        CacheParameterGroupName="parameters",
        ParameterNameValues=[
            {"ParameterName": "maxmemory-policy", "ParameterValue": "volatile-ttl"}
        ],
    )
    cloud.until(
        "the policy",
        lambda: cloud.plane.groups["store"].parameters["maxmemory-policy"] == "volatile-ttl",
    )


def test_a_change_that_is_refused_in_part_changes_nothing(cloud: Cloud) -> None:
    cloud.group()
    cloud.refused(
        "InvalidParameterValue",
        "ModifyReplicationGroup",
        ReplicationGroupId="store",
        SnapshotRetentionLimit=5,
        CacheNodeType="cache.no.such",
        ApplyImmediately=True,
    )
    assert cloud.control.groups["store"].snapshot_retention == 0
    assert cloud.control.groups["store"].status == "available"


def test_a_store_whose_servers_do_not_start_says_so_and_can_be_deleted(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(spec: object) -> None:
        message = "no memory"
        raise OSError(message)

    monkeypatch.setattr(cloud.plane, "create_group", broken)
    cloud.create_group()
    cloud.until("the state", lambda: cloud.control.groups["store"].status == "create-failed")
    cloud.call("DeleteReplicationGroup", ReplicationGroupId="store")
    cloud.until("the end", lambda: "store" not in cloud.control.groups)
