"""Every answer of the turn script, from a real server."""

from __future__ import annotations

import pytest

from holdfast import (
    ConfigError,
    Fenced,
    Head,
    History,
    RolledBack,
    Session,
    SessionExpired,
    SessionNotFound,
    SessionTorn,
    ToolCallError,
    ToolFinish,
    ToolStart,
    Ttl,
    TurnConflict,
    new_turn_id,
)
from tests.stores import Lab


def turns(lab: Lab, session: Session, count: int) -> list[Head]:
    """``count`` turns of one message; the heads from before the first to the last."""
    heads = [session.head]
    for number in range(1, count + 1):
        heads.append(lab.store.append(heads[-1], [{"turn": number}]).head)
    return heads


def test_turns_are_numbered_and_loaded_in_order(lab: Lab) -> None:
    session = lab.store.create(user="ann")
    first = lab.store.append(session, [{"role": "user"}, b'{"role":"assistant"}'])
    second = lab.store.append(first, [{"n": 3}], fields={"topic": "é"})
    assert (first.seq, second.seq, second.duplicate) == (1, 2, False)
    loaded = lab.store.load(session.session_id)
    assert loaded.messages == ({"role": "user"}, {"role": "assistant"}, {"n": 3})
    assert (loaded.seq, loaded.last_turn_id) == (2, second.turn_id)
    assert (loaded.user, loaded.fields) == ("ann", {"topic": "é"})
    assert loaded.head == second.head
    assert loaded.storage_id == session.storage_id


def test_the_history_keeps_its_newest_messages(lab: Lab) -> None:
    session = lab.store.create(history_limit=5)
    head = session.head
    for number in range(4):
        head = lab.store.append(head, [[number, part] for part in range(3)]).head
    loaded = lab.store.load(session.session_id)
    assert loaded.messages == ([2, 1], [2, 2], [3, 0], [3, 1], [3, 2])
    assert loaded.history_limit == 5


def test_the_default_window_is_fifty(lab: Lab) -> None:
    session = lab.store.create()
    lab.store.append(session, list(range(60)))
    assert lab.store.load(session.session_id).messages == tuple(range(10, 60))


def test_a_repeated_turn_is_stored_once_and_answers_its_seq(lab: Lab) -> None:
    session = lab.store.create()
    turn_id = new_turn_id()
    first = lab.store.append(session, ["a"], turn_id=turn_id)
    again = lab.store.append(session, ["a"], turn_id=turn_id)
    assert (again.seq, again.duplicate, again.head) == (1, True, first.head)
    assert lab.store.load(session.session_id).messages == ("a",)


def test_the_last_16_turn_ids_are_remembered_and_the_17th_is_a_conflict(lab: Lab) -> None:
    session = lab.store.create()
    heads = turns(lab, session, 17)
    for number in range(2, 18):
        again = lab.store.append(heads[number - 1], ["again"], turn_id=heads[number].last_turn_id)
        assert (again.seq, again.duplicate) == (number, True)
    with pytest.raises(TurnConflict):
        lab.store.append(heads[0], ["again"], turn_id=heads[1].last_turn_id)
    assert lab.store.load(session.session_id).seq == 17


def test_of_two_writers_the_slower_one_learns_the_stored_seq(lab: Lab) -> None:
    session = lab.store.create()
    other = lab.open()
    lab.store.append(session, ["fast"])
    with pytest.raises(TurnConflict) as caught:
        other.append(session, ["slow"])
    assert (caught.value.expected_seq, caught.value.stored_seq) == (0, 1)
    assert other.load(session.session_id).messages == ("fast",)


def test_an_unknown_session_is_not_created_by_a_turn(lab: Lab) -> None:
    session_id = lab.space.mint("ann")
    with pytest.raises(SessionNotFound):
        lab.store.append(session_id, ["x"], expected_seq=0)
    assert lab.admin("EXISTS", *lab.keys(session_id).named_with_lease) == 0


@pytest.mark.parametrize("history", list(History))
@pytest.mark.parametrize("part", ["history", "tools"])
def test_a_session_that_lost_a_key_is_torn(lab: Lab, part: str, history: History) -> None:
    session = lab.store.create(history=history)
    head = lab.store.append(session, ["a"], tools=[ToolStart("c1", "search", {})]).head
    lab.admin("DEL", getattr(lab.keys(session.session_id), part))
    for use in (
        lambda: lab.store.load(session.session_id),
        lambda: lab.store.append(head, ["b"]),
        lambda: lab.store.set_fields(session.session_id, {"a": "b"}),
        lambda: lab.store.touch(session.session_id),
        lambda: lab.store.start_tool(session.session_id, "c2", "search", {}),
        lambda: lab.store.acquire_lease(session.session_id),
        lambda: lab.store.publish(session.session_id),
    ):
        with pytest.raises(SessionTorn):
            use()
    assert lab.store.end(session.session_id) is True


