"""Users: ``CreateUser`` and its kin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.standin.aws.dataplane.api import Authentication, UserStatus
from tests.standin.aws.emulator.elasticache import names, tagging
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result, page
from tests.standin.aws.emulator.elasticache.faults import conflicting, fault, invalid
from tests.standin.aws.emulator.elasticache.grammar import check_access_string, check_passwords
from tests.standin.aws.emulator.elasticache.printed import printed_access_string
from tests.standin.aws.emulator.elasticache.state import User

ENGINES: Final = ("valkey", "redis")
_MOST: Final = 1000


def create_user(control: Control, params: Params) -> Result:
    """``CreateUser``."""
    user_id = names.user_identifier("UserId", params["UserId"])
    user_name = names.user_name(params["UserName"])
    engine = names.one_of("Engine", params["Engine"].lower(), ENGINES)
    access = _access(params["AccessString"])
    authentication, hashes = _login(params)
    if user_id.lower() in control.users:
        raise fault("UserAlreadyExistsFault", f"User {user_id} already exists.")
    _check_login(user_id, user_name, engine, authentication, hashes)
    if len(control.users) >= _MOST:
        raise fault("UserQuotaExceededFault", f"There are {_MOST} users already.")
    user_id = user_id.lower()
    user = User(
        user_id, user_name, engine, access, authentication, control.arn("user", user_id), hashes
    )
    control.users[user_id] = user
    tagging.set_tags(control, user.arn, params)
    return show(control, user)


def modify_user(control: Control, params: Params) -> Result:
    """``ModifyUser``: the servers have the change when the user is active again."""
    user = find(control, params["UserId"])
    _refuse_default(user)
    if user.status is not UserStatus.ACTIVE:
        message = (
            f"User {user.user_id} has status {user.status}. Only active users can be modified."
        )
        raise fault("InvalidUserStateFault", message)
    access = user.access_string
    if "AccessString" in params and "AppendAccessString" in params:
        raise conflicting("Use one of AccessString and AppendAccessString.")
    if "AccessString" in params:
        access = _access(params["AccessString"])
    elif "AppendAccessString" in params:
        access = _access(f"{access} {params['AppendAccessString']}")
    engine = names.one_of("Engine", params.get("Engine", user.engine).lower(), ENGINES)
    authentication, hashes = user.authentication, user.password_hashes
    if {"Passwords", "NoPasswordRequired", "AuthenticationMode"} & params.keys():
        authentication, hashes = _login(params)
    _check_login(user.user_id, user.user_name, engine, authentication, hashes)
    user.access_string, user.engine = access, engine
    user.authentication, user.password_hashes = authentication, hashes
    user.status = UserStatus.MODIFYING
    stores = control.lanes_of(control.groups_with_user(user.user_id))

    def done() -> None:
        user.status = UserStatus.ACTIVE
        control.note(user.user_id, "user", "User was modified")

    def failed() -> None:
        # It stays in `modifying`, as users have seen it on AWS.
        control.note(user.user_id, "user", "User could not be modified")

    control.later(
        f"modify user {user.user_id}",
        stores=stores,
        work=lambda: control.push_users(stores),
        done=done,
        failed=failed,
    )
    return show(control, user)


def delete_user(control: Control, params: Params) -> Result:
    """``DeleteUser``: AWS takes the user out of its groups by itself (its model; TF #43281)."""
    user = find(control, params["UserId"])
    _refuse_default(user)
    if user.status is not UserStatus.ACTIVE:
        message = f"User {user.user_id} has status {user.status}. Only active users can be deleted."
        raise fault("InvalidUserStateFault", message)
    inside = control.groups_with_user(user.user_id)
    for name in inside:
        group = control.user_groups[name]
        if group.engine == "redis" and user.user_name == "default":
            message = f"User is associated to user group(s) as a default user: {name}."
            raise fault("DefaultUserAssociatedToUserGroupFault", message)
    user.status = UserStatus.DELETING
    stores = control.lanes_of(inside)
    changed = []
    for name in inside:
        group = control.user_groups[name]
        group.user_ids.remove(user.user_id)
        if group.status == "active":
            group.status = "modifying"
            changed.append(group)

    def done() -> None:
        control.users.pop(user.user_id, None)
        control.tags.pop(user.arn, None)
        for group in changed:
            group.status = "active"
        control.note(user.user_id, "user", "User was deleted")

    control.later(
        f"delete user {user.user_id}",
        stores=stores,
        work=lambda: control.push_users(stores),
        done=done,
        failed=lambda: control.note(user.user_id, "user", "User could not be deleted"),
    )
    return show(control, user)


def describe_users(control: Control, params: Params) -> Result:
    """``DescribeUsers``, with the filter ``user-group-id`` and by engine."""
    if "UserId" in params:
        return {"Users": [show(control, find(control, params["UserId"]))]}
    found = list(control.users.values())
    if "Engine" in params:
        found = [user for user in found if user.engine == params["Engine"].lower()]
    for item in params.get("Filters", ()):
        found = [user for user in found if _matches(control, user, item)]
    return page([show(control, user) for user in found], params, "Users")


def find(control: Control, user_id: str) -> User:
    """A user by id. Raises UserNotFound."""
    user = control.users.get(user_id.lower())
    if user is None:
        raise fault("UserNotFoundFault", f"User {user_id} not found.")
    return user


def show(control: Control, user: User) -> Result:
    """As the service shows it: passwords are only counted."""
    kind = "no-password" if user.authentication is Authentication.NO_PASSWORD else None
    authentication: Result = {"Type": kind or user.authentication.value}
    if user.authentication is Authentication.PASSWORD:
        authentication["PasswordCount"] = len(user.password_hashes)
    return {
        "UserId": user.user_id,
        "UserName": user.user_name,
        "Status": user.status.value,
        "Engine": user.engine,
        "MinimumEngineVersion": "7.2" if user.engine == "valkey" else "6.0",
        "AccessString": user.access_string,
        "UserGroupIds": control.groups_with_user(user.user_id),
        "Authentication": authentication,
        "ARN": user.arn,
    }


def _access(text: str) -> str:
    return printed_access_string(check_access_string(text))


def _login(params: Params) -> tuple[Authentication, tuple[str, ...]]:
    """How the user logs in, out of the three ways to say it."""
    mode: Mapping[str, Any] = params.get("AuthenticationMode") or {}
    passwords = list(params.get("Passwords") or ())
    inner = list(mode.get("Passwords") or ())
    if passwords and inner:
        raise conflicting("Passwords provided via multiple arguments. Use only one argument.")
    passwords = passwords or inner
    free = bool(params.get("NoPasswordRequired"))
    if "Type" in mode:
        kind = names.one_of("AuthenticationMode.Type", mode["Type"], list(Authentication))
        authentication = Authentication(kind)
        if free and authentication is not Authentication.NO_PASSWORD:
            raise conflicting(f"NoPasswordRequired does not go with authentication type: {kind}")
    else:
        authentication = Authentication.NO_PASSWORD if free else Authentication.PASSWORD
    if passwords and authentication is not Authentication.PASSWORD:
        message = f"Password field is not allowed with authentication type: {authentication}"
        raise conflicting(message)
    if not passwords and authentication is Authentication.PASSWORD:
        raise conflicting(
            "A user with Authentication Mode: password, must have at least one password"
        )
    return authentication, check_passwords(passwords)


def _check_login(
    user_id: str,
    user_name: str,
    engine: str,
    authentication: Authentication,
    hashes: tuple[str, ...],
) -> None:
    if authentication is Authentication.IAM and user_id.lower() != user_name:
        raise conflicting("User Id and User name must be same for authentication type: iam")
    if engine == "valkey" and authentication is Authentication.NO_PASSWORD:
        raise invalid("A user of engine valkey must log in by password or iam.")
    if authentication is Authentication.PASSWORD and not hashes:
        raise invalid("No password was provided.")


def _refuse_default(user: User) -> None:
    if user.user_id == "default":
        raise invalid("The user with id default is AWS's own: it is neither modified nor deleted.")


def _matches(control: Control, user: User, condition: Mapping[str, Any]) -> bool:
    kind, values = condition["Name"], set(condition["Values"])
    if kind == "user-id":
        return user.user_id in values
    if kind == "user-group-id":
        return bool(values & set(control.groups_with_user(user.user_id)))
    raise invalid(f"A filter by {kind} is not known.")
