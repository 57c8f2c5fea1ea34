"""What a group is after a change. Pure."""

from __future__ import annotations

from dataclasses import replace

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
