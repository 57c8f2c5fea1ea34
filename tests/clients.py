"""One face for both executors, so that a test is written once and run for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from holdfast.client import (
    AsyncSubscriber,
    ClientOptions,
    Reconnected,
    Subscriber,
    open_async_executor,
    open_async_subscriber,
    open_executor,
    open_subscriber,
)
from holdfast.connection import Connection
from holdfast.operation import Operation, Script
from holdfast.roles import Role
from holdfast.source import ConnectionSource, StaticSource

T = TypeVar("T")

COUNT_ONCE = Script(
    "count_once",
    "redis.call('HSET', KEYS[1], ARGV[1], '1') return redis.call('HLEN', KEYS[1])",
)
"""A write that may be sent again: each id counts once."""


def count_once(key: str, identity: str) -> Operation[int]:
    """Count ``identity`` under ``key``; gives how many were counted."""
    command = ("EVALSHA", COUNT_ONCE.sha, 1, key, identity)
    return Operation((command,), key, lambda replies: int(replies[0]), COUNT_ONCE, writes=True)


def read(key: str, field: str = "f") -> Operation[bytes | None]:
    """One field of a hash."""
    return Operation((("HGET", key, field),), key, lambda replies: replies[0])


def command(*words: str | int, key: str = "agent:sess:{b00}:t:x") -> Operation[Any]:
    """A single command."""
    return Operation((words,), key, lambda replies: replies[0])


def pipeline(key: str) -> Operation[Sequence[Any]]:
    """Three reads in one round trip."""
    words = (("TIME",), ("HGETALL", key), ("HLEN", key))
    return Operation(words, key, list)


class Client:
    """An executor, synchronous or not, with blocking methods."""

    def __init__(
        self,
        api: str,
        source: Connection | ConnectionSource,
        *,
        role: Role = Role.SVC,
        options: ClientOptions | None = None,
    ) -> None:
        given = StaticSource(source) if isinstance(source, Connection) else source
        self.runner = asyncio.Runner() if api == "async" else None
        self._sync = None
        if self.runner is None:
            self._sync = open_executor(given, role=role, options=options)
        else:
            self._async = open_async_executor(given, role=role, options=options)

    def run(self, operation: Operation[T]) -> T:
        """Run one operation."""
        if self._sync is not None:
            return self._sync.run(operation)
        assert self.runner is not None
        return self.runner.run(self._async.run(operation))

    def subscriber(self) -> Listener:
        """A subscriber beside it."""
        if self._sync is not None:
            return Listener(open_subscriber(self._sync), None)
        assert self.runner is not None
        return Listener(self.runner.run(open_async_subscriber(self._async)), self.runner)

    def close(self) -> None:
        """Close it, and its event loop."""
        if self._sync is not None:
            self._sync.close()
        if self.runner is not None:
            self.runner.run(self._async.close())
            self.runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Listener:
    """A subscriber, synchronous or not, with blocking methods."""

    def __init__(
        self, subscriber: Subscriber | AsyncSubscriber, runner: asyncio.Runner | None
    ) -> None:
        self._subscriber = subscriber
        self._runner = runner

    def subscribe(self, *channels: str) -> None:
        """Subscribe."""
        self._run(self._subscriber.subscribe(*channels))

    def unsubscribe(self, *channels: str) -> None:
        """Unsubscribe."""
        self._run(self._subscriber.unsubscribe(*channels))

    def next(self, timeout_seconds: float) -> tuple[str, bytes] | Reconnected | None:
        """The next message."""
        result: tuple[str, bytes] | Reconnected | None = self._run(
            self._subscriber.next(timeout_seconds)
        )
        return result

    def close(self) -> None:
        """Close it."""
        self._run(self._subscriber.close())

    def _run(self, result: Any) -> Any:  # noqa: ANN401 - a value, or a coroutine that gives one
        return result if self._runner is None else self._runner.run(result)
