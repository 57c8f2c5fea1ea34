"""What the store answers with: frozen values. Messages are decoded when they are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from holdfast.encoding import decode_json
from holdfast.keys import History
from holdfast.ttl import TtlKind

Message = Any
"""A JSON value (usually a dict), or bytes that are JSON already."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest turn that a writer knows of.

    Attributes:
        session_id: whose.
        seq: number of the turn; 0 before the first.
        last_turn_id: its id, empty before the first. With it the store also tells that a failover
            replaced the turn by another of the same number.
    """

    session_id: str
    seq: int
    last_turn_id: str


class ToolState(StrEnum):
    """Where a tool call stands."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call of a session.

    Attributes:
        call_id: chosen by the caller, unique in the session.
        name: of the tool.
        state: pending until it is finished.
        started_ms: server time of the start.
        finished_ms: server time of the end; None while pending.
        raw_arguments: JSON as it was stored.
        raw_result: JSON as it was stored; None while pending.
    """

    call_id: str
    name: str
    state: ToolState
    started_ms: int
    finished_ms: int | None
    raw_arguments: bytes = field(repr=False)
    raw_result: bytes | None = field(repr=False)

    @property
    def arguments(self) -> Any:  # noqa: ANN401 - any JSON value
        """The decoded arguments."""
        return decode_json(self.raw_arguments)

    @property
    def result(self) -> Any:  # noqa: ANN401 - any JSON value
        """The decoded result; None while pending."""
        return None if self.raw_result is None else decode_json(self.raw_result)


@dataclass(frozen=True, slots=True)
class ToolStart:
    """Passed to ``append``: a tool call that begins with this turn."""

    call_id: str
    name: str
    arguments: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolFinish:
    """Passed to ``append``: a tool call that ends with this turn."""

    call_id: str
    result: Any = field(repr=False)
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it was at one moment.

    Attributes:
        session_id: minted by Holdfast; 128 random bits.
        user: as given at creation, or None.
        kind: the kind of its TTL.
        history: how messages are kept.
        history_limit: how many are kept.
        seq: number of the newest turn; 0 before the first.
        last_turn_id: its id, empty before the first.
        created_ms: server time, milliseconds since the epoch.
        updated_ms: server time of the last activity.
        deadline_ms: server time from which the session is refused, unless there is activity.
        storage_id: minted at creation; stays with the data when the session id changes.
        fields: metadata.
        tools: tool calls by call id.
        raw_messages: the newest ``history_limit`` messages as they were stored, oldest first.
    """

    session_id: str
    user: str | None
    kind: TtlKind
    history: History
    history_limit: int
    seq: int
    last_turn_id: str
    created_ms: int
    updated_ms: int
    deadline_ms: int
    storage_id: str
    fields: Mapping[str, str] = field(repr=False)
    tools: Mapping[str, ToolCall] = field(repr=False)
    raw_messages: tuple[bytes, ...] = field(repr=False)
    _decoded: tuple[Message, ...] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    @property
    def messages(self) -> tuple[Message, ...]:
        """The decoded messages, oldest first; decoded once, at the first look."""
        if self._decoded is None:
            decoded = tuple(decode_json(raw) for raw in self.raw_messages)
            object.__setattr__(self, "_decoded", decoded)
            return decoded
        return self._decoded

    @property
    def head(self) -> Head:
        """What the next ``append`` needs to know."""
        return Head(self.session_id, self.seq, self.last_turn_id)


@dataclass(frozen=True, slots=True)
class TurnResult:
    """The answer to an append.

    Attributes:
        seq: number of this turn in the session.
        turn_id: its id.
        duplicate: true where the turn had been stored before; nothing was written this time.
        confirmed: how many replicas said that they have it; 0 where none was asked for.
    """

    session_id: str
    seq: int
    turn_id: str
    duplicate: bool
    confirmed: int = 0

    @property
    def head(self) -> Head:
        """What the next ``append`` needs to know."""
        return Head(self.session_id, self.seq, self.turn_id)


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A message of a timeline.

    Attributes:
        at_ms: server time at which its turn was stored; never below that of an earlier turn.
        seq: number of its turn.
        raw: JSON as it was stored.
    """

    at_ms: int
    seq: int
    raw: bytes = field(repr=False)

    @property
    def message(self) -> Message:
        """The decoded message."""
        return decode_json(self.raw)


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One line of a user's list of sessions; times are server time in milliseconds."""

    session_id: str
    kind: TtlKind
    history: History
    seq: int
    created_ms: int
    updated_ms: int
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a user's sessions, the most recently active first.

    Attributes:
        sessions: at most as many as asked for; fewer where the index named sessions that ended.
        cursor: pass it to get the next page; None after the last one.
    """

    sessions: tuple[SessionSummary, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a session until it expires or is taken over.

    Attributes:
        fence: grows with every new holder; writes of an earlier holder are refused.
        token: proves who holds it.
        ttl_ms: how long it lasts from its last renewal.
    """

    session_id: str
    fence: int
    token: str = field(repr=False)
    ttl_ms: int


class EventKind(StrEnum):
    """What an event tells."""

    TURN = "turn"
    HINT = "hint"
    END = "end"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Event:
    """News of a session: a hint to load it, never the only copy of anything.

    Attributes:
        kind: ``turn`` a turn was stored; ``hint`` somebody published; ``end`` the session ended or
            is gone; ``gap`` events may have been missed.
        seq: number of the newest turn; 0 where the session is gone.
        hint: the published text; empty otherwise.
    """

    session_id: str
    kind: EventKind
    seq: int
    hint: str = ""
