"""Whether the sessions that a store is meant for fit into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.schema import BY_NAME
from holdfast.errors import ConfigError
from holdfast.sizing import (
    DEFAULT_HEADROOM,
    MIB,
    Workload,
    capacity_sessions,
    enough_maxmemory_bytes,
    measure,
)
from holdfast.units import format_bytes

DEFAULT_SESSION_BYTES: Final = measure(Workload(1)).total_bytes
"""Of a session with 50 messages of 500 bytes and 4 tool calls."""

_MIN_SESSION_BYTES: Final = 500
_MAX_SESSION_BYTES: Final = 1024 * MIB


def check_session_bytes(amount: int | None) -> int:
    """Bytes of one session; those of the usual one where it is unset. Raises ConfigError."""
    if amount is None:
        return DEFAULT_SESSION_BYTES
    if not _MIN_SESSION_BYTES <= amount <= _MAX_SESSION_BYTES:
        raise ConfigError(
            BY_NAME["sessionBytes"].key,
            amount,
            f"{_MIN_SESSION_BYTES} to {_MAX_SESSION_BYTES} bytes",
            "set what scripts/size.py says for yours",
        )
    return amount


@dataclass(frozen=True, slots=True)
class Room:
    """What a store has room for.

    Attributes:
        maxmemory_bytes: of each server.
        session_bytes: of one session.
        primaries: 1 outside a cluster.
        buckets: of the store; few spread unevenly, and the fullest primary counts.
    """

    maxmemory_bytes: int
    session_bytes: int
    primaries: int
    buckets: int

    def sessions(self, headroom: float = 1.0) -> int:
        """How many fit; with a headroom of 1 to the brim."""
        return capacity_sessions(
            self.maxmemory_bytes,
            session_bytes=self.session_bytes,
            primaries=self.primaries,
            buckets=self.buckets,
            headroom=headroom,
        )

    def check(self, expected: int) -> None:
        """Refuse more sessions than fit to the brim. Raises ConfigError with both values."""
        brim = self.sessions()
        if expected > brim:
            raise ConfigError(
                BY_NAME["expectedSessions"].key,
                expected,
                f"at most {brim}: those fill {self._maxmemory} at {self.session_bytes} bytes each",
                f"set {BY_NAME['maxmemory'].key} to {self._enough(expected)}, which leaves "
                f"headroom, or {BY_NAME['sessionBytes'].key} to what scripts/size.py says for "
                "yours",
            )

    def advice(self, expected: int) -> str | None:
        """What to say where the sessions leave less than the usual headroom."""
        if expected <= self.sessions(DEFAULT_HEADROOM):
            return None
        return (
            f"{self._maxmemory} is tight: {self.sessions()} sessions of {self.session_bytes} bytes "
            f"fill it, and {BY_NAME['expectedSessions'].key} is {expected}; "
            f"{self._enough(expected)} leaves the usual headroom (docs/sizing.md)"
        )

    @property
    def _maxmemory(self) -> str:
        return f"{BY_NAME['maxmemory'].key} {format_bytes(self.maxmemory_bytes)}"

    def _enough(self, expected: int) -> str:
        need = enough_maxmemory_bytes(
            expected,
            session_bytes=self.session_bytes,
            primaries=self.primaries,
            buckets=self.buckets,
            headroom=DEFAULT_HEADROOM,
        )
        return f"{need // MIB}mb"