def test_a_session_whose_list_is_shorter_than_it_should_be_is_torn(lab: Lab) -> None:
    session = lab.store.create()
    head = lab.store.append(session, ["a", "b", "c"]).head
    lab.admin("LTRIM", lab.keys(session.session_id).history, 0, 1)
    with pytest.raises(SessionTorn):
        lab.store.load(session.session_id)
    with pytest.raises(SessionTorn):
        lab.store.append(head, ["d"])


def test_a_history_without_its_hash_is_not_found_and_stays_headless(lab: Lab) -> None:
    session = lab.store.create()
    head = lab.store.append(session, ["a"]).head
    lab.admin("DEL", lab.keys(session.session_id).session)
    with pytest.raises(SessionNotFound):
        lab.store.load(session.session_id)
    with pytest.raises(SessionNotFound):
        lab.store.append(head, ["b"])
    assert lab.admin("EXISTS", lab.keys(session.session_id).session) == 0


def rollback(lab: Lab, session_id: str, dump: dict[str, bytes]) -> None:
    """Put back what a replica had that was promoted too early."""
    for key, payload in dump.items():
        lab.admin("RESTORE", key, 0, payload, "REPLACE")


def dump(lab: Lab, session_id: str) -> dict[str, bytes]:
    keys = lab.keys(session_id)
    found = {}
    for key in (keys.session, keys.history):
        payload = lab.admin("DUMP", key)
        raw = payload if isinstance(payload, bytes) else payload.encode(errors="surrogateescape")
        found[key] = raw
    return found


def test_turns_that_a_failover_lost_are_told_with_where_to_resend_from(lab: Lab) -> None:
    session = lab.store.create()
    heads = turns(lab, session, 2)
    saved = dump(lab, session.session_id)
    heads += turns(lab, lab.store.load(session.session_id), 3)[1:]
    rollback(lab, session.session_id, saved)
    with pytest.raises(RolledBack) as caught:
        lab.store.append(heads[5], ["new"])
    error = caught.value
    assert (error.expected_seq, error.stored_seq, error.diverged) == (5, 2, False)
    assert lab.store.load(session.session_id).seq == 2
    assert lab.store.append(heads[2], ["3 again"], turn_id=heads[3].last_turn_id).seq == 3


def test_the_same_seq_with_another_turn_is_a_lost_turn_and_not_a_match(lab: Lab) -> None:
    session = lab.store.create()
    heads = turns(lab, session, 2)
    saved = dump(lab, session.session_id)
    lost = lab.store.append(heads[2], ["acknowledged, then lost"])
    rollback(lab, session.session_id, saved)
    other = lab.store.append(heads[2], ["another writer"])
    assert other.seq == lost.seq
    with pytest.raises(RolledBack) as caught:
        lab.store.append(lost, ["on top of what was lost"])
    assert caught.value.diverged
    assert lab.store.append(session.session_id, ["by seq alone"], expected_seq=3).seq == 4


def test_a_lost_turn_is_told_even_after_others_wrote_more_turns(lab: Lab) -> None:
    session = lab.store.create()
    heads = turns(lab, session, 2)
    saved = dump(lab, session.session_id)
    lost = lab.store.append(heads[2], ["acknowledged, then lost"])
    rollback(lab, session.session_id, saved)
    turns(lab, lab.store.load(session.session_id), 3)
    with pytest.raises(RolledBack) as caught:
        lab.store.append(lost, ["on top of what was lost"])
    assert (caught.value.stored_seq, caught.value.diverged) == (5, True)


def test_a_writer_far_behind_is_told_of_a_conflict(lab: Lab) -> None:
    session = lab.store.create()
    heads = turns(lab, session, 20)
    for head in (heads[1], heads[10], heads[19]):
        with pytest.raises(TurnConflict) as caught:
            lab.store.append(head, ["late"])
        assert caught.value.stored_seq == 20


