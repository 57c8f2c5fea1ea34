"""Real Valkey servers behind the emulated ElastiCache, on loopback addresses of their own."""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import hiredis

from tests.certificates import Authority
from tests.standin.aws.dataplane.api import (
    ClusterMode,
    DataPlaneError,
    GroupChange,
    GroupEndpoints,
    GroupSpec,
    ServerlessEndpoints,
    ServerlessSpec,
    UserState,
)
from tests.standin.aws.dataplane.changes import changed_spec, check_snapshot
from tests.standin.aws.dataplane.cluster import ClusterGroup, ServerlessCache
from tests.standin.aws.dataplane.endpoints import group_domain, serverless_endpoints, spec_endpoints
from tests.standin.aws.dataplane.engines import server_for
from tests.standin.aws.dataplane.group import ReplicationGroup
from tests.standin.aws.dataplane.names import Addresses, NamesFile
from tests.standin.aws.dataplane.parameters import settings_for
from tests.standin.aws.dataplane.process import Credentials, Launcher, Place, Server
from tests.standin.aws.dataplane.store import Shared, Store, changing
from tests.standin.aws.dataplane.tokens import Target

DETECTION_SECONDS: Final = 3.0
"""How long a node is silent before it counts as lost. AWS promises no figure of its own."""

_WATCH_SECONDS: Final = 0.5
_SERVERLESS_BYTES: Final = 256 * 1024 * 1024
_SERVERLESS: Final = "serverless:"


