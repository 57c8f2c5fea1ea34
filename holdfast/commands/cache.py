"""The short-term cache: entries with a TTL, computed by one caller at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.commands.scope import Scope
from holdfast.errors import ConfigError
from holdfast.operation import Operation
from holdfast.scripts import CACHE_ABANDON, CACHE_CLAIM, CACHE_FILL
from holdfast.ttl import milliseconds


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to "give it to me or let me compute it".

    Attributes:
        value: the entry, where there is one.
        compute: true where this caller is to compute it.
        remaining_ms: how long the one who computes it still has.
    """

    value: bytes | None = None
    compute: bool = False
    remaining_ms: int = 0


def put(scope: Scope, name: str, value: bytes, *, ttl_seconds: float) -> Operation[None]:
    """Store an entry."""
    key = scope.keys.cache(name)
    ttl_ms = milliseconds("ttl_seconds", ttl_seconds)
    command = ("SET", key, check_value(value), "PX", ttl_ms)
    return Operation((command,), key, lambda _replies: None, writes=True)


def get(scope: Scope, name: str) -> Operation[bytes | None]:
    """Read an entry."""
    key = scope.keys.cache(name)
    return Operation((("GET", key),), key, lambda replies: replies[0])


def delete(scope: Scope, name: str) -> Operation[bool]:
    """Delete an entry; false where there was none."""
    key = scope.keys.cache(name)
    return Operation((("UNLINK", key),), key, lambda replies: replies[0] == 1, writes=True)


def claim(scope: Scope, name: str, token: str, *, compute_ms: int) -> Operation[Claim]:
    """Read an entry, or become the one who computes it."""
    key, lock = scope.keys.cache(name), scope.keys.cache_lock(name)

    def parse(replies: Sequence[Any]) -> Claim:
        match replies[0]:
            case [b"HIT", bytes(value)]:
                return Claim(value=value)
            case [b"COMPUTE"]:
                return Claim(compute=True)
            case [_, int(remaining)]:
                return Claim(remaining_ms=max(0, remaining))
            case _:
                raise TypeError(replies)

    command = ("EVALSHA", CACHE_CLAIM.sha, 2, key, lock, token, compute_ms)
    return Operation((command,), key, parse, CACHE_CLAIM, writes=True)


def fill(scope: Scope, name: str, token: str, value: bytes, *, ttl_ms: int) -> Operation[bool]:
    """Store what was computed; false where another caller had taken over meanwhile."""
    key, lock = scope.keys.cache(name), scope.keys.cache_lock(name)
    command = ("EVALSHA", CACHE_FILL.sha, 2, key, lock, token, check_value(value), ttl_ms)
    return Operation((command,), key, lambda replies: replies[0][1] == 1, CACHE_FILL, writes=True)


def abandon(scope: Scope, name: str, token: str) -> Operation[None]:
    """Let another caller compute at once."""
    lock = scope.keys.cache_lock(name)
    command = ("EVALSHA", CACHE_ABANDON.sha, 1, lock, token)
    return Operation((command,), lock, lambda _replies: None, CACHE_ABANDON, writes=True)


def check_value(value: bytes) -> bytes:
    """Check an entry's value. Raises ConfigError."""
    if not isinstance(value, bytes):
        raise ConfigError("cache value", type(value).__name__, "bytes", "encode it")
    return value
