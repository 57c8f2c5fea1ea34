"""A writer's plan, followed by hand: what it does next after each answer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from holdfast.errors import (
    HoldfastError,
    RolledBack,
    SessionNotFound,
    StoreUnavailable,
    Unconfirmed,
)
from holdfast.keys import History
from holdfast.model import Session, TurnResult
from holdfast.ttl import TtlKind
from holdfast.verify.ledger import Answer
from holdfast.verify.ledger_writers import Append, Book, Create, Load, Plan, Rest, write


def session(session_id: str = "s", seq: int = 0, last: str = "") -> Session:
    return Session(
        session_id, None, TtlKind.CHAT, History.LIST, 10, seq, last, 0, 0, 0, "", {}, {}, ()
    )


class Followed:
    """A plan and what it wrote down."""

    def __init__(self, confirm: int = 0) -> None:
        self.alive = True
        self.opened: list[str] = []
        self.book = Book(self.opened.append)
        clock: Callable[[], float] = count(1.0).__next__
        self.plan: Plan = write(
            "w",
            self.book,
            confirm=confirm,
            pause_seconds=0.5,
            running=lambda: self.alive,
            clock=clock,
        )
        self.step: Any = next(self.plan)

    def answer(self, answer: Session | TurnResult | HoldfastError | None) -> Any:  # noqa: ANN401 - a step
        self.step = self.plan.send(answer)
        return self.step

    def to_first_turn(self) -> Append:
        assert isinstance(self.step, Create)
        turn = self.answer(session())
        assert isinstance(turn, Append)
        return turn

    def answers(self) -> list[tuple[Answer, str]]:
        return [(entry.answer, entry.error) for entry in self.book.entries]


def stored(turn: Append, *, duplicate: bool = False) -> TurnResult:
    return TurnResult(turn.at.session_id, turn.at.seq + 1, turn.turn_id, duplicate)


def test_turns_follow_each_other_with_a_rest() -> None:
    writer = Followed()
    first = writer.to_first_turn()
    assert writer.answer(stored(first)) == Rest(0.5)
    second = writer.answer(None)
    assert (second.at.seq, second.at.last_turn_id) == (1, first.turn_id)
    assert second.turn_id != first.turn_id
    assert writer.opened == ["s"]
    assert writer.book.acknowledged_at("w") == 2.0


@pytest.mark.parametrize(("applied", "answer"), [(True, Answer.UNKNOWN), (False, Answer.REFUSED)])
def test_a_turn_without_an_answer_is_sent_again_under_its_id(applied: bool, answer: Answer) -> None:
    writer = Followed()
    first = writer.to_first_turn()
    assert isinstance(writer.answer(StoreUnavailable("x", may_have_applied=applied)), Rest)
    assert writer.answer(None) == first
    writer.answer(stored(first, duplicate=True))
    assert writer.answers() == [(answer, "StoreUnavailable"), (Answer.DUPLICATE, "")]


def test_an_unconfirmed_turn_is_followed_by_the_next() -> None:
    writer = Followed(confirm=1)
    first = writer.to_first_turn()
    assert first.confirm == 1
    writer.answer(Unconfirmed(stored(first), wanted=1))
    assert writer.answer(None).at.last_turn_id == first.turn_id
    assert writer.answers() == [(Answer.UNCONFIRMED, "Unconfirmed")]
    assert writer.book.acknowledged_at("w") == float("-inf")


def test_lost_turns_are_not_sent_again_so_that_they_can_be_counted() -> None:
    writer = Followed()
    first = writer.to_first_turn()
    assert writer.answer(RolledBack("s", expected_seq=5, stored_seq=3)) == Load("s")
    writer.answer(session(seq=3, last="old"))
    following = writer.answer(None)
    assert (following.at.seq, following.at.last_turn_id) == (3, "old")
    assert following.turn_id != first.turn_id
    assert writer.answers() == [(Answer.REFUSED, "RolledBack")]


def test_a_session_that_is_gone_is_followed_by_another() -> None:
    writer = Followed()
    writer.to_first_turn()
    assert writer.answer(SessionNotFound("s")) == Load("s")
    writer.answer(SessionNotFound("s"))
    assert isinstance(writer.answer(None), Create)
    assert writer.book.trouble == {"SessionNotFound": 1}


def test_a_session_that_cannot_be_created_is_tried_again() -> None:
    writer = Followed()
    assert isinstance(writer.answer(StoreUnavailable("x")), Rest)
    assert isinstance(writer.answer(None), Create)
    assert writer.opened == []


def test_a_writer_that_shall_end_asks_no_further() -> None:
    writer = Followed()
    first = writer.to_first_turn()
    writer.alive = False
    assert isinstance(writer.answer(stored(first)), Rest)
    with pytest.raises(StopIteration):
        writer.answer(None)