def test_a_session_past_its_deadline_is_refused_though_its_data_is_kept(lab: Lab) -> None:
    session = lab.store.create(user="ann")
    result = lab.store.append(session, ["a"])
    lab.set_field(session.session_id, "deadline_ms", lab.now_ms())
    for use in (
        lambda: lab.store.load(session.session_id),
        lambda: lab.store.append(result, ["b"]),
        lambda: lab.store.set_fields(session.session_id, {"a": "b"}),
        lambda: lab.store.touch(session.session_id),
        lambda: lab.store.start_tool(session.session_id, "c", "n", {}),
        lambda: lab.store.acquire_lease(session.session_id),
        lambda: lab.store.publish(session.session_id),
    ):
        with pytest.raises(SessionExpired):
            use()
    assert lab.admin("EXISTS", lab.keys(session.session_id).history) == 1
    again = lab.store.append(session, ["a"], turn_id=result.turn_id)
    assert again.duplicate, "a turn that was stored in time is never denied"


def test_a_turn_changes_fields_and_tools_with_it_or_not_at_all(lab: Lab) -> None:
    session = lab.store.create(fields={"keep": "1", "drop": "2"})
    head = lab.store.append(
        session, ["call"], fields={"drop": None, "new": "3"}, tools=[ToolStart("c1", "find", [1])]
    ).head
    with pytest.raises(ToolCallError):
        lab.store.append(
            head,
            ["lost"],
            fields={"new": "4"},
            tools=[ToolFinish("c1", "ok"), ToolFinish("never started", "x")],
        )
    loaded = lab.store.load(session.session_id)
    assert loaded.seq == 1
    assert loaded.fields == {"keep": "1", "new": "3"}
    assert loaded.tools["c1"].state == "pending"
    done = lab.store.append(head, [], tools=[ToolFinish("c1", {"hits": 2})])
    assert done.seq == 2
    assert lab.store.load(session.session_id).tools["c1"].result == {"hits": 2}


def test_a_turn_under_a_lease_needs_no_seq_and_the_lost_lease_is_refused(lab: Lab) -> None:
    session = lab.store.create()
    first = lab.store.acquire_lease(session.session_id)
    assert lab.store.append(session.session_id, ["a"], lease=first).seq == 1
    lab.admin("DEL", lab.keys(session.session_id).lease)
    second = lab.store.acquire_lease(session.session_id)
    with pytest.raises(Fenced) as caught:
        lab.store.append(session.session_id, ["b"], lease=first)
    assert (caught.value.fence, caught.value.stored_fence) == (1, 2)
    assert lab.store.append(session.session_id, ["b"], lease=second).seq == 2
    with pytest.raises(TurnConflict):
        lab.store.append(session, ["c"], lease=second)


def test_a_lease_that_a_failover_lost_is_a_rollback_and_another_of_its_number_is_fenced(
    lab: Lab,
) -> None:
    session = lab.store.create()
    lab.store.append(session, ["a"])
    saved = dump(lab, session.session_id)
    lost = lab.store.acquire_lease(session.session_id)
    rollback(lab, session.session_id, saved)
    lab.admin("DEL", lab.keys(session.session_id).lease)
    with pytest.raises(RolledBack):
        lab.store.append(session.session_id, ["b"], lease=lost)
    other = lab.store.acquire_lease(session.session_id)
    assert other.fence == lost.fence
    with pytest.raises(Fenced):
        lab.store.append(session.session_id, ["b"], lease=lost)


def test_a_turn_without_seq_or_lease_is_refused(lab: Lab) -> None:
    session = lab.store.create()
    with pytest.raises(ConfigError, match="expected_seq, a lease, or a Session"):
        lab.store.append(session.session_id, ["x"])


def test_another_tenants_session_is_not_found(lab: Lab) -> None:
    session = lab.store.create(user="ann")
    lab.store.append(session, ["private"])
    other = lab.open(name="mallory")
    for use in (
        lambda: other.load(session.session_id),
        lambda: other.append(session.session_id, ["x"], expected_seq=1),
        lambda: other.set_fields(session.session_id, {"a": "b"}),
        lambda: other.acquire_lease(session.session_id),
        lambda: other.publish(session.session_id, "x"),
    ):
        with pytest.raises(SessionNotFound):
            use()
    assert other.end(session.session_id) is False
    assert other.list_sessions("ann").sessions == ()
    assert lab.store.load(session.session_id).messages == ("private",)


def test_a_large_turn_passes_whole(lab: Lab) -> None:
    session = lab.store.create(history_limit=1000, ttl=Ttl.task(expected_seconds=60))
    messages = [{"n": n, "text": "é" * 100} for n in range(1000)]
    lab.store.append(session, messages, fields={f"f{n}": "v" for n in range(256)})
    loaded = lab.store.load(session.session_id)
    assert loaded.messages == tuple(messages)
    assert len(loaded.fields) == 256
