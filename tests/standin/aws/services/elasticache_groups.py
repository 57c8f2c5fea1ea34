"""ElastiCache's subnet groups and parameter groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from provider.resource import Context
from provider.values import Properties
from tests.standin.aws.base import Change
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.names import NameRule
from tests.standin.aws.services.ec2 import first
from tests.standin.aws.services.elasticache import ElastiCacheResource
from tests.standin.aws.shape import MANAGED, Shape, names
from tests.standin.aws.waiting import found_or_none, gone_is_fine, retried

_MOST_PARAMETERS: Final = 20
_SUBNET_SECONDS: Final = 300.0
_PARAMETER_SECONDS: Final = 180.0


class SubnetGroup(ElastiCacheResource):
    """``aws.elasticache.SubnetGroup``. Its id is its name."""

    shape = Shape(
        token="aws:elasticache/subnetGroup:SubnetGroup",
        label="ElastiCache Subnet Group",
        inputs=names("description name subnetIds"),
        required=names("subnetIds"),
        computed=names("arn vpcId"),
        defaults={"description": MANAGED},
        sets=names("subnetIds"),
        caseless=names("name"),
        name=NameRule(),
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        made = api.create_cache_subnet_group(
            CacheSubnetGroupName=inputs["name"],
            CacheSubnetGroupDescription=inputs["description"],
            SubnetIds=inputs["subnetIds"],
            **self.tags_for(inputs),
        )
        return str(made["CacheSubnetGroup"]["CacheSubnetGroupName"])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        call = {"CacheSubnetGroupName": id}
        answer = found_or_none(
            lambda: api.describe_cache_subnet_groups(**call), "CacheSubnetGroupNotFound"
        )
        group = first(answer, "CacheSubnetGroups")
        if group is None:
            return None
        return {
            "arn": group["ARN"],
            "name": group["CacheSubnetGroupName"],
            "description": group["CacheSubnetGroupDescription"],
            "subnetIds": [item["SubnetIdentifier"] for item in group.get("Subnets", ())],
            "vpcId": group.get("VpcId"),
            "tagsAll": self.tags_of(api, group["ARN"]),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        if change.names:
            api.modify_cache_subnet_group(
                CacheSubnetGroupName=id,
                CacheSubnetGroupDescription=change.new["description"],
                SubnetIds=change.new["subnetIds"],
            )

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        def delete() -> bool:
            return gone_is_fine(
                lambda: api.delete_cache_subnet_group(CacheSubnetGroupName=id),
                "CacheSubnetGroupNotFound",
            )

        retried(
            context,
            delete,
            ("DependencyViolation", "CacheSubnetGroupInUse"),
            seconds=_SUBNET_SECONDS,
        )


class ParameterGroup(ElastiCacheResource):
    """``aws.elasticache.ParameterGroup``. Its id is its name; parameters change in place."""

    shape = Shape(
        token="aws:elasticache/parameterGroup:ParameterGroup",
        label="ElastiCache Parameter Group",
        inputs=names("description family name parameters"),
        required=names("family"),
        replace_on=names("description family"),
        computed=names("arn"),
        defaults={"description": MANAGED},
        sets=names("parameters"),
        caseless=names("name"),
        name=NameRule(),
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        made = api.create_cache_parameter_group(
            CacheParameterGroupName=inputs["name"],
            CacheParameterGroupFamily=inputs["family"],
            Description=inputs["description"],
            **self.tags_for(inputs),
        )
        return str(made["CacheParameterGroup"]["CacheParameterGroupName"])

    def settle(self, api: Api, id: str, inputs: Properties, context: Context) -> None:
        self._send(api.modify_cache_parameter_group, id, _pairs(inputs.get("parameters")))

    def _send(self, call: Callable[..., Answer], id: str, pairs: Mapping[str, str]) -> None:
        for batch in batches(pairs):
            call(CacheParameterGroupName=id, ParameterNameValues=batch)

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        call = {"CacheParameterGroupName": id}
        answer = found_or_none(
            lambda: api.describe_cache_parameter_groups(**call), "CacheParameterGroupNotFound"
        )
        group = first(answer, "CacheParameterGroups")
        if group is None:
            return None
        changed = api.describe_cache_parameters(CacheParameterGroupName=id, Source="user")
        parameters = [
            {"name": item["ParameterName"].lower(), "value": item["ParameterValue"]}
            for item in changed["Parameters"]
            if item.get("ParameterValue") is not None
        ]
        return {
            "arn": group["ARN"],
            "name": group["CacheParameterGroupName"],
            "family": group["CacheParameterGroupFamily"],
            "description": group["Description"],
            "parameters": parameters if parameters or "parameters" in known else None,
            "tagsAll": self.tags_of(api, group["ARN"]),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        if change.touches("parameters"):
            old, new = _pairs(change.old.get("parameters")), _pairs(change.new.get("parameters"))
            dropped = {name: value for name, value in old.items() if name not in new}
            put = {name: value for name, value in new.items() if old.get(name) != value}
            self._send(api.reset_cache_parameter_group, id, dropped)
            self._send(api.modify_cache_parameter_group, id, put)

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        def delete() -> bool:
            return gone_is_fine(
                lambda: api.delete_cache_parameter_group(CacheParameterGroupName=id),
                "CacheParameterGroupNotFound",
            )

        retried(context, delete, ("InvalidCacheParameterGroupState",), seconds=_PARAMETER_SECONDS)


def batches(pairs: Mapping[str, str]) -> Iterator[list[dict[str, str]]]:
    """Parameters as the API takes them, at most 20 a call."""
    items = [
        {"ParameterName": name, "ParameterValue": value} for name, value in sorted(pairs.items())
    ]
    for start in range(0, len(items), _MOST_PARAMETERS):
        yield items[start : start + _MOST_PARAMETERS]


def _pairs(parameters: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    return {item["name"]: item["value"] for item in parameters or ()}
