"""CloudWatch Logs: log groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from holdfast.errors import ConfigError
from provider.resource import Context
from provider.values import Properties, is_known
from tests.standin.aws.base import AwsResource, Change, picked
from tests.standin.aws.boto import Api
from tests.standin.aws.names import NameRule
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import gone_is_fine

RETENTION_DAYS: Final = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Days that AWS takes; 0 keeps everything. moto takes any number."""

_GONE: Final = "ResourceNotFound"


class LogGroup(AwsResource):
    """``aws.cloudwatch.LogGroup``. Its id is its name."""

    service = "logs"
    shape = Shape(
        token="aws:cloudwatch/logGroup:LogGroup",
        label="CloudWatch Logs Log Group",
        inputs=names("kmsKeyId logGroupClass name namePrefix retentionInDays skipDestroy"),
        replace_on=names("logGroupClass"),
        kept=names("logGroupClass"),
        ours=names("skipDestroy namePrefix"),
        computed=names("arn"),
        defaults={"retentionInDays": 0, "skipDestroy": False},
        conflicts=(("name", "namePrefix"),),
        name=NameRule(prefix_property="namePrefix"),
    )

    def rules(self, inputs: Properties) -> Mapping[str, str]:
        days = inputs["retentionInDays"]
        if not is_known(days) or days in RETENTION_DAYS:
            return {}
        rule = f"one of {', '.join(map(str, RETENTION_DAYS))}"
        return {"retentionInDays": str(ConfigError("retentionInDays", days, rule, "correct it"))}

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        fields = {"name": "logGroupName", "kmsKeyId": "kmsKeyId", "logGroupClass": "logGroupClass"}
        tags = {"tags": inputs["tagsAll"]} if inputs.get("tagsAll") else {}
        api.create_log_group(**picked(inputs, fields), **tags)
        return str(inputs["name"])

    def settle(self, api: Api, id: str, inputs: Properties, context: Context) -> None:
        if inputs["retentionInDays"]:
            self._retain(api, id, inputs["retentionInDays"])

    def _retain(self, api: Api, id: str, days: int) -> None:
        if days:
            api.put_retention_policy(logGroupName=id, retentionInDays=days)
        else:
            api.delete_retention_policy(logGroupName=id)

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        groups = api.describe_log_groups(logGroupNamePrefix=id)["logGroups"]
        group = next((item for item in groups if item["logGroupName"] == id), None)
        if group is None:
            return None
        arn = str(group["arn"]).removesuffix(":*")
        found = {
            "arn": arn,
            "name": id,
            "kmsKeyId": group.get("kmsKeyId"),
            "retentionInDays": group.get("retentionInDays") or 0,
            "tagsAll": api.list_tags_for_resource(resourceArn=arn).get("tags", {}),
        }
        if group.get("logGroupClass"):
            found["logGroupClass"] = group["logGroupClass"]
        return found

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        if change.touches("retentionInDays"):
            self._retain(api, id, change.new["retentionInDays"])
        if change.touches("kmsKeyId"):
            key = change.new.get("kmsKeyId")
            if key:
                api.associate_kms_key(logGroupName=id, kmsKeyId=key)
            else:
                api.disassociate_kms_key(logGroupName=id)

    def retag(
        self,
        api: Api,
        id: str,
        known: Properties,
        put: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        if drop:
            api.untag_resource(resourceArn=known["arn"], tagKeys=list(drop))
        if put:
            api.tag_resource(resourceArn=known["arn"], tags=dict(put))

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        if not known.get("skipDestroy"):
            gone_is_fine(lambda: api.delete_log_group(logGroupName=id), _GONE)
