"""What a group can be changed into, and made from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.standin.aws.dataplane.api import ClusterMode, DataPlaneError, GroupChange, GroupSpec


def changed_spec(spec: GroupSpec, change: GroupChange) -> GroupSpec:
    """The spec with what the change gives.

    Raises:
        DataPlaneError: servers outside cluster mode cannot enter it while they run.
    """
    mode = change.cluster_mode or spec.cluster_mode
    if spec.cluster_mode is ClusterMode.DISABLED and mode is not ClusterMode.DISABLED:
        message = f"{spec.group_id}: the servers cannot be taken into cluster mode here"
        raise DataPlaneError(message)
    ids = spec.member_ids if change.member_ids is None else change.member_ids
    return replace(
        spec,
        engine_version=change.engine_version or spec.engine_version,
        parameters=spec.parameters if change.parameters is None else change.parameters,
        node_type=change.node_type or spec.node_type,
        maxmemory_bytes=change.maxmemory_bytes or spec.maxmemory_bytes,
        member_ids=ids,
        shards=len(ids),
        replicas=len(next(iter(ids.values()))) - 1,
        cluster_mode=mode,
    )


def check_snapshot(data: Path, shards: set[str]) -> None:
    """A snapshot is restored shard by shard, which AWS does not ask for. Raises DataPlaneError."""
    held = {file.stem for file in data.glob("*.rdb")}
    if held != shards:
        message = f"the snapshot {data} has shards {sorted(held)}, the new store {sorted(shards)}"
        raise DataPlaneError(message)
