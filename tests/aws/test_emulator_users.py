"""Users and user groups of the emulated ElastiCache."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aws.emulated import ACCESS, OTHER_PASSWORD, PASSWORD, World, gone, refused
from tests.standin.aws.emulator import Emulator

INVALID = "InvalidParameterValue"
CONFLICT = "InvalidParameterCombination"


@pytest.fixture(name="world", scope="module")
def fixture_world(emulator: Emulator) -> World:
    return World(emulator)


def test_a_user_is_described_without_its_password(world: World) -> None:
    user = world.user(Tags=[{"Key": "role", "Value": "svc"}])
    shown = world.cache.describe_users(UserId=user)["Users"][0]
    assert shown["Authentication"] == {"Type": "password", "PasswordCount": 1}
    assert (shown["Status"], shown["Engine"], shown["UserGroupIds"]) == ("active", "valkey", [])
    assert PASSWORD not in str(shown)
    tags = world.cache.list_tags_for_resource(ResourceName=shown["ARN"])["TagList"]
    assert tags == [{"Key": "role", "Value": "svc"}]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (INVALID, {"UserId": "u" * 41}),
        (INVALID, {"UserId": "under_score"}),
        (INVALID, {"UserName": "n" * 41}),
        (INVALID, {"Passwords": ["p" * 15]}),
        (INVALID, {"Passwords": ["p" * 129]}),
        (INVALID, {"Passwords": [PASSWORD, OTHER_PASSWORD, "q" * 16]}),
        (INVALID, {"Passwords": ["p" * 16 + "@"]}),
        (CONFLICT, {"Passwords": None}),
        (INVALID, {"Passwords": None, "NoPasswordRequired": True}),
        (CONFLICT, {"NoPasswordRequired": True, "AuthenticationMode": {"Type": "iam"}}),
        (CONFLICT, {"Passwords": None, "AuthenticationMode": {"Type": "iam"}}),
        (INVALID, {"AccessString": "on ~* +@all >secretsecretsecret"}),
        (INVALID, {"AccessString": "on ~* +config"}),
        (INVALID, {"Engine": "memcached"}),
    ],
)
def test_a_user_against_the_rules_is_refused(
    world: World, code: str, changes: dict[str, Any]
) -> None:
    asked = {
        "UserId": world.name("svc"),
        "UserName": "svc",
        "Engine": "valkey",
        "AccessString": ACCESS,
        "Passwords": [PASSWORD],
    } | changes
    asked = {key: value for key, value in asked.items() if value is not None}
    message = refused(code, world.cache.create_user, **asked)
    assert "secretsecret" not in message


def test_an_iam_user_is_called_as_its_id(world: World) -> None:
    name = world.name("worker")
    mode = {"Type": "iam"}
    user = world.user(UserId=name, UserName=name, AuthenticationMode=mode, Passwords=None)
    shown = world.cache.describe_users(UserId=user)["Users"][0]
    assert shown["Authentication"] == {"Type": "iam"}


def test_a_second_password_is_there_when_the_user_is_active_again(world: World) -> None:
    user = world.user()
    changed = world.cache.modify_user(UserId=user, Passwords=[OTHER_PASSWORD, PASSWORD])
    assert changed["Status"] == "modifying"
    assert world.user_active(user)["Authentication"]["PasswordCount"] == 2


def test_a_user_that_is_there_is_not_made_again(world: World) -> None:
    user = world.user()
    refused(
        "UserAlreadyExists",
        world.cache.create_user,
        UserId=user.upper(),
        UserName="svc",
        Engine="valkey",
        AccessString=ACCESS,
        Passwords=[PASSWORD],
    )


def test_the_user_of_aws_is_neither_changed_nor_deleted(world: World) -> None:
    shown = world.cache.describe_users(UserId="default")["Users"][0]
    assert shown["Authentication"]["Type"] == "no-password"
    refused(INVALID, world.cache.modify_user, UserId="default", AccessString="off")
    refused(INVALID, world.cache.delete_user, UserId="default")


def test_a_group_of_valkey_takes_no_user_without_a_password(world: World) -> None:
    refused(
        INVALID,
        world.cache.create_user_group,
        UserGroupId=world.name("users"),
        Engine="valkey",
        UserIds=["default"],
    )


def test_a_group_of_redis_needs_the_default_user(world: World) -> None:
    user = world.user(Engine="redis")
    asked = {"UserGroupId": world.name("users"), "Engine": "redis", "UserIds": [user]}
    refused("DefaultUserRequired", world.cache.create_user_group, **asked)


def test_a_group_has_no_two_users_of_one_name(world: World) -> None:
    asked = {"UserGroupId": world.name("users"), "Engine": "valkey"}
    users = [world.user(), world.user()]
    refused("DuplicateUserName", world.cache.create_user_group, UserIds=users, **asked)
    refused("UserNotFound", world.cache.create_user_group, UserIds=["nobody"], **asked)


def test_a_change_of_a_group_is_refused_as_a_whole(world: World) -> None:
    first, second = world.user(), world.user(UserName="worker")
    group = world.user_group(first)
    message = refused(
        INVALID,
        world.cache.modify_user_group,
        UserGroupId=group,
        UserIdsToAdd=[second],
        UserIdsToRemove=["gone"],
    )
    assert "is not a member of user group" in message
    assert world.user_group_active(group)["UserIds"] == [first]
    changed = world.cache.modify_user_group(UserGroupId=group, UserIdsToAdd=[second])
    assert changed["Status"] == "modifying"
    assert changed["PendingChanges"]["UserIdsToAdd"] == [second]
    assert world.user_group_active(group)["UserIds"] == [first, second]


def test_a_user_that_is_deleted_leaves_its_groups(world: World) -> None:
    first, second = world.user(), world.user(UserName="worker")
    group = world.user_group(first, second)
    assert world.cache.delete_user(UserId=first)["Status"] == "deleting"
    gone("UserNotFound", world.cache.describe_users, UserId=first)
    assert world.user_group_active(group)["UserIds"] == [second]


def test_a_group_is_deleted_once_nothing_has_it(world: World) -> None:
    users = world.user_group(world.user())
    store = world.group(UserGroupIds=[users])
    shown = world.cache.describe_user_groups(UserGroupId=users)["UserGroups"][0]
    assert shown["ReplicationGroups"] == [store]
    refused("InvalidUserGroupState", world.cache.delete_user_group, UserGroupId=users)
    world.cache.delete_replication_group(ReplicationGroupId=store)
    gone(
        "ReplicationGroupNotFoundFault",
        world.cache.describe_replication_groups,
        ReplicationGroupId=store,
    )
    world.cache.delete_user_group(UserGroupId=users)
    gone("UserGroupNotFound", world.cache.describe_user_groups, UserGroupId=users)
