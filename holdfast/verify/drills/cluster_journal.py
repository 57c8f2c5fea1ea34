"""What a drill has done to a cluster and not undone: noted in the cluster itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from holdfast.cluster.api import ClusterApi, PatchKind
from holdfast.cluster.resources import CONFIG_MAPS
from holdfast.errors import HoldfastError

ORPHANED_SECONDS: Final = 60.0
_RENEW_SECONDS: Final = 10.0
_DONE: Final = "done"
_RENEWED: Final = "renewed"


class ClusterJournal:
    """One ConfigMap; it is there only while something is to be undone.

    Args:
        api: the cluster.
        namespace: of the store.
        name: of the ConfigMap.
    """

    def __init__(self, api: ClusterApi, namespace: str, name: str) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._done: list[str] = []
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._renewal: threading.Thread | None = None

    @property
    def entries(self) -> tuple[str, ...]:
        """What is to be undone, in the order it was done."""
        return tuple(self._done)

    def add(self, what: str) -> None:
        """Note what is about to be done. Raises what an API server that refuses raises."""
        self._done.append(what)
        self._write()
        if self._renewal is None:
            self._ended.clear()
            self._renewal = threading.Thread(target=self._renew, daemon=True)
            self._renewal.start()

    def clear(self) -> None:
        """Everything is undone."""
        self._ended.set()
        if self._renewal is not None:
            self._renewal.join()
            self._renewal = None
        self._done.clear()
        self._api.delete(CONFIG_MAPS, self._name, self._namespace)

    def orphaned(self) -> Sequence[str]:
        """What a drill did that is no more; it becomes this one's to undo."""
        found = self._api.find(CONFIG_MAPS, self._name, self._namespace)
        if found is None or self._renewal is not None:
            return ()
        data = found.get("data") or {}
        if not is_orphaned(str(data.get(_RENEWED, "")), datetime.now(UTC)):
            return ()
        self._done = list(map(str, json.loads(data.get(_DONE) or "[]")))
        return tuple(self._done) or ("an empty note",)

    def _write(self) -> None:
        # One after another: a renewal with the entries of before must not come last.
        with self._writing:
            data = {_DONE: json.dumps(self._done), _RENEWED: datetime.now(UTC).isoformat()}
            body = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": self._name},
                "data": data,
            }
            self._api.patch(
                CONFIG_MAPS, self._name, body, self._namespace, kind=PatchKind.APPLY, force=True
            )

    def _renew(self) -> None:
        while not self._ended.wait(_RENEW_SECONDS):
            try:
                self._write()
            except HoldfastError:
                # The next round comes in time.
                continue


def is_orphaned(renewed: str, now: datetime) -> bool:
    """Whether a note was left by a drill that is no more."""
    try:
        at = datetime.fromisoformat(renewed)
    except ValueError:
        return True
    return now - at > timedelta(seconds=ORPHANED_SECONDS)
