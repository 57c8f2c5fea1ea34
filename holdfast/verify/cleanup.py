"""Remembers every key that a run creates, and removes them all at its end.

Nothing is searched for (no SCAN): what was not registered was not created. Should even the removal
be killed, every key has a TTL.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from holdfast.errors import HoldfastError, StoreUnavailable
from holdfast.keys import KeySpace
from holdfast.roles import Role
from holdfast.verify.access import Access
from holdfast.verify.nodes import discover
from holdfast.verify.result import CheckFailed, NotChecked, count_of

PATIENCE_SECONDS: Final = 10.0
"""Longer than a failover takes, so that one during the removal costs no key."""

_PAUSE_SECONDS: Final = 0.2
_REMOVERS: Final = (Role.ADMIN, Role.SVC, Role.WORKER)


class Cleanup:
    """The keys of one run. Thread-safe."""

    def __init__(self, access: Access, keys: KeySpace) -> None:
        self._access = access
        self._space = keys
        self._keys: dict[str, None] = {}
        self._enders: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that was registered."""
        with self._lock:
            return tuple(self._keys)

    def session(self, session_id: str, end: Callable[[], object]) -> None:
        """Register a session: all of its keys, and how the client ends it."""
        keys = self._space.session(session_id)
        mine = (keys.session, keys.history, keys.tools, keys.lease, keys.user)
        self._register([key for key in mine if key is not None], end)

    def cache(self, name: str) -> None:
        """Register a cache entry and its lock."""
        self._register([self._space.cache(name), self._space.cache_lock(name)], None)

    def key(self, key: str) -> None:
        """Register one key."""
        self._register([key], None)

    def _register(self, keys: Iterable[str], end: Callable[[], object] | None) -> None:
        with self._lock:
            self._keys.update(dict.fromkeys(keys))
            if end is not None:
                self._enders.append(end)

    def run(self) -> str:
        """End every session as an application would, then remove what is left, and look again.

        Returns:
            What was done, for the report.

        Raises:
            CheckFailed: a key is still there.
            NotChecked: nothing was written.
            StoreUnavailable: the store did not answer.
        """
        with self._lock:
            enders, keys = tuple(self._enders), tuple(self._keys)
        if not keys:
            raise NotChecked("nothing was written")
        problem: HoldfastError | None = None
        for end in enders:
            try:
                end()
            except HoldfastError as error:
                # The keys are removed below whatever the client says.
                problem = error
                if isinstance(error, StoreUnavailable):
                    break
        deadline = time.monotonic() + PATIENCE_SECONDS
        while left := self._try_to_remove(keys, last=time.monotonic() > deadline):
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_SECONDS)
        if left:
            raise CheckFailed(
                "every key that this run wrote to be gone",
                f"{len(left)} left, for example {left[0]}" + (f" ({problem})" if problem else ""),
                "they expire by themselves; if they stay, remove them as admin with UNLINK",
            )
        return f"{count_of(len(keys), 'key')}, none left"

    def _try_to_remove(self, keys: Sequence[str], *, last: bool) -> Sequence[str]:
        """Remove keys; an outage leaves them all for another try, unless it is the last."""
        try:
            return self._remove(keys)
        except StoreUnavailable:
            if last:
                raise
            return keys

    def _remove(self, keys: Iterable[str]) -> list[str]:
        """Remove keys on the primaries of this moment and return those that are still there."""
        role = self._access.first_held(*_REMOVERS)
        nodes = discover(self._access)
        left = []
        for key in keys:
            with self._access.borrow(nodes.primary_of(key), role) as link:
                # A second removal shows what is left; no role needs EXISTS for it.
                replies = link.attempt([("UNLINK", key), ("UNLINK", key)])
            if replies[1] != 0:
                left.append(key)
        return left
