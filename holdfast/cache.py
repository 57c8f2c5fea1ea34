"""The short-term cache: tool results, embeddings; an entry is computed by one caller at a time.

Entries are bytes, belong to the tenant and always have a TTL. They may be evicted at any time.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from holdfast.commands import cache as commands
from holdfast.commands.scope import Scope
from holdfast.errors import CacheComputeTimeout, ConfigError, StoreFull, StoreUnavailable
from holdfast.keys import new_token
from holdfast.ttl import milliseconds

if TYPE_CHECKING:
    from holdfast.operation import Executor

_FIRST_PAUSE_SECONDS: Final = 0.01
_LONGEST_PAUSE_SECONDS: Final = 0.5
_GROWTH: Final = 1.6


_log: Final = logging.getLogger("holdfast.cache")


@contextmanager
def outage_logged(name: str, what: str) -> Iterator[None]:
    """An outage after the computation must cost the caller neither its value nor its error."""
    try:
        yield
    except (StoreUnavailable, StoreFull) as error:
        _log.warning("cache entry %r %s: %s", name, what, error)


class Wait:
    """When a waiter asks again: soon at first, then ever less often, until its deadline."""

    def __init__(self, name: str, wait_seconds: float) -> None:
        milliseconds("wait_seconds", wait_seconds)
        self._name = name
        self._wait_seconds = wait_seconds
        self._deadline = time.monotonic() + wait_seconds
        self._pause = _FIRST_PAUSE_SECONDS

    def next_pause(self, remaining_ms: int) -> float:
        """Seconds to sleep. Raises CacheComputeTimeout at the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise CacheComputeTimeout(
                f"cache entry {self._name!r}: another caller did not finish computing it within "
                f"{self._wait_seconds:g} s"
            )
        # Unequal pauses keep the waiters from asking all at once.
        pause = self._pause * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        self._pause = min(self._pause * _GROWTH, _LONGEST_PAUSE_SECONDS)
        # Whoever computes may have died: be there when its time runs out.
        return max(0.001, min(pause, left, remaining_ms / 1000 + 0.001))


def lock_ms(wait_seconds: float, compute_seconds: float | None) -> int:
    """How long the one who computes keeps the others out."""
    if compute_seconds is None:
        return milliseconds("wait_seconds", wait_seconds)
    return milliseconds("compute_seconds", compute_seconds)


def computed(value: object) -> bytes:
    """What ``compute`` returned. Raises ConfigError unless it is bytes."""
    if not isinstance(value, bytes):
        raise ConfigError("compute()", type(value).__name__, "bytes", "encode what it returns")
    return value


class Cache:
    """The cache of a :class:`~holdfast.SessionStore`."""

    def __init__(self, executor: Executor, scope: Scope) -> None:
        self._executor = executor
        self._scope = scope

    def put(self, name: str, value: bytes, *, ttl_seconds: float) -> None:
        """Store an entry for ``ttl_seconds`` (above 0, at most 30 days)."""
        self._executor.run(commands.put(self._scope, name, value, ttl_seconds=ttl_seconds))

    def get(self, name: str) -> bytes | None:
        """An entry, or None."""
        return self._executor.run(commands.get(self._scope, name))

    def delete(self, name: str) -> bool:
        """Delete an entry; false where there was none."""
        return self._executor.run(commands.delete(self._scope, name))

    def get_or_compute(
        self,
        name: str,
        compute: Callable[[], bytes],
        *,
        ttl_seconds: float,
        wait_seconds: float = 30.0,
        compute_seconds: float | None = None,
    ) -> bytes:
        """An entry, computed by one caller if there is none, while the others wait.

        Args:
            name: of the entry.
            compute: called by the one who computes. If it raises, another caller computes.
            ttl_seconds: how long the entry lives.
            wait_seconds: how long this caller waits for another one that computes.
            compute_seconds: after so long another caller takes over; ``wait_seconds`` by default.

        Raises:
            CacheComputeTimeout: the entry did not come within ``wait_seconds``.
        """
        ttl_ms = milliseconds("ttl_seconds", ttl_seconds)
        compute_ms = lock_ms(wait_seconds, compute_seconds)
        wait = Wait(name, wait_seconds)
        token = new_token()
        while True:
            claim = self._executor.run(
                commands.claim(self._scope, name, token, compute_ms=compute_ms)
            )
            if claim.value is not None:
                return claim.value
            if claim.compute:
                break
            time.sleep(wait.next_pause(claim.remaining_ms))
        try:
            value = computed(compute())
        except BaseException:
            with outage_logged(name, "stays reserved for a while"):
                self._executor.run(commands.abandon(self._scope, name, token))
            raise
        with outage_logged(name, "was computed but not stored"):
            self._executor.run(commands.fill(self._scope, name, token, value, ttl_ms=ttl_ms))
        return value
