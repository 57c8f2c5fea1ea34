"""Gap detection: what a subscriber makes of the notes that arrive, without any input or output."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from holdfast.errors import ConfigError, SessionNotFound
from holdfast.model import Event, EventKind, Head, Session, TurnResult

MAX_WAITING: Final = 1000
"""Notes that wait for one subscription; beyond it they are dropped and told as a gap."""

MAX_SESSIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class Note:
    """One message of a channel."""

    session_id: str
    kind: EventKind
    seq: int
    hint: str = ""


class Inbox:
    """The notes of one subscription and what it knows of each session.

    The reader of the connection puts notes in, the owner of the subscription takes events out;
    they may be two threads.
    """

    def __init__(self, sessions: Iterable[Session | Head | TurnResult | str]) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, int] = {}
        self._always: set[str] = set()
        for session in sessions:
            if isinstance(session, str):
                self._known[session] = 0
                self._always.add(session)
            else:
                self._known[session.session_id] = session.seq
        if not 0 < len(self._known) <= MAX_SESSIONS:
            raise ConfigError(
                "subscribe", len(self._known), f"1 to {MAX_SESSIONS} sessions", "name them"
            )
        self.session_ids: Final = tuple(self._known)
        # What the last answer told: notes up to it may still be on their way.
        self._answered: dict[str, int] = {}
        self._first: deque[Event] = deque()
        self._notes: deque[Note] = deque()
        self._unsure: deque[str] = deque(self._known)

    @property
    def has_work(self) -> bool:
        """Whether an event, a note, or a question to the store waits."""
        return bool(self._first or self._notes or self._unsure)

    def begin(self, session_id: str, seq: int | None) -> None:
        """Take the seq that the store had right after the subscription began.

        Raises:
            SessionNotFound: the session is not there (None).
        """
        event = self.answer(session_id, seq)
        if seq is None:
            raise SessionNotFound(session_id)
        if event is not None:
            self._first.append(event)

    def put(self, note: Note) -> None:
        """Keep a note for the owner."""
        with self._lock:
            if note.session_id not in self._known:
                return
            if len(self._notes) < MAX_WAITING:
                self._notes.append(note)
                return
            self._notes.clear()
        self.missed()

    def missed(self) -> None:
        """Anything may have been missed: ask the store about every session."""
        with self._lock:
            for session_id in self._known:
                self._doubt(session_id)

    def question(self) -> str | None:
        """The session whose seq must be read next, to be passed to :meth:`answer`."""
        with self._lock:
            return self._unsure[0] if self._unsure else None

    def answer(self, session_id: str, seq: int | None) -> Event | None:
        """Take the seq that the store has (None: the session is gone)."""
        with self._lock:
            if session_id not in self._unsure:
                return None
            self._unsure.remove(session_id)
            always = session_id in self._always
            self._always.discard(session_id)
            if seq is None:
                del self._known[session_id]
                return Event(session_id, EventKind.END, 0)
            changed = seq != self._known[session_id]
            self._known[session_id] = self._answered[session_id] = seq
            return Event(session_id, EventKind.GAP, seq) if always or changed else None

    def next_event(self) -> Event | None:
        """The event of the oldest note, if it is news. A gap raises a question first."""
        with self._lock:
            if self._first:
                return self._first.popleft()
            note = self._notes.popleft() if self._notes else None
            if note is None or note.session_id not in self._known:
                return None
            match note.kind:
                case EventKind.TURN:
                    return self._turn(note)
                case EventKind.HINT:
                    return self._hint(note)
                case _:
                    self._forget(note.session_id)
                    return Event(note.session_id, EventKind.END, note.seq)

    def _turn(self, note: Note) -> Event | None:
        known = self._known[note.session_id]
        if note.seq == known + 1:
            self._answered.pop(note.session_id, None)
            self._known[note.session_id] = note.seq
            return Event(note.session_id, EventKind.TURN, note.seq)
        # Ahead: a note was lost. Behind, and no answer told it: a failover lost turns.
        if note.seq > self._answered.get(note.session_id, 0):
            self._doubt(note.session_id)
        return None

    def _hint(self, note: Note) -> Event | None:
        known = self._known[note.session_id]
        if note.seq > known:
            self._doubt(note.session_id)
            self._notes.appendleft(Note(note.session_id, note.kind, 0, note.hint))
            return None
        return Event(note.session_id, EventKind.HINT, known, note.hint)

    def _forget(self, session_id: str) -> None:
        del self._known[session_id]
        self._always.discard(session_id)
        if session_id in self._unsure:
            self._unsure.remove(session_id)

    def _doubt(self, session_id: str) -> None:
        self._always.add(session_id)
        if session_id not in self._unsure:
            self._unsure.append(session_id)
