"""The writers of the ledger: one plan, followed by threads and by asyncio tasks alike."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from holdfast.async_store import AsyncSessionStore
from holdfast.errors import HoldfastError, StoreUnavailable, Unconfirmed
from holdfast.ids import new_turn_id
from holdfast.model import Head, Session, TurnResult
from holdfast.store import SessionStore
from holdfast.verify.ledger import Answer, Entry

TURNS_A_SESSION: Final = 2000
HISTORY_LIMIT: Final = 2 * TURNS_A_SESSION
"""No turn that was stored is trimmed away, not even if every one were stored twice."""

_TROUBLE_SECONDS: Final = 0.1


class Notes(Protocol):
    """Where a writer notes down what happens."""

    def note(self, entry: Entry) -> None:
        """An attempt was answered."""
        ...

    def opened(self, session_id: str) -> None:
        """A session was created."""
        ...

    def troubled(self, error: str) -> None:
        """Something else than a turn failed; the class of its error."""
        ...


class Book:
    """What all writers note down. Thread-safe.

    Args:
        on_session: told of every session that a writer creates.
    """

    def __init__(self, on_session: Callable[[str], object]) -> None:
        self._on_session = on_session
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._acknowledged_at: dict[str, float] = {}
        self._sessions: list[str] = []
        self._trouble: dict[str, int] = {}

    def note(self, entry: Entry) -> None:
        """An attempt was answered."""
        with self._lock:
            self._entries.append(entry)
            if entry.acknowledged:
                self._acknowledged_at[entry.writer] = entry.ended

    def opened(self, session_id: str) -> None:
        """A session was created."""
        self._on_session(session_id)
        with self._lock:
            self._sessions.append(session_id)

    def troubled(self, error: str) -> None:
        """Something else than a turn failed; the class of its error."""
        with self._lock:
            self._trouble[error] = self._trouble.get(error, 0) + 1

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything so far."""
        with self._lock:
            return tuple(self._entries)

    @property
    def sessions(self) -> tuple[str, ...]:
        """Every session that was created."""
        with self._lock:
            return tuple(self._sessions)

    @property
    def trouble(self) -> dict[str, int]:
        """Errors of creating and loading, by class."""
        with self._lock:
            return dict(self._trouble)

    def acknowledged_at(self, writer: str) -> float:
        """When the writer's newest turn was acknowledged, monotonic seconds; -inf before that."""
        with self._lock:
            return self._acknowledged_at.get(writer, float("-inf"))


@dataclass(frozen=True, slots=True)
class Create:
    """Create a session. The answer is a Session or an error."""


@dataclass(frozen=True, slots=True)
class Load:
    """Read a session. The answer is a Session or an error."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Append:
    """Store a turn. The answer is a TurnResult or an error.

    Attributes:
        at: what the turn follows.
        turn_id: under which it is sent.
        confirm: how many replicas are asked for.
        row: by which the ledger knows it in the store; the turn id where empty.
    """

    at: Head
    turn_id: str
    confirm: int
    row: str = ""

    @property
    def message(self) -> str:
        """What is stored."""
        return self.row or self.turn_id


@dataclass(frozen=True, slots=True)
class Rest:
    """Wait. The answer is None."""

    seconds: float


Step = Create | Load | Append | Rest
Plan = Generator[Step, Any, None]


class Writing(Protocol):
    """How a writer goes about it: :func:`write`, or less carefully, to see what that costs."""

    def __call__(
        self,
        writer: str,
        book: Notes,
        *,
        confirm: int,
        pause_seconds: float,
        running: Callable[[], bool],
    ) -> Plan:
        """One writer's life."""
        ...


def write(
    writer: str,
    book: Notes,
    *,
    confirm: int,
    pause_seconds: float,
    running: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
) -> Plan:
    """One writer's life: turn after turn, the same one again until it is answered.

    Turns that a failover lost are not sent again: the ledger is there to count them.
    """
    while running():
        made = yield Create()
        if not isinstance(made, Session):
            book.troubled(type(made).__name__)
            yield Rest(_TROUBLE_SECONDS)
            continue
        book.opened(made.session_id)
        head: Head | None = made.head
        for _ in range(TURNS_A_SESSION):
            if head is None or not running():
                break
            head = yield from _turn(writer, book, head, confirm, running, clock)
            yield Rest(pause_seconds)


def _turn(
    writer: str,
    book: Notes,
    head: Head,
    confirm: int,
    running: Callable[[], bool],
    clock: Callable[[], float],
) -> Generator[Step, Any, Head | None]:
    """One turn to its end; what the next one follows, or None where the session is gone."""
    turn_id = new_turn_id()
    while True:
        began = clock()
        outcome = yield Append(head, turn_id, confirm)
        answer = _answer(outcome)
        error = type(outcome).__name__ if isinstance(outcome, HoldfastError) else ""
        book.note(Entry(writer, head.session_id, turn_id, confirm, began, clock(), answer, error))
        if isinstance(outcome, TurnResult):
            return outcome.head
        if isinstance(outcome, Unconfirmed):
            return outcome.result.head
        if not isinstance(outcome, StoreUnavailable):
            return (yield from _reload(book, head.session_id, running))
        if not running():
            return None
        yield Rest(_TROUBLE_SECONDS)


def _reload(
    book: Notes, session_id: str, running: Callable[[], bool]
) -> Generator[Step, Any, Head | None]:
    while running():
        found = yield Load(session_id)
        if isinstance(found, Session):
            return found.head
        book.troubled(type(found).__name__)
        if not isinstance(found, StoreUnavailable):
            return None
        yield Rest(_TROUBLE_SECONDS)
    return None


def _answer(outcome: TurnResult | HoldfastError) -> Answer:
    if isinstance(outcome, TurnResult):
        return Answer.DUPLICATE if outcome.duplicate else Answer.OK
    if isinstance(outcome, Unconfirmed):
        return Answer.UNCONFIRMED
    if isinstance(outcome, StoreUnavailable) and outcome.may_have_applied:
        return Answer.UNKNOWN
    return Answer.REFUSED


def follow(plan: Plan, store: SessionStore) -> None:
    """Do what a writer's plan says, in this thread."""
    answer: Any = None
    try:
        while True:
            step = plan.send(answer)
            if isinstance(step, Rest):
                time.sleep(step.seconds)
                answer = None
                continue
            try:
                match step:
                    case Create():
                        answer = store.create(history_limit=HISTORY_LIMIT)
                    case Load(session_id):
                        answer = store.load(session_id)
                    case Append(at, turn_id, confirm):
                        answer = store.append(at, [step.message], turn_id=turn_id, confirm=confirm)
            except HoldfastError as error:
                answer = error
    except StopIteration:
        return


async def follow_async(plan: Plan, store: AsyncSessionStore) -> None:
    """Do what a writer's plan says, as a task."""
    answer: Any = None
    try:
        while True:
            step = plan.send(answer)
            if isinstance(step, Rest):
                await asyncio.sleep(step.seconds)
                answer = None
                continue
            try:
                match step:
                    case Create():
                        answer = await store.create(history_limit=HISTORY_LIMIT)
                    case Load(session_id):
                        answer = await store.load(session_id)
                    case Append(at, turn_id, confirm):
                        answer = await store.append(
                            at, [step.message], turn_id=turn_id, confirm=confirm
                        )
            except HoldfastError as error:
                answer = error
    except StopIteration:
        return
