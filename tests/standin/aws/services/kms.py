"""KMS: keys, which go in days, and their aliases."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from holdfast.errors import ConfigError
from provider.resource import Context
from provider.values import Properties, is_known
from tests.standin.aws.base import AwsResource, Change, picked
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.names import NameRule
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import GONE, found_or_none, gone_is_fine, until

_GONE: Final = ("NotFoundException", "NotFound")
_WAIT_SECONDS: Final = 120.0
_WINDOW_DAYS: Final = range(7, 31)
_DEFAULT_WINDOW_DAYS: Final = 30


class Key(AwsResource):
    """``aws.kms.Key``, symmetric. Deleting it schedules that; AWS deletes it days later."""

    service = "kms"
    shape = Shape(
        token="aws:kms/key:Key",
        label="KMS Key",
        inputs=names(
            "bypassPolicyLockoutSafetyCheck customerMasterKeySpec deletionWindowInDays description "
            "enableKeyRotation isEnabled keyUsage multiRegion policy rotationPeriodInDays"
        ),
        replace_on=names("customerMasterKeySpec keyUsage multiRegion"),
        kept=names("description multiRegion policy rotationPeriodInDays"),
        ours=names("bypassPolicyLockoutSafetyCheck deletionWindowInDays"),
        computed=names("arn keyId"),
        defaults={
            "bypassPolicyLockoutSafetyCheck": False,
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "enableKeyRotation": False,
            "isEnabled": True,
            "keyUsage": "ENCRYPT_DECRYPT",
        },
        documents=names("policy"),
    )

    def rules(self, inputs: Properties) -> Mapping[str, str]:
        days = inputs.get("deletionWindowInDays")
        if days is None or not is_known(days) or days in _WINDOW_DAYS:
            return {}
        error = ConfigError("deletionWindowInDays", days, "7 to 30 days", "correct it")
        return {"deletionWindowInDays": str(error)}

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        fields = {
            "bypassPolicyLockoutSafetyCheck": "BypassPolicyLockoutSafetyCheck",
            "customerMasterKeySpec": "KeySpec",
            "description": "Description",
            "keyUsage": "KeyUsage",
            "multiRegion": "MultiRegion",
            "policy": "Policy",
        }
        made = api.create_key(**picked(inputs, fields), Tags=_tag_list(inputs.get("tagsAll") or {}))
        return str(made["KeyMetadata"]["KeyId"])

    def settle(self, api: Api, id: str, inputs: Properties, context: Context) -> None:
        if inputs["enableKeyRotation"]:
            self._rotate(api, id, inputs)
        if not inputs["isEnabled"]:
            api.disable_key(KeyId=id)

    def _rotate(self, api: Api, id: str, inputs: Properties) -> None:
        period = picked(inputs, {"rotationPeriodInDays": "RotationPeriodInDays"})
        api.enable_key_rotation(KeyId=id, **period)

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        answer = found_or_none(lambda: api.describe_key(KeyId=id), *_GONE)
        if answer is None or answer["KeyMetadata"]["KeyState"] == "PendingDeletion":
            return None
        key = answer["KeyMetadata"]
        rotation = api.get_key_rotation_status(KeyId=id)
        tags = api.list_resource_tags(KeyId=id).get("Tags", ())
        found = {
            "arn": key["Arn"],
            "keyId": key["KeyId"],
            "customerMasterKeySpec": key.get("KeySpec") or key.get("CustomerMasterKeySpec"),
            "description": key.get("Description") or "",
            "enableKeyRotation": bool(rotation["KeyRotationEnabled"]),
            "isEnabled": bool(key["Enabled"]),
            "keyUsage": key["KeyUsage"],
            "multiRegion": bool(key.get("MultiRegion")),
            "policy": api.get_key_policy(KeyId=id, PolicyName="default")["Policy"],
            "tagsAll": {item["TagKey"]: item["TagValue"] for item in tags},
        }
        if rotation.get("RotationPeriodInDays"):
            found["rotationPeriodInDays"] = rotation["RotationPeriodInDays"]
        return found

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        new = change.new
        if change.touches("isEnabled") and new["isEnabled"]:
            api.enable_key(KeyId=id)
        if change.touches("enableKeyRotation", "rotationPeriodInDays"):
            if new["enableKeyRotation"]:
                self._rotate(api, id, new)
            else:
                api.disable_key_rotation(KeyId=id)
        if change.touches("description"):
            api.update_key_description(KeyId=id, Description=new.get("description") or "")
        if change.touches("policy"):
            bypass = new["bypassPolicyLockoutSafetyCheck"]
            api.put_key_policy(
                KeyId=id,
                PolicyName="default",
                Policy=new["policy"],
                BypassPolicyLockoutSafetyCheck=bypass,
            )
        if change.touches("isEnabled") and not new["isEnabled"]:
            api.disable_key(KeyId=id)

    def retag(
        self,
        api: Api,
        id: str,
        known: Properties,
        put: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        if drop:
            api.untag_resource(KeyId=id, TagKeys=list(drop))
        if put:
            api.tag_resource(KeyId=id, Tags=_tag_list(put))

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        if self._state(api, id) in (GONE, "PendingDeletion"):
            return
        days = known.get("deletionWindowInDays") or _DEFAULT_WINDOW_DAYS
        api.schedule_key_deletion(KeyId=id, PendingWindowInDays=days)
        until(
            context,
            f"waiting for KMS Key ({id}) delete",
            lambda: self._state(api, id),
            wanted=("PendingDeletion", GONE),
            pending=("Disabled", "Enabled"),
            seconds=_WAIT_SECONDS,
        )

    def _state(self, api: Api, id: str) -> str:
        answer = found_or_none(lambda: api.describe_key(KeyId=id), *_GONE)
        return str(answer["KeyMetadata"]["KeyState"]) if answer else GONE


class Alias(AwsResource):
    """``aws.kms.Alias``. Its id is its name."""

    service = "kms"
    shape = Shape(
        token="aws:kms/alias:Alias",
        label="KMS Alias",
        inputs=names("name namePrefix targetKeyId"),
        required=names("targetKeyId"),
        ours=names("namePrefix"),
        computed=names("arn targetKeyArn"),
        volatile=names("targetKeyArn"),
        conflicts=(("name", "namePrefix"),),
        name=NameRule(limit=238, head="alias/", prefix_property="namePrefix"),
        tagged=False,
    )

    def rules(self, inputs: Properties) -> Mapping[str, str]:
        name = inputs.get("name")
        if not isinstance(name, str) or name.startswith("alias/"):
            return {}
        return {"name": str(ConfigError("name", name, "begins with alias/", "put alias/ first"))}

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        api.create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return str(inputs["name"])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        alias = self._describe(api, id)
        if alias is None or not alias.get("TargetKeyId"):
            return None
        target, arn = str(alias["TargetKeyId"]), str(alias["AliasArn"])
        key_arn = arn[: arn.rindex("alias/")] + f"key/{target}"
        wanted = known.get("targetKeyId")
        return {
            "arn": arn,
            "name": id,
            # An ARN and an id of one key mean the same.
            "targetKeyId": wanted if wanted in (target, key_arn) else target,
            "targetKeyArn": key_arn,
        }

    def _describe(self, api: Api, id: str) -> Answer:
        for page in api.get_paginator("list_aliases").paginate():
            for alias in page["Aliases"]:
                if alias["AliasName"] == id:
                    return alias
        return None

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        if change.touches("targetKeyId"):
            api.update_alias(AliasName=id, TargetKeyId=change.new["targetKeyId"])

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        gone_is_fine(lambda: api.delete_alias(AliasName=id), *_GONE)


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in sorted(tags.items())]
