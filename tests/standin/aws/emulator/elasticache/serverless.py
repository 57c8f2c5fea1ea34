"""Serverless caches."""

from __future__ import annotations

import re
from typing import Any, Final

from tests.standin.aws.dataplane.api import Endpoint, ServerlessSpec
from tests.standin.aws.dataplane.endpoints import serverless_endpoints
from tests.standin.aws.emulator.elasticache import (
    group_rules,
    names,
    network,
    serverless_snapshots,
    tagging,
    user_groups,
    versions,
)
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result, page
from tests.standin.aws.emulator.elasticache.faults import conflicting, fault, invalid
from tests.standin.aws.emulator.elasticache.lookup import SERVERLESS_KIND as KIND
from tests.standin.aws.emulator.elasticache.lookup import find_serverless as find
from tests.standin.aws.emulator.elasticache.lookup import require_serverless as require
from tests.standin.aws.emulator.elasticache.state import Serverless

_STORAGE, _REQUESTS = "DataStorage", "ECPUPerSecond"
_RANGES: Final = {_STORAGE: (1, 5000), _REQUESTS: (1000, 15_000_000)}
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_FEWEST_SUBNETS, _MOST_SUBNETS = 2, 3
_GB: Final = 1024**3


def create_serverless_cache(control: Control, params: Params) -> Result:
    """``CreateServerlessCache``."""
    name = names.identifier("ServerlessCacheName", params["ServerlessCacheName"])
    if name in control.serverless:
        raise fault("ServerlessCacheAlreadyExistsFault", f"Serverless cache {name} exists already.")
    versions.check_engine(params["Engine"])
    major = params.get("MajorEngineVersion", versions.SERVERLESS_MAJORS[-1])
    names.one_of("MajorEngineVersion", major, versions.SERVERLESS_MAJORS)
    for part in ("NetworkType", "ConnectionType", "Integrations"):
        if params.get(part) not in (None, "ipv4", "vpc", []):
            raise invalid(f"The emulator does not offer {part}={params[part]!r}.")
    subnets = list(params.get("SubnetIds") or network.find(control, "default").zones)
    vpc, _ = network.subnets(control, subnets)
    if not _FEWEST_SUBNETS <= len(subnets) <= _MOST_SUBNETS and params.get("SubnetIds"):
        raise invalid(f"SubnetIds has {_FEWEST_SUBNETS} to {_MOST_SUBNETS} subnets.")
    groups = network.check_security_groups(control, params.get("SecurityGroupIds") or (), vpc)
    attached = user_groups.attachable(control, filter(None, [params.get("UserGroupId")]))
    limits = _limits(params.get("CacheUsageLimits") or {})
    restore = serverless_snapshots.folder_to_restore(control, params)
    name_hash = names.name_hash()
    cache = Serverless(
        name=name,
        description=params.get("Description", ""),
        arn=control.arn("serverlesscache", name),
        name_hash=name_hash,
        major_version=major,
        limits=limits,
        kms_key=network.check_key(control, params.get("KmsKeyId")),
        security_groups=groups or network.default_security_group(control, vpc),
        subnets=subnets,
        user_group=attached[0] if attached else None,
        snapshot_retention=group_rules.retention(params.get("SnapshotRetentionLimit", 0)),
        snapshot_time=_snapshot_time(params.get("DailySnapshotTime")),
        endpoints=serverless_endpoints(name, region=control.region, name_hash=name_hash),
    )
    control.serverless[name] = cache
    tagging.set_tags(control, cache.arn, params)

    def work() -> None:
        with control.lock:
            users = control.users_of([cache.user_group] if cache.user_group else [])
        size = limits.get(_STORAGE, {}).get("Maximum")
        spec = ServerlessSpec(
            name=name,
            region=control.region,
            name_hash=name_hash,
            major_engine_version=major,
            users=users,
            max_bytes=size * _GB if size else None,
            restore_from=restore,
        )
        endpoints = control.plane.create_serverless(spec)
        with control.lock:
            cache.endpoints = endpoints

    def done() -> None:
        cache.status = "available"
        control.note(name, KIND, f"Serverless cache {name} created")

    def failed() -> None:
        cache.status = "create-failed"
        control.note(name, KIND, f"Serverless cache {name} could not be created")

    control.later(
        f"create {name}", stores=[f"serverless/{name}"], work=work, done=done, failed=failed
    )
    return {"ServerlessCache": show(cache)}


