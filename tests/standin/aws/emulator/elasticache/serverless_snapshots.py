"""Snapshots of serverless caches."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.standin.aws.emulator.elasticache import lookup, names, network, tagging, versions
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result
from tests.standin.aws.emulator.elasticache.faults import fault, invalid
from tests.standin.aws.emulator.elasticache.state import Serverless, ServerlessSnapshot

_LONGEST_NAME: Final = 255


def create_serverless_cache_snapshot(control: Control, params: Params) -> Result:
    """``CreateServerlessCacheSnapshot``."""
    cache = lookup.find_serverless(control, params["ServerlessCacheName"])
    lookup.require_serverless(cache)
    key = network.check_key(control, params.get("KmsKeyId"))
    snapshot = planned(control, cache, params["ServerlessCacheSnapshotName"], key)
    tagging.set_tags(control, snapshot.arn, params)

    def done() -> None:
        snapshot.status = "available"

    def failed() -> None:
        snapshot.status = "failed"

    control.later(
        f"snapshot {cache.name}",
        stores=[f"serverless/{cache.name}"],
        work=lambda: control.plane.snapshot_serverless(cache.name, snapshot.folder),
        done=done,
        failed=failed,
    )
    return {"ServerlessCacheSnapshot": show(snapshot)}


def describe_serverless_cache_snapshots(control: Control, params: Params) -> Result:
    """``DescribeServerlessCacheSnapshots``."""
    found = list(control.serverless_snapshots.values())
    if "ServerlessCacheSnapshotName" in params:
        found = [find(control, params["ServerlessCacheSnapshotName"])]
    if "ServerlessCacheName" in params:
        found = [it for it in found if it.cache == params["ServerlessCacheName"].lower()]
    return {"ServerlessCacheSnapshots": [show(snapshot) for snapshot in found]}


def delete_serverless_cache_snapshot(control: Control, params: Params) -> Result:
    """``DeleteServerlessCacheSnapshot``."""
    snapshot = find(control, params["ServerlessCacheSnapshotName"])
    if snapshot.status not in ("available", "failed"):
        message = f"Snapshot {snapshot.name} has status {snapshot.status}."
        raise fault("InvalidServerlessCacheSnapshotStateFault", message)
    del control.serverless_snapshots[snapshot.name]
    control.tags.pop(snapshot.arn, None)
    snapshot.status = "deleting"
    return {"ServerlessCacheSnapshot": show(snapshot)}


def planned(control: Control, cache: Serverless, name: str, key: str | None) -> ServerlessSnapshot:
    """A snapshot that is being made. Raises ServerlessCacheSnapshotAlreadyExistsFault."""
    name = names.identifier("ServerlessCacheSnapshotName", name, _LONGEST_NAME)
    if name in control.serverless_snapshots:
        message = f"Snapshot {name} already exists."
        raise fault("ServerlessCacheSnapshotAlreadyExistsFault", message)
    snapshot = ServerlessSnapshot(
        name,
        control.arn("serverlesscachesnapshot", name),
        cache.name,
        cache.major_version,
        control.settings.snapshots / f"{name}-{names.name_hash()}",
        key or cache.kms_key,
    )
    control.serverless_snapshots[name] = snapshot
    return snapshot


def folder_to_restore(control: Control, params: Params) -> Path | None:
    """The data that a new cache starts with."""
    arns = params.get("SnapshotArnsToRestore") or []
    if not arns:
        return None
    known = {snapshot.arn: snapshot for snapshot in control.serverless_snapshots.values()}
    if len(arns) != 1 or arns[0] not in known or known[arns[0]].status != "available":
        raise invalid("SnapshotArnsToRestore names one snapshot of a serverless cache, available.")
    return known[arns[0]].folder


def find(control: Control, name: str) -> ServerlessSnapshot:
    """A snapshot by name. Raises ServerlessCacheSnapshotNotFoundFault."""
    snapshot = control.serverless_snapshots.get(name.lower())
    if snapshot is None:
        raise fault("ServerlessCacheSnapshotNotFoundFault", f"Snapshot {name} not found.")
    return snapshot


def show(snapshot: ServerlessSnapshot) -> Result:
    """As the service shows it."""
    result: Result = {
        "ServerlessCacheSnapshotName": snapshot.name,
        "ARN": snapshot.arn,
        "SnapshotType": "manual",
        "Status": snapshot.status,
        "CreateTime": snapshot.created,
        "ServerlessCacheConfiguration": {
            "ServerlessCacheName": snapshot.cache,
            "Engine": versions.ENGINE,
            "MajorEngineVersion": snapshot.major_version,
        },
    }
    if snapshot.kms_key is not None:
        result["KmsKeyId"] = snapshot.kms_key
    return result
