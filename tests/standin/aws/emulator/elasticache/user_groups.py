"""User groups: ``CreateUserGroup`` and its kin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.standin.aws.dataplane.api import Authentication, UserStatus
from tests.standin.aws.emulator.elasticache import names, tagging, users
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result, page
from tests.standin.aws.emulator.elasticache.faults import conflicting, fault, invalid
from tests.standin.aws.emulator.elasticache.state import UserGroup

_MOST: Final = 100
_MOST_USERS: Final = 100


def create_user_group(control: Control, params: Params) -> Result:
    """``CreateUserGroup``."""
    group_id = names.user_identifier("UserGroupId", params["UserGroupId"]).lower()
    engine = names.one_of("Engine", params["Engine"].lower(), users.ENGINES)
    if group_id in control.user_groups:
        raise fault("UserGroupAlreadyExistsFault", f"User group {group_id} already exists.")
    if len(control.user_groups) >= _MOST:
        raise fault("UserGroupQuotaExceededFault", f"There are {_MOST} user groups already.")
    ids = [user_id.lower() for user_id in params.get("UserIds") or ()]
    _check_users(control, engine, ids)
    group = UserGroup(group_id, engine, ids, control.arn("usergroup", group_id))
    control.user_groups[group_id] = group
    tagging.set_tags(control, group.arn, params)

    def done() -> None:
        group.status = "active"

    control.later(
        f"create user group {group_id}", work=lambda: None, done=done, failed=lambda: None
    )
    return show(control, group)


def modify_user_group(control: Control, params: Params) -> Result:
    """``ModifyUserGroup``; all or nothing: AWS refuses to remove who is not in it (TF #49945)."""
    group = find(control, params["UserGroupId"])
    _require_active(group, "modified")
    adding = [user_id.lower() for user_id in params.get("UserIdsToAdd") or ()]
    removing = [user_id.lower() for user_id in params.get("UserIdsToRemove") or ()]
    engine = names.one_of("Engine", params.get("Engine", group.engine).lower(), users.ENGINES)
    if not adding and not removing and "Engine" not in params:
        raise conflicting("Give UserIdsToAdd or UserIdsToRemove.")
    if set(adding) & set(removing):
        raise invalid("A user cannot be added and removed at once.")
    for user_id in removing:
        if user_id not in group.user_ids:
            raise invalid(f"User {user_id} is not a member of user group {group.user_group_id}.")
    for user_id in adding:
        if user_id in group.user_ids:
            raise invalid(
                f"User {user_id} is a member of user group {group.user_group_id} already."
            )
    wanted = [user_id for user_id in group.user_ids if user_id not in removing] + adding
    _check_users(control, engine, wanted)
    group.status, group.adding, group.removing = "modifying", adding, removing
    stores = control.lanes_of([group.user_group_id])
    shown = show(control, group)
    group.engine = engine

    def work() -> None:
        with control.lock:
            # A user that is deleted meanwhile has left by itself.
            there = {name for name, it in control.users.items() if it.status != "deleting"}
            group.user_ids[:] = [user_id for user_id in wanted if user_id in there]
        control.push_users(stores)

    def done() -> None:
        group.status, group.adding, group.removing = "active", [], []
        control.note(group.user_group_id, "user-group", "User group was modified")

    control.later(
        f"modify user group {group.user_group_id}",
        stores=stores,
        work=work,
        done=done,
        failed=lambda: control.note(
            group.user_group_id, "user-group", "User group could not be modified"
        ),
    )
    return shown


def delete_user_group(control: Control, params: Params) -> Result:
    """``DeleteUserGroup``: not while a store has it."""
    group = find(control, params["UserGroupId"])
    _require_active(group, "deleted")
    if control.lanes_of([group.user_group_id]):
        message = f"User group {group.user_group_id} is associated with a cache: take it off first."
        raise fault("InvalidUserGroupStateFault", message)
    group.status = "deleting"

    def done() -> None:
        control.user_groups.pop(group.user_group_id, None)
        control.tags.pop(group.arn, None)

    control.later(
        f"delete user group {group.user_group_id}",
        work=lambda: None,
        done=done,
        failed=lambda: None,
    )
    return show(control, group)


def describe_user_groups(control: Control, params: Params) -> Result:
    """``DescribeUserGroups``."""
    if "UserGroupId" in params:
        return {"UserGroups": [show(control, find(control, params["UserGroupId"]))]}
    return page(
        [show(control, group) for group in control.user_groups.values()], params, "UserGroups"
    )


def find(control: Control, group_id: str) -> UserGroup:
    """A user group by id. Raises UserGroupNotFound."""
    group = control.user_groups.get(group_id.lower())
    if group is None:
        raise fault("UserGroupNotFoundFault", f"User group {group_id} not found.")
    return group


def attachable(control: Control, group_ids: Iterable[str]) -> list[str]:
    """The one user group that a store of Valkey is to have.

    Raises:
        Fault: several, one that is not there, or one in a state that forbids it.
    """
    found = [find(control, group_id) for group_id in group_ids]
    if len(found) > 1:
        raise invalid("A cache can have one user group.")
    for group in found:
        _require_active(group, "associated")
    return [group.user_group_id for group in found]


def show(control: Control, group: UserGroup) -> Result:
    """As the service shows it."""
    result: Result = {
        "UserGroupId": group.user_group_id,
        "Status": group.status,
        "Engine": group.engine,
        "UserIds": list(group.user_ids),
        "MinimumEngineVersion": "7.2" if group.engine == "valkey" else "6.0",
        "ReplicationGroups": [
            name for name, it in control.groups.items() if group.user_group_id in it.user_groups
        ],
        "ServerlessCaches": [
            name for name, it in control.serverless.items() if it.user_group == group.user_group_id
        ],
        "ARN": group.arn,
    }
    if group.adding or group.removing:
        result["PendingChanges"] = {
            "UserIdsToAdd": group.adding,
            "UserIdsToRemove": group.removing,
        }
    return result


def _check_users(control: Control, engine: str, ids: list[str]) -> None:
    found = [users.find(control, user_id) for user_id in ids]
    if len(set(ids)) != len(ids):
        raise invalid("UserIds holds a user twice.")
    if len(ids) > _MOST_USERS:
        raise invalid(f"A user group can have {_MOST_USERS} users.")
    logins = [user.user_name for user in found]
    for user in found:
        if user.status is UserStatus.DELETING:
            raise fault("UserNotFoundFault", f"User {user.user_id} not found.")
        if engine == "valkey" and user.authentication is Authentication.NO_PASSWORD:
            message = (
                f"User {user.user_id} logs in without a password: a user group of engine valkey "
                "takes users with a password or iam."
            )
            raise invalid(message)
        if engine == "redis" and user.engine != "redis":
            raise invalid(f"User {user.user_id} is of engine {user.engine}, the group of redis.")
        if logins.count(user.user_name) > 1:
            message = f"There are two users with the name {user.user_name}."
            raise fault("DuplicateUserNameFault", message)
    if engine == "redis" and "default" not in logins:
        message = "User group needs to contain a user with the user name default."
        raise fault("DefaultUserRequired", message)


def _require_active(group: UserGroup, change: str) -> None:
    if group.status != "active":
        message = (
            f"User group {group.user_group_id} has status {group.status}. "
            f"Only active user groups can be {change}."
        )
        raise fault("InvalidUserGroupStateFault", message)
