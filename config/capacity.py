"""Whether the sessions that a store is meant for fit into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.schema import BY_NAME
from config.shape import Shape
from holdfast.aws.nodes_table import NodeType
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
            key, enough = self.remedy(expected)
            raise ConfigError(
                BY_NAME["expectedSessions"].key,
                expected,
                f"at most {brim}: those fill {self.name} at {self.session_bytes} bytes each",
                f"set {key} to {enough}, which leaves headroom, or "
                f"{BY_NAME['sessionBytes'].key} to what scripts/size.py says for yours",
            )

    def advice(self, expected: int) -> str | None:
        """What to say where the sessions leave less than the usual headroom."""
        if expected <= self.sessions(DEFAULT_HEADROOM):
            return None
        return (
            f"{self.name} is tight: {self.sessions()} sessions of {self.session_bytes} bytes "
            f"fill it, and {BY_NAME['expectedSessions'].key} is {expected}; "
            f"{self.remedy(expected)[1]} leaves the usual headroom (docs/sizing.md)"
        )

    @property
    def name(self) -> str:
        """What holds the sessions, in the words of the settings."""
        return f"{BY_NAME['maxmemory'].key} {format_bytes(self.maxmemory_bytes)}"

    def remedy(self, expected: int) -> tuple[str, str]:
        """The key and the value that leave headroom for so many sessions."""
        need = enough_maxmemory_bytes(
            expected,
            session_bytes=self.session_bytes,
            primaries=self.primaries,
            buckets=self.buckets,
            headroom=DEFAULT_HEADROOM,
        )
        return BY_NAME["maxmemory"].key, f"{need // MIB}mb"


@dataclass(frozen=True, slots=True)
class UnknownRoom(Room):
    """Of a store whose memory nobody told: nothing is refused or advised on."""

    def check(self, expected: int) -> None:
        """Nothing to hold it against."""

    def advice(self, expected: int) -> str | None:  # noqa: ARG002 - nothing to hold it against
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class NodePlan:
    """Nodes, and what fits on them.

    Attributes:
        shape: how many of what.
        room: what they have room for.
        node: the type of each in ElastiCache; None elsewhere, and with topology serverless.
    """

    shape: Shape
    room: Room
    node: NodeType | None = None
