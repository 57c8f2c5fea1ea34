"""ElastiCache's serverless caches."""

from __future__ import annotations

from typing import Any, Final

from provider.diffs import DiffResult, PropertyChange
from provider.resource import Context, Stored
from provider.values import Properties, is_known
from tests.standin.aws.base import Change, picked
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.names import NameRule
from tests.standin.aws.services.ec2 import first
from tests.standin.aws.services.elasticache import AwaitedResource
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import found_or_none, gone_is_fine, retried

_BUSY_SECONDS: Final = 300.0
_GONE: Final = "ServerlessCacheNotFound"
_MODIFY: Final = {
    "dailySnapshotTime": "DailySnapshotTime",
    "description": "Description",
    "engine": "Engine",
    "majorEngineVersion": "MajorEngineVersion",
    "securityGroupIds": "SecurityGroupIds",
    "snapshotRetentionLimit": "SnapshotRetentionLimit",
    "userGroupId": "UserGroupId",
}
_CREATE: Final = {
    **_MODIFY,
    "kmsKeyId": "KmsKeyId",
    "name": "ServerlessCacheName",
    "networkType": "NetworkType",
    "snapshotArnsToRestores": "SnapshotArnsToRestore",
    "subnetIds": "SubnetIds",
}


class ServerlessCache(AwaitedResource):
    """``aws.elasticache.ServerlessCache``. Its id is its name; no final snapshot."""

    busy = ("creating", "deleting", "modifying")
    leaving = ()
    create_seconds = delete_seconds = 2400.0
    update_seconds = 4800.0
    shape = Shape(
        token="aws:elasticache/serverlessCache:ServerlessCache",
        label="ElastiCache Serverless Cache",
        inputs=frozenset(_CREATE) | names("cacheUsageLimits"),
        required=names("engine"),
        replace_on=names("kmsKeyId networkType snapshotArnsToRestores subnetIds"),
        kept=names(
            "dailySnapshotTime description majorEngineVersion networkType securityGroupIds "
            "snapshotRetentionLimit subnetIds"
        ),
        ours=names("snapshotArnsToRestores"),
        computed=names("arn createTime endpoints fullEngineVersion readerEndpoints status"),
        volatile=names("fullEngineVersion"),
        sets=names("securityGroupIds subnetIds"),
        caseless=names("name"),
        name=NameRule(),
    )

    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:
        result = super().diff(stored, inputs, context)
        found = dict(result.changes)
        for name in ("engine", "majorEngineVersion"):
            if name in found and _steps_back(name, stored.outputs, inputs):
                found[name] = PropertyChange(found[name].kind.replacing, found[name].is_input)
        return DiffResult(found, result.stables, result.delete_before_replace)

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        made = api.create_serverless_cache(
            **picked(inputs, _CREATE), **_limits(inputs), **self.tags_for(inputs)
        )
        return str(made["ServerlessCache"]["ServerlessCacheName"])

    def describe(self, api: Api, id: str) -> Answer:
        call = {"ServerlessCacheName": id}
        answer = found_or_none(lambda: api.describe_serverless_caches(**call), _GONE)
        return first(answer, "ServerlessCaches")

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        cache = self.describe(api, id)
        if cache is None or str(cache.get("Status")).lower() == "deleting":
            return None
        limits = _shown_limits(cache.get("CacheUsageLimits") or {})
        return {
            "arn": cache["ARN"],
            "name": cache["ServerlessCacheName"],
            "cacheUsageLimits": limits if limits or "cacheUsageLimits" in known else None,
            "createTime": _time(cache.get("CreateTime")),
            "dailySnapshotTime": cache.get("DailySnapshotTime"),
            "description": cache.get("Description") or None,
            "endpoints": _endpoint(cache.get("Endpoint")),
            "engine": cache["Engine"],
            "fullEngineVersion": cache.get("FullEngineVersion"),
            "kmsKeyId": cache.get("KmsKeyId"),
            "majorEngineVersion": cache.get("MajorEngineVersion"),
            "networkType": cache.get("NetworkType"),
            "readerEndpoints": _endpoint(cache.get("ReaderEndpoint")),
            "securityGroupIds": list(cache.get("SecurityGroupIds") or ()) or None,
            "snapshotRetentionLimit": cache.get("SnapshotRetentionLimit") or 0,
            "status": cache["Status"],
            "subnetIds": list(cache.get("SubnetIds") or ()) or None,
            "userGroupId": cache.get("UserGroupId"),
            "tagsAll": self.tags_of(api, cache["ARN"]),
        }

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        if not change.names:
            return
        arguments = change.picked(_MODIFY)
        if change.touches("engine", "majorEngineVersion"):
            both = {"engine": "Engine", "majorEngineVersion": "MajorEngineVersion"}
            arguments |= picked(change.new, both)
        if change.touches("cacheUsageLimits"):
            arguments |= _limits(change.new)
        if change.touches("userGroupId") and not change.new.get("userGroupId"):
            arguments["RemoveUserGroup"] = True
        if arguments:
            api.modify_serverless_cache(ServerlessCacheName=id, **arguments)
            self.until_ready(api, id, context)

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        def delete() -> bool:
            return gone_is_fine(lambda: api.delete_serverless_cache(ServerlessCacheName=id), _GONE)

        busy = ("DependencyViolation", "InvalidServerlessCacheState")
        if retried(context, delete, busy, seconds=_BUSY_SECONDS):
            self.until_gone(api, id, context)


def _steps_back(name: str, old: Properties, new: Properties) -> bool:
    was, wanted = old.get(name), new.get(name)
    if not is_known(wanted) or was is None or wanted is None:
        return False
    if name == "engine":
        return str(was).lower() == "valkey"
    same = old.get("engine") == new.get("engine")
    return same and float(str(wanted)) < float(str(was))


def _limits(inputs: Properties) -> dict[str, Any]:
    limits = inputs.get("cacheUsageLimits")
    if not limits:
        return {}
    bounds = {"maximum": "Maximum", "minimum": "Minimum"}
    told: dict[str, Any] = {}
    if limits.get("dataStorage"):
        told["DataStorage"] = picked(limits["dataStorage"], {**bounds, "unit": "Unit"})
    for units in limits.get("ecpuPerSeconds") or ():
        told["ECPUPerSecond"] = picked(units, bounds)
    return {"CacheUsageLimits": told}


def _shown_limits(limits: Answer) -> Properties:
    def bounds(item: Answer) -> Properties:
        fields = {"maximum": "Maximum", "minimum": "Minimum", "unit": "Unit"}
        return {name: item[field] for name, field in fields.items() if item.get(field) is not None}

    found: Properties = {}
    if limits.get("DataStorage"):
        found["dataStorage"] = bounds(limits["DataStorage"])
    if limits.get("ECPUPerSecond"):
        found["ecpuPerSeconds"] = [bounds(limits["ECPUPerSecond"])]
    return found


def _endpoint(endpoint: Answer) -> list[Properties]:
    return [{"address": endpoint["Address"], "port": endpoint["Port"]}] if endpoint else []


def _time(value: Answer) -> str | None:
    return None if value is None else str(getattr(value, "isoformat", lambda: value)())
