"""The ledger: what writers were told about each turn, held against what the store has. Pure.

Writers note every answer. Afterwards the store is read and each turn gets a place: kept, lost
though it was acknowledged, stored twice, or kept though nobody knew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final


class Answer(StrEnum):
    """What a writer was told about one attempt to store a turn."""

    OK = "ok"
    DUPLICATE = "duplicate"
    """Stored by an attempt before whose answer was lost."""
    UNCONFIRMED = "unconfirmed"
    """Stored on the primary, on fewer replicas than asked for."""
    UNKNOWN = "unknown"
    """No answer in time; it may have been applied."""
    REFUSED = "refused"
    """An error that says that it was not applied."""


ACKNOWLEDGED: Final = frozenset({Answer.OK, Answer.DUPLICATE})
FAILED: Final = frozenset({Answer.UNKNOWN, Answer.REFUSED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt to store a turn, and its answer.

    Attributes:
        writer: its name.
        session_id: where the turn belongs.
        turn_id: the same for every attempt to store the turn.
        confirm: how many replicas were asked for.
        began: when it was sent, monotonic seconds.
        ended: when it was answered, monotonic seconds.
        answer: what the writer was told.
        error: class of the error, empty where there was none.
    """

    writer: str
    session_id: str
    turn_id: str
    confirm: int
    began: float
    ended: float
    answer: Answer
    error: str = ""

    @property
    def acknowledged(self) -> bool:
        """Whether the writer was promised as much as it had asked for."""
        return self.answer in ACKNOWLEDGED


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the turns are. Each of the tuples holds turn ids, in the order they were sent.

    Attributes:
        acknowledged: turns whose writer was told that they are stored as asked for.
        confirmed: those among them for which replicas were asked for.
        kept: acknowledged turns that the store has once.
        lost: acknowledged turns that it does not have.
        lost_confirmed: those among them for which replicas were asked for.
        twice: turns that it has more than once.
        unconfirmed: turns that never got more than that answer.
        unconfirmed_lost: those among them that it does not have; nothing was promised.
        unknown: turns that were never answered.
        unknown_kept: those among them that it has.
        refused_kept: turns that it has although each answer said that they were not applied.
        foreign: turns that it has and nobody sent.
        repeated: turns that were answered as duplicates: the turn id kept them from a second row.
    """

    acknowledged: int
    confirmed: int
    kept: int
    lost: tuple[str, ...]
    lost_confirmed: tuple[str, ...]
    twice: tuple[str, ...]
    unconfirmed: int
    unconfirmed_lost: int
    unknown: int
    unknown_kept: int
    refused_kept: tuple[str, ...]
    foreign: tuple[str, ...]
    repeated: int


def place(entries: Iterable[Entry], stored: Iterable[str]) -> Placement:
    """Place every turn.

    Args:
        entries: every attempt, in the order of time for each turn.
        stored: the turn id of every row that the store has.
    """
    turns: dict[str, list[Entry]] = {}
    for entry in entries:
        turns.setdefault(entry.turn_id, []).append(entry)
    rows = Counter(stored)
    best = {turn_id: _best(attempts) for turn_id, attempts in turns.items()}
    promised = {t: any(e.acknowledged and e.confirm for e in turns[t]) for t in turns}
    acknowledged = [t for t, answer in best.items() if answer in ACKNOWLEDGED]
    lost = tuple(t for t in acknowledged if not rows[t])
    unconfirmed = [t for t, answer in best.items() if answer is Answer.UNCONFIRMED]
    unknown = [t for t, answer in best.items() if answer is Answer.UNKNOWN]
    return Placement(
        acknowledged=len(acknowledged),
        confirmed=sum(promised.values()),
        kept=sum(rows[t] == 1 for t in acknowledged),
        lost=lost,
        lost_confirmed=tuple(t for t in lost if promised[t]),
        twice=tuple(t for t, count in rows.items() if count > 1),
        unconfirmed=len(unconfirmed),
        unconfirmed_lost=sum(not rows[t] for t in unconfirmed),
        unknown=len(unknown),
        unknown_kept=sum(bool(rows[t]) for t in unknown),
        refused_kept=tuple(t for t, answer in best.items() if answer is Answer.REFUSED and rows[t]),
        foreign=tuple(t for t in rows if t not in turns),
        repeated=sum(any(e.answer is Answer.DUPLICATE for e in turns[t]) for t in turns),
    )


_WORTH: Final[Mapping[Answer, int]] = {
    Answer.OK: 4,
    Answer.DUPLICATE: 4,
    Answer.UNCONFIRMED: 3,
    Answer.UNKNOWN: 2,
    Answer.REFUSED: 1,
}


def _best(attempts: Sequence[Entry]) -> Answer:
    """What the writer may believe in the end: one attempt that was answered settles the turn."""
    return max((entry.answer for entry in attempts), key=_WORTH.__getitem__)


@dataclass(frozen=True, slots=True)
class Pause:
    """A time without an acknowledged turn of one writer, in monotonic seconds."""

    writer: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.ended - self.began


def longest_pauses(
    entries: Iterable[Entry], *, since: float = float("-inf"), until: float = float("inf")
) -> tuple[Pause, ...]:
    """Each writer's longest pause that ended in a span of time, the longest first.

    Writers with fewer than two acknowledged turns by then have none.
    """
    longest: dict[str, Pause] = {}
    for pause in pauses(entries, since=since, until=until):
        known = longest.get(pause.writer)
        if known is None or pause.seconds > known.seconds:
            longest[pause.writer] = pause
    return tuple(sorted(longest.values(), key=lambda pause: pause.seconds, reverse=True))


def pauses(
    entries: Iterable[Entry], *, since: float = float("-inf"), until: float = float("inf")
) -> Iterator[Pause]:
    """Every time between two acknowledged turns of a writer that ended in a span of time."""
    times: dict[str, list[float]] = {}
    for entry in entries:
        if entry.acknowledged:
            times.setdefault(entry.writer, []).append(entry.ended)
    for writer, acknowledged in times.items():
        for before, after in pairwise(sorted(acknowledged)):
            if since <= after <= until:
                yield Pause(writer, before, after)


def rate_per_second(entries: Iterable[Entry], *, since: float, until: float) -> float:
    """Acknowledged turns a second in a span of time."""
    count = sum(entry.acknowledged and since <= entry.ended <= until for entry in entries)
    return count / (until - since) if until > since else 0.0