class ValkeyDataPlane:
    """Implements :class:`tests.standin.aws.dataplane.api.DataPlane`.

    Args:
        folder: everything of it is below, readable by its owner alone. The authority's key is
            never written.
        detection_seconds: see :data:`DETECTION_SECONDS`.
    """

    def __init__(self, folder: Path, *, detection_seconds: float = DETECTION_SECONDS) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._authority = Authority("emulated Amazon CA")
        self._ca_file = folder / "ca.crt"
        self._ca_file.write_text(self._authority.pem)
        self._names = NamesFile(folder / "names.json")
        self._shared = Shared(Launcher(), self._names, Addresses())
        self._stores: dict[str, Store] = {}
        self._specs: dict[str, GroupSpec] = {}
        self._detection_seconds = detection_seconds
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="lost nodes", daemon=True)
        self._watcher.start()

    @property
    def ca_file(self) -> Path:
        """See the protocol."""
        return self._ca_file

    @property
    def names_file(self) -> Path:
        """See the protocol."""
        return self._names.path

    def create_group(self, spec: GroupSpec) -> GroupEndpoints:
        """See the protocol."""
        if not spec.tls:
            message = f"{spec.group_id}: only groups with transit encryption have servers here"
            raise DataPlaneError(message)
        endpoints = spec_endpoints(spec)
        clustered = spec.cluster_mode is not ClusterMode.DISABLED
        store: ReplicationGroup | ClusterGroup = (ClusterGroup if clustered else ReplicationGroup)(
            Target(spec.group_id, spec.region),
            self._folder / "groups" / spec.group_id,
            shared=self._shared,
            credentials=self._credentials(
                f"*.{group_domain(spec.group_id, spec.name_hash, spec.region)}"
            ),
            install=server_for(spec.engine_version),
            settings=settings_for(spec.parameters, maxmemory_bytes=spec.maxmemory_bytes),
            users=spec.users,
        )
        _name(store, endpoints)
        self._create(spec.group_id, store, self._places(spec, store), spec.restore_from)
        self._specs[spec.group_id] = spec
        return endpoints

    def modify_group(self, group_id: str, change: GroupChange) -> GroupEndpoints:
        """See the protocol."""
        store, before = self._group(group_id), self._specs[group_id]
        spec = changed_spec(before, change)
        endpoints = spec_endpoints(spec)
        with changing(store):
            _name(store, endpoints)
            if (
                spec.parameters != before.parameters
                or spec.maxmemory_bytes != before.maxmemory_bytes
            ):
                store.set_settings(
                    settings_for(spec.parameters, maxmemory_bytes=spec.maxmemory_bytes)
                )
            if spec.member_ids != before.member_ids:
                store.resize(self._places(spec, store))
            if spec.engine_version != before.engine_version:
                store.upgrade(server_for(spec.engine_version))
            store.publish()
        self._specs[group_id] = spec
        return endpoints

    def delete_group(self, group_id: str) -> None:
        """See the protocol."""
        self._delete(group_id)
        del self._specs[group_id]

    def set_users(self, group_id: str, users: Mapping[str, UserState] | None) -> None:
        """See the protocol."""
        store = self._store(group_id)
        with changing(store):
            store.set_users(users)

    def test_failover(self, group_id: str, shard: str) -> str:
        """See the protocol."""
        store = self._store(group_id)
        with changing(store):
            if shard not in store.primaries:
                message = f"{group_id} has no shard {shard}: {', '.join(store.primaries)}"
                raise DataPlaneError(message)
            return store.fail_over(shard).place.member_id

    def primaries(self, group_id: str) -> dict[str, str]:
        """See the protocol."""
        found = dict(self._store(group_id).primaries)
        return {shard: server.place.member_id for shard, server in found.items()}

    def snapshot(self, group_id: str, folder: Path) -> None:
        """See the protocol."""
        store = self._store(group_id)
        with changing(store):
            store.snapshot(folder)

    def create_serverless(self, spec: ServerlessSpec) -> ServerlessEndpoints:
        """A cluster of one shard: both servers have the cache's name, each its port."""
        endpoints = serverless_endpoints(spec.name, region=spec.region, name_hash=spec.name_hash)
        host = endpoints.primary.host
        parameters = {"maxmemory-policy": "volatile-lru", "reserved-memory-percent": "0"}
        store = ServerlessCache(
            Target(spec.name, spec.region, serverless=True),
            self._folder / "serverless" / spec.name,
            shared=self._shared,
            credentials=self._credentials(f"*.{host.partition('.')[2]}"),
            install=server_for(spec.major_engine_version),
            settings=settings_for(parameters, maxmemory_bytes=spec.max_bytes or _SERVERLESS_BYTES),
            users=spec.users,
        )
        address = self._shared.addresses.take()
        places = [
            Place(f"{spec.name}-{kind}", "0001", host, address, endpoint.port, clustered=True)
            for kind, endpoint in (("primary", endpoints.primary), ("reader", endpoints.reader))
        ]
        self._create(_SERVERLESS + spec.name, store, places, spec.restore_from)
        return endpoints

    def delete_serverless(self, name: str) -> None:
        """See the protocol."""
        self._delete(_SERVERLESS + name)

    def set_serverless_users(self, name: str, users: Mapping[str, UserState] | None) -> None:
        """See the protocol."""
        self.set_users(_SERVERLESS + name, users)

    def snapshot_serverless(self, name: str, folder: Path) -> None:
        """See the protocol."""
        self.snapshot(_SERVERLESS + name, folder)

    def close(self) -> None:
        """See the protocol."""
        self._closing.set()
        self._watcher.join()
        for key in list(self._stores):
            self._delete(key)
        self._shared.launcher.close()

    def kill_node(self, member_id: str) -> int:
        """Kill a node as a failing host would, and give its process id; the plane replaces it."""
        server = self.server(member_id)
        pid = server.node.process.pid if server.node.process is not None else 0
        server.stop()
        return pid

    def server(self, member_id: str) -> Server:
        """The server of a node, for tests that look behind the endpoints."""
        for store in list(self._stores.values()):
            if member_id in store.servers:
                return store.servers[member_id]
        message = f"there is no node {member_id}"
        raise DataPlaneError(message)

    def engine(self, group_id: str) -> str:
        """The version that really runs."""
        return self._store(group_id).install.version

    def not_applied(self, group_id: str) -> dict[str, str]:
        """Parameters that the servers do not have, and why."""
        return self._store(group_id).not_applied

    def _create(self, key: str, store: Store, places: Sequence[Place], data: Path | None) -> None:
        if key in self._stores:
            message = f"there is a store {key} already"
            raise DataPlaneError(message)
        if data is not None:
            check_snapshot(data, {place.shard for place in places})
        try:
            with changing(store):
                store.create(places, data)
        except BaseException:
            store.close()
            raise
        self._stores[key] = store

    def _delete(self, key: str) -> None:
        store = self._store(key)
        with changing(store):
            store.close()
            del self._stores[key]

    def _store(self, key: str) -> Store:
        try:
            return self._stores[key]
        except KeyError:
            message = f"there is no store {key}"
            raise DataPlaneError(message) from None

    def _group(self, group_id: str) -> ReplicationGroup | ClusterGroup:
        store = self._store(group_id)
        assert isinstance(store, ReplicationGroup | ClusterGroup)
        return store

    def _credentials(self, wildcard: str) -> Credentials:
        return Credentials.issue(self._authority, wildcard, secrets.token_hex(16))

    def _places(self, spec: GroupSpec, store: Store) -> list[Place]:
        return [
            store.servers[member.cluster_id].place
            if member.cluster_id in store.servers
            else Place(
                member.cluster_id,
                member.shard,
                member.endpoint.host,
                self._shared.addresses.take(),
                clustered=spec.cluster_mode is not ClusterMode.DISABLED,
            )
            for member in spec_endpoints(spec).members
        ]

    def _watch(self) -> None:
        while not self._closing.wait(_WATCH_SECONDS):
            for key, store in list(self._stores.items()):
                if store.lock.acquire(blocking=False):
                    try:
                        if key in self._stores:
                            store.watch(self._detection_seconds)
                            store.refresh_tokens()
                    except (DataPlaneError, OSError, hiredis.ReplyError) as error:
                        # Tried again at the next round: a node may be lost while another is.
                        sys.stderr.write(f"{key}: a lost node is not replaced yet: {error}\n")
                    finally:
                        store.lock.release()


def open_data_plane(folder: Path) -> ValkeyDataPlane:
    """Start with nothing; whatever is created lives until ``close()`` or the process's end."""
    return ValkeyDataPlane(folder)


def _name(store: ReplicationGroup | ClusterGroup, endpoints: GroupEndpoints) -> None:
    if isinstance(store, ReplicationGroup):
        store.endpoints = endpoints
        return
    store.configuration = endpoints.configuration
    store.primary_alias = endpoints.primary
    store.reader_alias = endpoints.reader
