"""ElastiCache's users and user groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from holdfast.errors import ConfigError
from provider.resource import Context
from provider.values import Properties, is_known
from tests.standin.aws.base import Change, picked
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.services.ec2 import first
from tests.standin.aws.services.elasticache import ENGINES, AwaitedResource
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import found_or_none, gone_is_fine

_MOST_PASSWORDS: Final = 2
_PASSWORD_CHARACTERS: Final = range(16, 129)


class User(AwaitedResource):
    """``aws.elasticache.User``. Waits until it is active, also before it is read."""

    ready = "active"
    create_seconds = update_seconds = delete_seconds = 300.0
    secret_outputs = names("passwords")
    shape = Shape(
        token="aws:elasticache/user:User",
        label="ElastiCache User",
        inputs=names(
            "accessString authenticationMode engine noPasswordRequired passwords userId userName"
        ),
        required=names("accessString engine userId userName"),
        replace_on=names("userId userName"),
        kept=names("authenticationMode"),
        ours=names("noPasswordRequired passwords"),
        computed=names("arn"),
        defaults={"noPasswordRequired": False},
        sets=names("passwords"),
        caseless=names("engine"),
    )

    def rules(self, inputs: Properties) -> Mapping[str, str]:
        broken = engine_rule(inputs)
        passwords = inputs.get("passwords")
        if isinstance(passwords, list) and len(passwords) > _MOST_PASSWORDS:
            error = ConfigError("passwords", len(passwords), "at most 2", "leave old ones out")
            broken["passwords"] = str(error)
        elif isinstance(passwords, list) and any(
            isinstance(item, str) and len(item) not in _PASSWORD_CHARACTERS for item in passwords
        ):
            rule = "16 to 128 characters each"
            broken["passwords"] = str(ConfigError("passwords", "[secret]", rule, "correct them"))
        return broken

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        fields = {
            "accessString": "AccessString",
            "engine": "Engine",
            "noPasswordRequired": "NoPasswordRequired",
            "passwords": "Passwords",
            "userId": "UserId",
            "userName": "UserName",
        }
        made = api.create_user(**picked(inputs, fields), **_mode(inputs), **self.tags_for(inputs))
        return str(made["UserId"])

    def describe(self, api: Api, id: str) -> Answer:
        answer = found_or_none(lambda: api.describe_users(UserId=id), "UserNotFound")
        return first(answer, "Users")

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        user = self.describe(api, id)
        if user is None or user.get("Status") == "deleting":
            return None
        there = user.get("Authentication") or {}
        mode = {"type": there.get("Type"), "passwordCount": there.get("PasswordCount", 0)}
        passwords = (known.get("authenticationMode") or {}).get("passwords")
        return {
            "arn": user["ARN"],
            "accessString": user["AccessString"],
            "authenticationMode": _shown(known, {**mode, "passwords": passwords}),
            "engine": user["Engine"],
            "userId": user["UserId"],
            "userName": user["UserName"],
            "tagsAll": self.tags_of(api, user["ARN"]),
        }

    def read(self, stored: Any, context: Context) -> Any:  # noqa: ANN401 (as in the base)
        # Somebody may be changing it; its tags cannot be told until that is over.
        api = self.api(stored.outputs)
        user = self.describe(api, stored.id)
        if user is not None and user.get("Status") == "modifying":
            self.until_ready(api, stored.id, context)
        return super().read(stored, context)

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        fields = {
            "accessString": "AccessString",
            "engine": "Engine",
            "noPasswordRequired": "NoPasswordRequired",
            "passwords": "Passwords",
        }
        arguments = change.picked(fields)
        if change.touches("authenticationMode"):
            arguments |= _mode(change.new)
        if arguments:
            api.modify_user(UserId=id, **arguments)
            self.until_ready(api, id, context)

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        if gone_is_fine(lambda: api.delete_user(UserId=id), "UserNotFound"):
            self.until_gone(api, id, context)


class UserGroup(AwaitedResource):
    """``aws.elasticache.UserGroup``, the only owner of its members."""

    ready = "active"
    create_seconds = update_seconds = delete_seconds = 600.0
    shape = Shape(
        token="aws:elasticache/userGroup:UserGroup",
        label="ElastiCache User Group",
        inputs=names("engine userGroupId userIds"),
        required=names("engine userGroupId"),
        replace_on=names("userGroupId"),
        computed=names("arn"),
        sets=names("userIds"),
        caseless=names("engine"),
    )

    def rules(self, inputs: Properties) -> Mapping[str, str]:
        return engine_rule(inputs)

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        fields = {"engine": "Engine", "userGroupId": "UserGroupId", "userIds": "UserIds"}
        made = api.create_user_group(**picked(inputs, fields), **self.tags_for(inputs))
        return str(made["UserGroupId"])

    def describe(self, api: Api, id: str) -> Answer:
        call = {"UserGroupId": id}
        answer = found_or_none(lambda: api.describe_user_groups(**call), "UserGroupNotFound")
        return first(answer, "UserGroups")

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        group = self.describe(api, id)
        if group is None or group.get("Status") == "deleting":
            return None
        return {
            "arn": group["ARN"],
            "engine": group["Engine"],
            "userGroupId": group["UserGroupId"],
            "userIds": list(group.get("UserIds", ())) or ([] if "userIds" in known else None),
            "tagsAll": self.tags_of(api, group["ARN"]),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        arguments = change.picked({"engine": "Engine"})
        if change.touches("userIds"):
            add, drop = change.moved("userIds")
            arguments |= {"UserIdsToAdd": add} if add else {}
            arguments |= {"UserIdsToRemove": drop} if drop else {}
        if arguments:
            api.modify_user_group(UserGroupId=id, **arguments)
            self.until_ready(api, id, context)

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        if gone_is_fine(lambda: api.delete_user_group(UserGroupId=id), "UserGroupNotFound"):
            self.until_gone(api, id, context)


def engine_rule(inputs: Properties) -> dict[str, str]:
    """Engines, in any case of letters."""
    engine = inputs.get("engine")
    if not is_known(engine) or engine is None or str(engine).lower() in ENGINES:
        return {}
    rule = f"one of {', '.join(ENGINES)}"
    return {"engine": str(ConfigError("engine", engine, rule, "correct it"))}


def _mode(inputs: Properties) -> dict[str, Any]:
    mode = inputs.get("authenticationMode")
    if not mode:
        return {}
    passwords = {"Passwords": mode["passwords"]} if mode.get("passwords") else {}
    return {"AuthenticationMode": {"Type": mode["type"], **passwords}}


def _shown(known: Properties, mode: Properties) -> Properties:
    # AWS's words for what was asked: "no-password-required" in, "no-password" out.
    wanted = known.get("authenticationMode") or {}
    kind, asked = mode["type"], wanted.get("type")
    alike = asked is not None and kind is not None and str(asked).startswith(str(kind))
    shown = {**mode, "type": asked if alike else kind}
    return {name: value for name, value in shown.items() if value is not None}
