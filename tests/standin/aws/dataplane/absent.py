"""A data plane without servers: names and roles alone, for tests of the control plane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.standin.aws.dataplane.api import (
    DataPlaneError,
    GroupChange,
    GroupEndpoints,
    GroupSpec,
    ServerlessEndpoints,
    ServerlessSpec,
    UserState,
)
from tests.standin.aws.dataplane.endpoints import serverless_endpoints, spec_endpoints


class NoDataPlane:
    """Remembers what it was told; nothing listens at the names it gives."""

    ca_file: Path | None = None
    names_file: Path | None = None

    def __init__(self) -> None:
        self.groups: dict[str, GroupSpec] = {}
        self.serverless: dict[str, ServerlessSpec] = {}
        self._primaries: dict[str, dict[str, str]] = {}

    def create_group(self, spec: GroupSpec) -> GroupEndpoints:
        """Remember it."""
        self.groups[spec.group_id] = spec
        self._primaries[spec.group_id] = {
            shard: names[0] for shard, names in spec.member_ids.items()
        }
        return spec_endpoints(spec)

    def modify_group(self, group_id: str, change: GroupChange) -> GroupEndpoints:
        """Remember it."""
        before = self._group(group_id)
        spec = replace(
            before,
            engine_version=change.engine_version or before.engine_version,
            parameters=before.parameters if change.parameters is None else change.parameters,
            node_type=change.node_type or before.node_type,
            maxmemory_bytes=change.maxmemory_bytes or before.maxmemory_bytes,
            member_ids=change.member_ids or before.member_ids,
            shards=len(change.member_ids or before.member_ids),
            replicas=len(next(iter((change.member_ids or before.member_ids).values()))) - 1,
            cluster_mode=change.cluster_mode or before.cluster_mode,
        )
        primaries = self._primaries[group_id]
        self._primaries[group_id] = {
            shard: primaries[shard] if primaries.get(shard) in names else names[0]
            for shard, names in spec.member_ids.items()
        }
        self.groups[group_id] = spec
        return spec_endpoints(spec)

    def delete_group(self, group_id: str) -> None:
        """Forget it."""
        self._group(group_id)
        del self.groups[group_id], self._primaries[group_id]

    def set_users(self, group_id: str, users: Mapping[str, UserState] | None) -> None:
        """Remember them."""
        self.groups[group_id] = replace(self._group(group_id), users=users)

    def test_failover(self, group_id: str, shard: str) -> str:
        """Name the next node of the shard."""
        names = self._group(group_id).member_ids[shard]
        place = names.index(self._primaries[group_id][shard])
        chosen = names[(place + 1) % len(names)]
        self._primaries[group_id][shard] = chosen
        return chosen

    def primaries(self, group_id: str) -> Mapping[str, str]:
        """As remembered."""
        self._group(group_id)
        return dict(self._primaries[group_id])

    def snapshot(self, group_id: str, folder: Path) -> None:
        """Make the folder, with an empty file for each shard."""
        _write(folder, self._group(group_id).member_ids)

    def create_serverless(self, spec: ServerlessSpec) -> ServerlessEndpoints:
        """Remember it."""
        self.serverless[spec.name] = spec
        return serverless_endpoints(spec.name, region=spec.region, name_hash=spec.name_hash)

    def delete_serverless(self, name: str) -> None:
        """Forget it."""
        self._cache(name)
        del self.serverless[name]

    def set_serverless_users(self, name: str, users: Mapping[str, UserState] | None) -> None:
        """Remember them."""
        self.serverless[name] = replace(self._cache(name), users=users)

    def snapshot_serverless(self, name: str, folder: Path) -> None:
        """Make the folder, with an empty file."""
        self._cache(name)
        _write(folder, ("0001",))

    def close(self) -> None:
        """Nothing runs."""

    def _group(self, group_id: str) -> GroupSpec:
        if group_id not in self.groups:
            message = f"there is no group {group_id}"
            raise DataPlaneError(message)
        return self.groups[group_id]

    def _cache(self, name: str) -> ServerlessSpec:
        if name not in self.serverless:
            message = f"there is no serverless cache {name}"
            raise DataPlaneError(message)
        return self.serverless[name]


def _write(folder: Path, shards: Mapping[str, object] | tuple[str, ...]) -> None:
    folder.mkdir(parents=True)
    for shard in shards:
        (folder / f"{shard}.rdb").write_bytes(b"")