def modify_serverless_cache(control: Control, params: Params) -> Result:
    """``ModifyServerlessCache``: what is not given stays."""
    cache = find(control, params["ServerlessCacheName"])
    require(cache)
    versions.check_engine(params.get("Engine", versions.ENGINE))
    major = names.one_of(
        "MajorEngineVersion",
        params.get("MajorEngineVersion", cache.major_version),
        versions.SERVERLESS_MAJORS,
    )
    if int(major) < int(cache.major_version):
        raise conflicting(f"Cannot downgrade from {cache.major_version} to {major}.")
    if major != cache.major_version:
        raise invalid("The emulator does not upgrade a serverless cache.")
    if params.get("RemoveUserGroup") and params.get("UserGroupId"):
        raise conflicting("Give UserGroupId or RemoveUserGroup, not both.")
    wanted = cache.user_group
    if params.get("RemoveUserGroup"):
        wanted = None
    elif params.get("UserGroupId"):
        wanted = user_groups.attachable(control, [params["UserGroupId"]])[0]
    limits = cache.limits
    if "CacheUsageLimits" in params:
        limits = cache.limits | _limits(params["CacheUsageLimits"])
    security_groups = cache.security_groups
    if params.get("SecurityGroupIds"):
        vpc, _ = network.subnets(control, cache.subnets)
        security_groups = network.check_security_groups(control, params["SecurityGroupIds"], vpc)
    retention = group_rules.retention(
        params.get("SnapshotRetentionLimit", cache.snapshot_retention)
    )
    when = _snapshot_time(params.get("DailySnapshotTime", cache.snapshot_time))
    cache.description = params.get("Description", cache.description)
    cache.limits, cache.security_groups = limits, security_groups
    cache.snapshot_retention, cache.snapshot_time = retention, when
    changed = wanted != cache.user_group
    cache.status, cache.user_group = "modifying", wanted
    store = f"serverless/{cache.name}"

    def done() -> None:
        cache.status = "available"
        control.note(cache.name, KIND, f"Serverless cache {cache.name} modified")

    control.later(
        f"modify {cache.name}",
        stores=[store],
        work=lambda: control.push_users([store] if changed else []),
        done=done,
        failed=lambda: control.note(cache.name, KIND, "Modification failed"),
    )
    return {"ServerlessCache": show(cache)}


def delete_serverless_cache(control: Control, params: Params) -> Result:
    """``DeleteServerlessCache``."""
    cache = find(control, params["ServerlessCacheName"])
    require(cache, ("available", "create-failed"))
    name = params.get("FinalSnapshotName")
    final = serverless_snapshots.planned(control, cache, name, None) if name else None
    had_servers = cache.status != "create-failed"
    cache.status = "deleting"

    def work() -> None:
        if final is not None:
            control.plane.snapshot_serverless(cache.name, final.folder)
        if had_servers:
            control.plane.delete_serverless(cache.name)

    def done() -> None:
        if final is not None:
            final.status = "available"
        control.serverless.pop(cache.name, None)
        control.tags.pop(cache.arn, None)
        control.note(cache.name, KIND, f"Serverless cache {cache.name} deleted")

    control.later(
        f"delete {cache.name}",
        stores=[f"serverless/{cache.name}"],
        work=work,
        done=done,
        failed=lambda: control.note(cache.name, KIND, "Deletion failed"),
    )
    return {"ServerlessCache": show(cache)}


def describe_serverless_caches(control: Control, params: Params) -> Result:
    """``DescribeServerlessCaches``."""
    if "ServerlessCacheName" in params:
        return {"ServerlessCaches": [show(find(control, params["ServerlessCacheName"]))]}
    found = [show(cache) for cache in control.serverless.values()]
    paged = page(
        found,
        {"Marker": params.get("NextToken"), "MaxRecords": params.get("MaxResults")},
        "ServerlessCaches",
    )
    if "Marker" in paged:
        paged["NextToken"] = paged.pop("Marker")
    return paged


def show(cache: Serverless) -> Result:
    """As the service shows it."""
    result: Result = {
        "ServerlessCacheName": cache.name,
        "Description": cache.description,
        "CreateTime": cache.created,
        "Status": cache.status,
        "Engine": versions.ENGINE,
        "MajorEngineVersion": cache.major_version,
        "FullEngineVersion": f"{cache.major_version}.0",
        "CacheUsageLimits": cache.limits,
        "SecurityGroupIds": list(cache.security_groups),
        "ARN": cache.arn,
        "SubnetIds": list(cache.subnets),
        "SnapshotRetentionLimit": cache.snapshot_retention,
        "DailySnapshotTime": cache.snapshot_time or "00:00",
        "NetworkType": "ipv4",
    }
    if cache.kms_key is not None:
        result["KmsKeyId"] = cache.kms_key
    if cache.user_group is not None:
        result["UserGroupId"] = cache.user_group
    if cache.status not in ("creating", "create-failed"):
        result["Endpoint"] = _endpoint(cache.endpoints.primary)
        result["ReaderEndpoint"] = _endpoint(cache.endpoints.reader)
    return result


def _endpoint(endpoint: Endpoint) -> Result:
    return {"Address": endpoint.host, "Port": endpoint.port}


def _limits(asked: Params) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, (least, most) in _RANGES.items():
        part = asked.get(name)
        if part is None:
            continue
        for end in ("Minimum", "Maximum"):
            if end in part:
                names.between(f"{name}.{end}", part[end], least, most)
        if part.get("Minimum", least) > part.get("Maximum", most):
            raise invalid(f"{name}.Minimum is above its Maximum.")
        if name == _STORAGE and part.get("Unit") != "GB":
            raise invalid("DataStorage.Unit must be GB.")
        found[name] = dict(part)
    return found


def _snapshot_time(text: str | None) -> str | None:
    if text is not None and not _TIME.fullmatch(text):
        raise invalid(f"DailySnapshotTime reads 03:00: {text!r}.")
    return text
