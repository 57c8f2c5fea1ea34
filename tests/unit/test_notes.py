"""Gap detection of subscriptions, without a server."""

from __future__ import annotations

import pytest

from holdfast.commands.events import parse_note
from holdfast.errors import ConfigError, SessionNotFound
from holdfast.model import Event, EventKind, Head
from holdfast.notes import MAX_WAITING, Inbox, Note

TURN, HINT, END, GAP = EventKind.TURN, EventKind.HINT, EventKind.END, EventKind.GAP


def settled(seq: int = 5) -> Inbox:
    """An inbox whose owner has read the session's seq."""
    inbox = Inbox([Head("s", seq, "turn")])
    assert inbox.answer("s", seq) is None
    return inbox


def drain(inbox: Inbox, stored: int | None = None) -> list[Event]:
    """What the owner gets, with ``stored`` as the store's answer."""
    events = []
    while inbox.has_work:
        asked = inbox.question()
        event = inbox.answer(asked, stored) if asked is not None else inbox.next_event()
        if event is not None:
            events.append(event)
    return events


def test_turns_in_order_are_told_one_by_one() -> None:
    inbox = settled()
    for seq in (6, 7):
        inbox.put(Note("s", TURN, seq))
    assert drain(inbox) == [Event("s", TURN, 6), Event("s", TURN, 7)]


def test_a_lost_note_is_told_as_a_gap_with_the_stored_seq() -> None:
    inbox = settled()
    inbox.put(Note("s", TURN, 8))
    assert drain(inbox, stored=8) == [Event("s", GAP, 8)]


def test_notes_that_a_gap_already_told_are_not_told_again() -> None:
    inbox = settled()
    for seq in (8, 9, 10):
        inbox.put(Note("s", TURN, seq))
    assert drain(inbox, stored=9) == [Event("s", GAP, 9), Event("s", TURN, 10)]


def test_a_seq_that_steps_back_is_a_gap_because_a_failover_lost_turns() -> None:
    inbox = settled()
    inbox.put(Note("s", TURN, 6))
    assert drain(inbox) == [Event("s", TURN, 6)]
    inbox.put(Note("s", TURN, 5))
    assert drain(inbox, stored=5) == [Event("s", GAP, 5)]


def test_what_the_store_says_at_the_beginning_comes_first() -> None:
    inbox = Inbox(["s", Head("t", 2, "turn")])
    inbox.begin("s", 3)
    inbox.begin("t", 2)
    inbox.put(Note("s", TURN, 4))
    assert drain(inbox) == [Event("s", GAP, 3), Event("s", TURN, 4)]
    with pytest.raises(SessionNotFound):
        Inbox(["s"]).begin("s", None)


def test_a_plain_id_begins_with_a_gap_and_a_head_only_if_the_session_moved_on() -> None:
    assert drain(Inbox(["s"]), stored=3) == [Event("s", GAP, 3)]
    assert drain(Inbox([Head("s", 3, "t")]), stored=3) == []
    assert drain(Inbox([Head("s", 3, "t")]), stored=4) == [Event("s", GAP, 4)]


def test_after_a_reconnect_every_session_is_told_though_nothing_changed() -> None:
    inbox = settled()
    inbox.missed()
    inbox.missed()
    assert drain(inbox, stored=5) == [Event("s", GAP, 5)]


def test_a_hint_carries_its_text_and_comes_after_the_gap_that_it_reveals() -> None:
    inbox = settled()
    inbox.put(Note("s", HINT, 5, "a b"))
    assert drain(inbox) == [Event("s", HINT, 5, "a b")]
    inbox.put(Note("s", HINT, 7, "c"))
    assert drain(inbox, stored=7) == [Event("s", GAP, 7), Event("s", HINT, 7, "c")]


def test_an_end_is_told_once_and_nothing_after_it() -> None:
    inbox = settled()
    inbox.missed()
    inbox.put(Note("s", END, 5))
    inbox.put(Note("s", TURN, 6))
    assert drain(inbox, stored=None) == [Event("s", END, 0)]
    other = settled()
    other.put(Note("s", END, 5))
    other.put(Note("s", HINT, 5, "late"))
    assert drain(other) == [Event("s", END, 5)]


def test_an_inbox_that_overflows_tells_a_gap_and_forgets_the_notes() -> None:
    inbox = settled(0)
    for seq in range(1, MAX_WAITING + 2):
        inbox.put(Note("s", TURN, seq))
    assert drain(inbox, stored=MAX_WAITING + 1) == [Event("s", GAP, MAX_WAITING + 1)]


def test_notes_of_other_sessions_are_not_kept() -> None:
    inbox = settled()
    inbox.put(Note("other", TURN, 1))
    assert not inbox.has_work


def test_a_subscription_names_1_to_1000_sessions() -> None:
    for sessions in ([], [f"s{i}" for i in range(1001)]):
        with pytest.raises(ConfigError, match="1 to 1000 sessions"):
            Inbox(sessions)


@pytest.mark.parametrize(
    ("payload", "note"),
    [
        (b"acme s1 turn 7", Note("s1", TURN, 7)),
        (b"acme s1 hint 7 two words ", Note("s1", HINT, 7, "two words ")),
        (b"acme s1 end 0", Note("s1", END, 0)),
        (b"other s1 turn 7", None),
        (b"acme s1 later-kind 7", None),
        (b"acme s1 gap 7", None),
        (b"acme s1 turn -7", None),
        (b"acme s1 turn", None),
        (b"\xff\xfe", None),
        (b"", None),
    ],
)
def test_a_payload_of_another_tenant_or_another_shape_is_no_note(
    payload: bytes, note: Note | None
) -> None:
    assert parse_note("acme", payload) == note
