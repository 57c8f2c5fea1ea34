"""Placing turns: what writers were told, held against what the store has."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.verify.ledger import (
    Answer,
    Entry,
    Placement,
    longest_pauses,
    place,
    rate_per_second,
)

_TURNS = [f"turn-{number}" for number in range(6)]


def entry(
    turn_id: str = "t",
    answer: Answer = Answer.OK,
    *,
    confirm: int = 0,
    writer: str = "w",
    ended: float = 0.0,
) -> Entry:
    return Entry(writer, "session", turn_id, confirm, ended, ended, answer)


def placed(*answers: Answer, rows: int, confirm: int = 0) -> Placement:
    return place([entry("t", answer, confirm=confirm) for answer in answers], ["t"] * rows)


def test_an_acknowledged_turn_is_kept_lost_or_stored_twice() -> None:
    assert placed(Answer.OK, rows=1).kept == 1
    assert placed(Answer.OK, rows=0).lost == ("t",)
    assert placed(Answer.OK, rows=2).twice == ("t",)
    assert placed(Answer.OK, rows=2).kept == 0


@pytest.mark.parametrize("confirm", [0, 1])
def test_a_loss_is_worse_where_a_replica_had_confirmed_it(confirm: int) -> None:
    found = placed(Answer.OK, rows=0, confirm=confirm)
    assert found.lost == ("t",)
    assert found.lost_confirmed == ("t",) * confirm
    assert found.confirmed == confirm


def test_a_turn_answered_at_last_is_acknowledged_whatever_came_before() -> None:
    found = placed(Answer.UNKNOWN, Answer.REFUSED, Answer.DUPLICATE, rows=1)
    assert (found.acknowledged, found.kept, found.repeated, found.unknown) == (1, 1, 1, 0)


def test_what_nobody_knows_may_be_kept_or_not() -> None:
    kept, gone = placed(Answer.UNKNOWN, rows=1), placed(Answer.UNKNOWN, rows=0)
    assert (kept.unknown, kept.unknown_kept, kept.lost) == (1, 1, ())
    assert (gone.unknown, gone.unknown_kept, gone.lost) == (1, 0, ())


def test_an_unconfirmed_turn_is_no_promise() -> None:
    found = placed(Answer.UNCONFIRMED, rows=0, confirm=1)
    assert (found.unconfirmed, found.unconfirmed_lost) == (1, 1)
    assert (found.acknowledged, found.lost, found.lost_confirmed) == (0, (), ())


def test_a_turn_that_was_said_not_to_be_applied_must_not_be_there() -> None:
    assert placed(Answer.REFUSED, rows=1).refused_kept == ("t",)
    assert placed(Answer.REFUSED, rows=0).refused_kept == ()


def test_a_row_that_nobody_wrote_is_foreign() -> None:
    assert place([entry("t")], ["t", "other"]).foreign == ("other",)


_ENTRIES = st.lists(
    st.builds(entry, st.sampled_from(_TURNS), st.sampled_from(Answer), confirm=st.integers(0, 2))
)


@given(_ENTRIES, st.lists(st.sampled_from([*_TURNS, "foreign"])))
def test_every_turn_gets_exactly_one_place(entries: list[Entry], stored: list[str]) -> None:
    found = place(entries, stored)
    sent = {e.turn_id for e in entries}
    twice = [t for t in found.twice if _acknowledged(entries, t)]
    refused = {t for t in sent if {e.answer for e in entries if e.turn_id == t} == {Answer.REFUSED}}
    assert found.acknowledged == found.kept + len(found.lost) + len(twice)
    assert len(sent) == found.acknowledged + found.unconfirmed + found.unknown + len(refused)
    assert set(found.foreign) == set(stored) - sent
    assert set(found.lost_confirmed) <= set(found.lost) <= sent - set(stored)
    assert found.confirmed <= found.acknowledged


@given(_ENTRIES)
def test_a_store_that_has_every_turn_once_has_lost_nothing(entries: list[Entry]) -> None:
    found = place(entries, {e.turn_id for e in entries})
    assert not found.lost
    assert not found.twice
    assert not found.foreign
    assert found.unknown_kept == found.unknown
    assert found.unconfirmed_lost == 0


def _acknowledged(entries: Sequence[Entry], turn_id: str) -> bool:
    return any(e.acknowledged for e in entries if e.turn_id == turn_id)


def test_a_pause_lies_between_acknowledged_turns_of_one_writer() -> None:
    entries = [
        entry("a", ended=1.0),
        entry("b", Answer.UNKNOWN, ended=3.0),
        entry("b", Answer.DUPLICATE, ended=6.0),
        entry("c", ended=6.5),
        entry("d", writer="other", ended=2.0),
        entry("e", writer="other", ended=4.0),
    ]
    pauses = longest_pauses(entries)
    assert [(p.writer, p.seconds) for p in pauses] == [("w", 5.0), ("other", 2.0)]
    assert [p.seconds for p in longest_pauses(entries, since=6.2)] == [0.5]
    assert [p.writer for p in longest_pauses(entries, until=5.0)] == ["other"]


def test_a_writer_without_two_acknowledged_turns_has_no_pause() -> None:
    assert longest_pauses([entry(ended=1.0), entry("b", Answer.REFUSED, ended=9.0)]) == ()


def test_the_rate_counts_acknowledged_turns_of_the_span() -> None:
    entries = [entry(str(n), ended=float(n)) for n in range(10)]
    assert rate_per_second(entries, since=0, until=4) == 5 / 4
    assert rate_per_second(entries, since=4, until=4) == 0
