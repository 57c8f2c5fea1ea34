"""How long a session lives: four kinds, each with the rule that suits it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from holdfast.errors import ConfigError

GRACE_MS: Final = 300_000
"""Data outlives the deadline by this much, for consolidation alone; tokens get none."""

MAX_IDLE_SECONDS: Final = 30 * 24 * 3600
_TASK_FACTOR: Final = 3
_MAX_EPOCH_MS: Final = 1 << 43


class TtlKind(StrEnum):
    """What a session is for; decides how its deadline moves."""

    CHAT = "chat"
    TASK = "task"
    RESEARCH = "research"
    TOKEN = "token"  # noqa: S105 - the name of a kind


@dataclass(frozen=True, slots=True)
class Ttl:
    """A session's time to live, made by one of the four class methods.

    Every write moves the deadline of the first three to now plus ``idle_ms``, by the server's
    clock. Past the deadline the session is refused, though its data is kept for another 300 s. A
    token is gone exactly at ``expires_at_ms`` and nothing extends it.

    Attributes:
        kind: which of the four.
        idle_ms: time without activity until the deadline; 0 for a token.
        expires_at_ms: a token's expiry, milliseconds since the epoch; None otherwise.
    """

    kind: TtlKind
    idle_ms: int
    expires_at_ms: int | None = None

    @classmethod
    def chat(cls, idle_seconds: float = 1800) -> Ttl:
        """A conversation; 30 minutes idle by default, 30 to 60 are usual.

        Raises:
            ConfigError: not above 0 or more than 30 days.
        """
        return cls(TtlKind.CHAT, milliseconds("ttl.idle_seconds", idle_seconds))

    @classmethod
    def task(cls, *, expected_seconds: float) -> Ttl:
        """A scheduled task: three times its expected duration.

        Raises:
            ConfigError: not above 0, or three times it is more than 30 days.
        """
        _check("ttl.expected_seconds", expected_seconds, MAX_IDLE_SECONDS / _TASK_FACTOR)
        return cls(
            TtlKind.TASK, milliseconds("ttl.expected_seconds", expected_seconds * _TASK_FACTOR)
        )

    @classmethod
    def research(cls, idle_seconds: float = 6 * 3600) -> Ttl:
        """Long work with pauses; 6 hours idle by default, 4 to 8 are usual.

        Raises:
            ConfigError: not above 0 or more than 30 days.
        """
        return cls(TtlKind.RESEARCH, milliseconds("ttl.idle_seconds", idle_seconds))

    @classmethod
    def token(cls, *, expires_at_ms: int) -> Ttl:
        """An authentication token: gone exactly at its expiry, milliseconds since the epoch.

        Raises:
            ConfigError: not a whole number of milliseconds. Whether it lies in the future is
                decided by the server's clock, at ``create``.
        """
        if (
            not isinstance(expires_at_ms, int)
            or isinstance(expires_at_ms, bool)
            or not 0 < expires_at_ms < _MAX_EPOCH_MS
        ):
            raise ConfigError(
                "ttl.expires_at_ms",
                expires_at_ms,
                "whole milliseconds since the epoch",
                "multiply a time in seconds by 1000",
            )
        return cls(TtlKind.TOKEN, 0, expires_at_ms)


def milliseconds(field: str, seconds: float) -> int:
    """A duration in whole milliseconds, at least 1. Raises ConfigError."""
    _check(field, seconds, MAX_IDLE_SECONDS)
    return max(1, round(seconds * 1000))


def _check(field: str, seconds: float, most: float) -> None:
    if (
        not isinstance(seconds, int | float)
        or isinstance(seconds, bool)
        or not math.isfinite(seconds)
        or not 0 < seconds <= most
    ):
        raise ConfigError(
            field, seconds, f"seconds, above 0 and at most {most:.0f}", "say how long"
        )
