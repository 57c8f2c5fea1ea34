"""Snapshots of a store in ElastiCache, taken by hand: before its end, or before a large change.

AWS keeps them until somebody deletes them; ``holdfast:restoreSnapshot`` begins a store with one.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from holdfast.aws import api
from holdfast.errors import ConfigError, StoreUnavailable, VerificationFailed

if TYPE_CHECKING:
    from mypy_boto3_elasticache import ElastiCacheClient

TAKE_SECONDS: Final = 3600.0
"""A snapshot of tens of gigabytes takes many minutes."""

_POLL_SECONDS: Final = 5.0
_AVAILABLE: Final = "available"
_NAME: Final = re.compile(r"[a-z](-?[a-z0-9])*\Z")
_MAX_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class Store:
    """What is backed up, as AWS calls it.

    Attributes:
        name: id of the replication group, or name of the serverless cache.
        region: where it is.
        serverless: which of the two.
    """

    name: str
    region: str
    serverless: bool = False

    @classmethod
    def of_outputs(cls, stack: str, outputs: Mapping[str, object]) -> Store:
        """The store of a stack. Raises ConfigError where it is on another target."""
        resources = outputs.get("resources")
        known = resources if isinstance(resources, Mapping) else {}
        for key, serverless in (("replication_group_id", False), ("serverless_cache_name", True)):
            if known.get(key) and known.get("region"):
                return cls(str(known[key]), str(known["region"]), serverless)
        raise ConfigError(
            "--stack",
            f"{stack}, target {outputs.get('target', 'unknown')}",
            "a stack of target aws that is deployed",
            "snapshots are ElastiCache's; other targets keep their data on volumes",
        )


@dataclass(frozen=True, slots=True)
class Backup:
    """A snapshot.

    Attributes:
        name: what ``holdfast:restoreSnapshot`` takes: its name, of a serverless store its ARN.
        status: ``available`` when it can be restored.
        kind: ``manual`` or ``automated``.
        created: UTC, as in ``2026-11-25T03:00:00Z``; empty while it is being made.
    """

    name: str
    status: str
    kind: str
    created: str

    @property
    def available(self) -> bool:
        """Whether it can be restored."""
        return self.status == _AVAILABLE


class Backups:
    """The snapshots of one store.

    Args:
        store: which.
        client: of ElastiCache; by default the SDK's own, in the store's region.
    """

    def __init__(self, store: Store, client: ElastiCacheClient | None = None) -> None:
        self._store = store
        self._client = client if client is not None else api.elasticache(store.region)

    def take(
        self,
        name: str | None = None,
        *,
        stop: threading.Event | None = None,
        timeout_seconds: float = TAKE_SECONDS,
        watch: Callable[[str, float], None] | None = None,
        poll_seconds: float = _POLL_SECONDS,
    ) -> Backup:
        """Take a snapshot and wait until it can be restored.

        Args:
            name: of the snapshot; the store's name and the time by default.
            stop: set to wait no longer; AWS finishes the snapshot by itself.
            timeout_seconds: how long to wait.
            watch: told the status and the seconds so far.
            poll_seconds: between two looks.

        Raises:
            ConfigError: a name that AWS does not take, no such store, or no right.
            StoreUnavailable: AWS does not answer, or the time is over.
            VerificationFailed: the snapshot failed.
        """
        wanted = check_name(name or default_name(self._store.name))
        self._call(
            "snapshot",
            wanted,
            "a name that is free, of a store that is available",
            lambda: self._create(wanted),
        )
        stopped = stop or threading.Event()
        began = time.monotonic()
        while True:
            found = self._find(wanted)
            elapsed = time.monotonic() - began
            if found is not None and found.available:
                return found
            status = "not there yet" if found is None else found.status
            if watch is not None:
                watch(status, elapsed)
            if status == "failed":
                raise VerificationFailed(f"the snapshot {wanted} failed: see ElastiCache's events")
            if elapsed > timeout_seconds or stopped.wait(poll_seconds):
                raise StoreUnavailable(
                    f"the snapshot {wanted} is {status} after {elapsed:.0f} s; AWS goes on with it"
                )

    def all(self) -> list[Backup]:
        """Every snapshot of the store, the newest first. Raises ConfigError, StoreUnavailable."""
        found = self._call(
            "store", self._store.name, "a store that exists", lambda: list(self._described())
        )
        return sorted(found, key=lambda backup: backup.created, reverse=True)

    def _find(self, name: str) -> Backup | None:
        tail = f":{name}"
        return next((b for b in self.all() if b.name == name or b.name.endswith(tail)), None)

    def _create(self, name: str) -> None:
        if self._store.serverless:
            self._client.create_serverless_cache_snapshot(
                ServerlessCacheSnapshotName=name, ServerlessCacheName=self._store.name
            )
        else:
            self._client.create_snapshot(SnapshotName=name, ReplicationGroupId=self._store.name)

    def _described(self) -> Iterator[Backup]:
        if self._store.serverless:
            pages = self._client.get_paginator("describe_serverless_cache_snapshots")
            for answer in pages.paginate(ServerlessCacheName=self._store.name):
                for entry in answer["ServerlessCacheSnapshots"]:
                    yield _serverless(entry)
            return
        groups = self._client.get_paginator("describe_snapshots")
        for found in groups.paginate(ReplicationGroupId=self._store.name):
            for snapshot in found["Snapshots"]:
                yield _of_group(snapshot)

    def _call(self, field: str, value: str, rule: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the call gives
        try:
            return call()
        except api.API_ERRORS as error:
            code = api.error_code(error)
            if code and not code.startswith(
                ("Throttling", "InternalFailure", "ServiceUnavailable")
            ):
                raise ConfigError(field, value, rule, f"AWS says {api.told(error)}") from None
            raise api.refused(error, field, value, rule) from None


def default_name(store: str, now: datetime | None = None) -> str:
    """The store's name and the time, UTC."""
    return f"{store}-{(now or datetime.now(UTC)):%Y%m%d-%H%M%S}"


def check_name(name: str) -> str:
    """A name that AWS takes and keeps as it is. Raises ConfigError."""
    if len(name) > _MAX_NAME or not _NAME.match(name):
        raise ConfigError(
            "--name",
            name,
            "letters in lower case, digits and single hyphens, a letter first",
            "choose another, or leave it out",
        )
    return name


def _of_group(snapshot: Mapping[str, Any]) -> Backup:
    created = [
        node["SnapshotCreateTime"]
        for node in snapshot.get("NodeSnapshots", ())
        if "SnapshotCreateTime" in node
    ]
    return Backup(
        snapshot["SnapshotName"],
        snapshot["SnapshotStatus"],
        snapshot.get("SnapshotSource", "manual"),
        _time(max(created)) if created else "",
    )


def _serverless(snapshot: Mapping[str, Any]) -> Backup:
    created = snapshot.get("CreateTime")
    return Backup(
        snapshot["ARN"],
        snapshot["Status"],
        snapshot.get("SnapshotType", "manual"),
        "" if created is None else _time(created),
    )


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
