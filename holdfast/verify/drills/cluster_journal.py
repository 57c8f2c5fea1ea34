"""What a drill has done to a cluster and not undone: noted in the cluster itself."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from holdfast.cluster.api import ClusterApi, PatchKind
from holdfast.cluster.resources import CONFIG_MAPS, Object
from holdfast.errors import HoldfastError, VerificationFailed

ORPHANED_SECONDS: Final = 60.0
_RENEW_SECONDS: Final = 10.0
_DONE: Final = "done"
_RENEWED: Final = "renewed"


class ClusterJournal:
    """One ConfigMap; it is there only while something is to be undone.

    It is one drill's: who wrote it first, or took it over from a drill that is no more. Others
    neither change nor remove it.

    Args:
        api: the cluster.
        namespace: of the store.
        name: of the ConfigMap.
    """

    def __init__(self, api: ClusterApi, namespace: str, name: str) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._own = False
        self._done: list[str] = []
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._renewal: threading.Thread | None = None

    @property
    def entries(self) -> tuple[str, ...]:
        """What is to be undone, in the order it was done."""
        return tuple(self._done)

    def add(self, what: str, *, undone_last: bool = False) -> None:
        """Note what is about to be done.

        Args:
            what: a word for it, then what it is done to.
            undone_last: what undoing all the rest may need.

        Raises:
            VerificationFailed: the note of another drill is there.
            HoldfastError: what an API server that refuses raises.
        """
        if not self._own and self._found() is not None:
            raise VerificationFailed(
                f"the ConfigMap {self._namespace}/{self._name} is the note of another drill; "
                f"wait for its end, or {ORPHANED_SECONDS:g} s if it was killed"
            )
        self._take()
        self._done.insert(0 if undone_last else len(self._done), what)
        self._write()

    def undo(self, step: Callable[[str], object]) -> None:
        """Undo everything, the last first. What fails keeps nothing else from being undone.

        Args:
            step: undoes what it is given.

        Raises:
            VerificationFailed: names all that could not be undone; that alone stays noted.
        """
        failed: dict[str, HoldfastError] = {}
        tried: set[str] = set()
        # Looked up each time: a step may note what it needs itself.
        while left := [entry for entry in self._done if entry not in tried]:
            entry = left[-1]
            tried.add(entry)
            try:
                step(entry)
            except HoldfastError as error:
                failed[entry] = error
        self._done = list(failed)[::-1]
        if tried:
            # Where that fails the note says more than there is to do, and doing it harms nobody.
            with contextlib.suppress(HoldfastError):
                self._write()
        if failed:
            named = "; ".join(f"{entry} ({error})" for entry, error in failed.items())
            raise VerificationFailed(
                f"not undone: {named}; the next drill tries again, or undo it by hand and delete "
                f"the ConfigMap {self._namespace}/{self._name}"
            )

    def clear(self) -> None:
        """Everything is undone."""
        if not self._own:
            return
        self._ended.set()
        if self._renewal is not None:
            self._renewal.join()
            self._renewal = None
        self._done.clear()
        self._api.delete(CONFIG_MAPS, self._name, self._namespace)
        self._own = False

    def adopt(self, seen: Sequence[str] = ()) -> Sequence[str]:
        """Take over what a drill did that is no more; nothing while one lives.

        Args:
            seen: what is there of a drill, noted or not. Looked for before this is called: a
                drill notes first, so that what shows without a note is nobody's any more.
        """
        if self._own:
            return ()
        found = self._found()
        if found is None and not seen:
            return ()
        data = (found or {}).get("data") or {}
        if found is not None and not is_orphaned(str(data.get(_RENEWED, "")), datetime.now(UTC)):
            return ()
        noted = map(str, json.loads(data.get(_DONE) or "[]"))
        self._take()
        self._done = list(dict.fromkeys([*seen, *noted]))
        self._write()
        return tuple(self._done) or ("an empty note",)

    def _found(self) -> Object | None:
        return self._api.find(CONFIG_MAPS, self._name, self._namespace)

    def _take(self) -> None:
        self._own = True
        if self._renewal is None:
            self._ended.clear()
            self._renewal = threading.Thread(target=self._renew, daemon=True)
            self._renewal.start()

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
