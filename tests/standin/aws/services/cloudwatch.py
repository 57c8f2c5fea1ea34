"""CloudWatch: alarms on one metric."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from provider.resource import Context
from provider.values import Properties
from tests.standin.aws.base import AwsResource, Change, picked
from tests.standin.aws.boto import Api
from tests.standin.aws.names import NameRule
from tests.standin.aws.services.ec2 import tag_list, tag_map
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import gone_is_fine


class MetricAlarm(AwsResource):
    """``aws.cloudwatch.MetricAlarm`` of one metric, not of an expression. Its id is its name."""

    service = "cloudwatch"
    _fields: Final = {
        "actionsEnabled": "ActionsEnabled",
        "alarmActions": "AlarmActions",
        "alarmDescription": "AlarmDescription",
        "comparisonOperator": "ComparisonOperator",
        "datapointsToAlarm": "DatapointsToAlarm",
        "evaluationPeriods": "EvaluationPeriods",
        "extendedStatistic": "ExtendedStatistic",
        "insufficientDataActions": "InsufficientDataActions",
        "metricName": "MetricName",
        "name": "AlarmName",
        "namespace": "Namespace",
        "okActions": "OKActions",
        "period": "Period",
        "statistic": "Statistic",
        "threshold": "Threshold",
        "treatMissingData": "TreatMissingData",
        "unit": "Unit",
    }
    shape = Shape(
        token="aws:cloudwatch/metricAlarm:MetricAlarm",
        label="CloudWatch Metric Alarm",
        inputs=names("dimensions") | set(_fields),
        required=names("comparisonOperator evaluationPeriods metricName namespace"),
        computed=names("arn"),
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        sets=names("alarmActions insufficientDataActions okActions"),
        conflicts=(("statistic", "extendedStatistic"),),
        name=NameRule(),
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        self._put(api, inputs, {"Tags": tag_list(inputs.get("tagsAll"))})
        return str(inputs["name"])

    def _put(self, api: Api, inputs: Properties, more: Mapping[str, object]) -> None:
        dimensions = [
            {"Name": key, "Value": value}
            for key, value in sorted((inputs.get("dimensions") or {}).items())
        ]
        api.put_metric_alarm(**picked(inputs, self._fields), Dimensions=dimensions, **more)

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        alarms = api.describe_alarms(AlarmNames=[id])["MetricAlarms"]
        if not alarms:
            return None
        alarm = alarms[0]
        arn = alarm["AlarmArn"]
        found = {name: alarm.get(field) for name, field in self._fields.items()}
        for name in ("alarmActions", "insufficientDataActions", "okActions"):
            found[name] = found[name] or ([] if name in known else None)
        dimensions = {item["Name"]: item["Value"] for item in alarm.get("Dimensions", ())}
        return {
            **found,
            "arn": arn,
            "dimensions": dimensions or None,
            "treatMissingData": alarm.get("TreatMissingData") or "missing",
            "tagsAll": tag_map(api.list_tags_for_resource(ResourceARN=arn).get("Tags")),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        if change.names:
            self._put(api, change.new, {})

    def retag(
        self,
        api: Api,
        id: str,
        known: Properties,
        put: Mapping[str, str],
        drop: Collection[str],
    ) -> None:
        if drop:
            api.untag_resource(ResourceARN=known["arn"], TagKeys=list(drop))
        if put:
            api.tag_resource(ResourceARN=known["arn"], Tags=tag_list(put))

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        gone_is_fine(lambda: api.delete_alarms(AlarmNames=[id]), "ResourceNotFound")
