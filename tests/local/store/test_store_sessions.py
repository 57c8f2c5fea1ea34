"""Creation, TTLs, metadata, timelines, lists and ends, on real servers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from holdfast import (
    ConfigError,
    History,
    InvalidSessionId,
    Session,
    SessionError,
    SessionExpired,
    SessionNotFound,
    Ttl,
    TtlKind,
)
from holdfast.commands import session as commands
from holdfast.commands.scope import Scope
from holdfast.ttl import GRACE_MS
from tests.servers import wait_until
from tests.stores import Lab

_SLACK_MS = 10_000
"""More than a slow machine needs between two commands, less than any TTL under test."""


def live_keys(lab: Lab, session: Session) -> list[str]:
    keys = lab.keys(session.session_id)
    return [key for key in keys.named_with_lease if lab.admin("EXISTS", key)]


def use_everything(lab: Lab, session: Session) -> None:
    lab.store.append(session, ["a"])
    lab.store.start_tool(session.session_id, "c1", "find", {})


def test_a_created_session_is_what_a_load_finds(lab: Lab) -> None:
    session = lab.store.create(user="ann", fields={"a": "1"}, history_limit=7)
    assert lab.store.load(session.session_id) == session
    assert session.created_ms <= lab.now_ms()
    assert session.deadline_ms == session.created_ms + 1_800_000


def test_a_creation_whose_reply_was_lost_is_the_same_session_when_sent_again(
    sync_lab: Lab,
) -> None:
    operation = commands.create(
        Scope(sync_lab.space),
        user="ann",
        ttl=Ttl.chat(),
        fields={},
        history=History.LIST,
        history_limit=50,
    )
    executor = sync_lab.store._executor
    first = executor.run(operation)
    assert executor.run(operation) == first
    turn = sync_lab.store.append(first, ["a"])
    assert executor.run(operation).session_id == first.session_id
    assert sync_lab.store.load(first.session_id).head == turn.head


def test_an_id_that_another_creation_minted_is_not_taken_over(sync_lab: Lab) -> None:
    session = sync_lab.store.create()
    operation = commands.create(
        Scope(sync_lab.space),
        user=None,
        ttl=Ttl.chat(),
        fields={},
        history=History.LIST,
        history_limit=50,
    )
    ((name, sha, count, *rest),) = operation.commands
    keys = sync_lab.keys(session.session_id).named
    taken = replace(operation, commands=((name, sha, count, *keys, *rest[len(keys) :]),))
    with pytest.raises(SessionError, match="taken"):
        sync_lab.store._executor.run(replace(taken, key=keys[0]))
    assert sync_lab.store.load(session.session_id) == session


def test_an_id_that_nobody_minted_is_never_adopted(lab: Lab) -> None:
    unknown = lab.space.mint("ann")
    with pytest.raises(SessionNotFound):
        lab.store.load(unknown)
    with pytest.raises(SessionNotFound):
        lab.store.set_fields(unknown, {"a": "b"})
    with pytest.raises(InvalidSessionId):
        lab.store.load("my-own-id")
    assert lab.admin("EXISTS", *lab.keys(unknown).named_with_lease) == 0


KINDS: list[tuple[Ttl, int]] = [
    (Ttl.chat(), 1_800_000),
    (Ttl.chat(45 * 60), 2_700_000),
    (Ttl.task(expected_seconds=100), 300_000),
    (Ttl.research(), 21_600_000),
]


@pytest.mark.parametrize(("ttl", "idle_ms"), KINDS)
def test_every_key_lives_as_long_as_its_session_and_the_grace(
    lab: Lab, ttl: Ttl, idle_ms: int
) -> None:
    session = lab.store.create(user="ann", ttl=ttl)
    use_everything(lab, session)
    assert lab.store.load(session.session_id).kind is ttl.kind
    keys = live_keys(lab, session)
    assert len(keys) == 4
    for key in keys:
        left = lab.ttl_ms(key)
        assert idle_ms + GRACE_MS - _SLACK_MS < left <= idle_ms + GRACE_MS, key


REFRESHERS: dict[str, Callable[[Lab, Session], object]] = {
    "a turn": lambda lab, s: lab.store.append(lab.store.load(s.session_id), ["b"]),
    "a field": lambda lab, s: lab.store.set_fields(s.session_id, {"a": "b"}),
    "a touch": lambda lab, s: lab.store.touch(s.session_id),
    "a tool start": lambda lab, s: lab.store.start_tool(s.session_id, "c2", "find", {}),
    "a tool end": lambda lab, s: lab.store.finish_tool(s.session_id, "c1", "x"),
    "a lease": lambda lab, s: lab.store.acquire_lease(s.session_id),
}


@pytest.mark.parametrize("activity", REFRESHERS)
def test_activity_moves_the_deadline_and_the_expiry_of_every_key(lab: Lab, activity: str) -> None:
    session = lab.store.create(user="ann")
    use_everything(lab, session)
    soon = lab.now_ms() + 20_000
    lab.set_field(session.session_id, "deadline_ms", soon)
    for key in live_keys(lab, session):
        lab.admin("PEXPIREAT", key, soon + GRACE_MS)
    REFRESHERS[activity](lab, session)
    assert lab.store.load(session.session_id).deadline_ms > soon + 1_700_000
    for key in lab.keys(session.session_id).named:
        assert lab.ttl_ms(key) > 1_800_000 + GRACE_MS - _SLACK_MS, key


def test_a_token_is_gone_exactly_at_its_expiry_and_nothing_extends_it(lab: Lab) -> None:
    expires_at_ms = lab.now_ms() + 60_000
    session = lab.store.create(user="ann", ttl=Ttl.token(expires_at_ms=expires_at_ms))
    use_everything(lab, session)
    lab.store.acquire_lease(session.session_id)
    assert lab.store.touch(session.session_id) == expires_at_ms
    assert lab.store.load(session.session_id).deadline_ms == expires_at_ms
    keys = lab.keys(session.session_id)
    for key in (keys.session, keys.history, keys.tools):
        assert int(lab.admin("PEXPIRETIME", key)) == expires_at_ms, key


def test_a_token_cannot_be_created_past_its_expiry(lab: Lab) -> None:
    with pytest.raises(ConfigError, match="server's clock"):
        lab.store.create(ttl=Ttl.token(expires_at_ms=lab.now_ms() - 1))


def with_a_short_token(lab: Lab) -> Session:
    """With a token that is about to expire, and has not before a slow machine creates it."""
    # The first operation opens the connection, which would take of the token's time.
    lab.store.create()
    for life_ms in (150, 1000):
        with suppress(ConfigError):
            return lab.store.create(ttl=Ttl.token(expires_at_ms=lab.now_ms() + life_ms))
    return lab.store.create(ttl=Ttl.token(expires_at_ms=lab.now_ms() + 5000))


def test_a_token_that_expires_is_not_found(lab: Lab) -> None:
    session = with_a_short_token(lab)

    def gone() -> bool:
        try:
            lab.store.load(session.session_id)
        except (SessionNotFound, SessionExpired):
            return True
        return False

    wait_until("the token to expire", gone, seconds=20)
    assert lab.now_ms() >= session.deadline_ms
    assert lab.admin("EXISTS", lab.keys(session.session_id).session) == 0


def test_the_user_index_lives_as_long_as_the_longest_session(lab: Lab) -> None:
    long = lab.store.create(user="ann", ttl=Ttl.research())
    index = lab.keys(long.session_id).user
    assert index is not None
    lab.store.append(lab.store.create(user="ann", ttl=Ttl.chat(60)), ["a"])
    assert lab.ttl_ms(index) > 21_600_000
    lab.store.append(lab.store.create(user="bob", ttl=Ttl.chat(60)), ["a"])
    assert 0 < lab.ttl_ms(lab.space.user_index("bob")) <= 60_000 + GRACE_MS


def test_fields_change_one_by_one_and_the_others_stay(lab: Lab) -> None:
    session = lab.store.create(fields={"a": "1", "b": "2"})
    lab.store.set_fields(session.session_id, {"b": None, "c": "ü", "seq": "not the store's"})
    loaded = lab.store.load(session.session_id)
    assert loaded.fields == {"a": "1", "c": "ü", "seq": "not the store's"}
    assert loaded.seq == 0


def test_two_writers_of_fields_do_not_lose_each_others(sync_lab: Lab) -> None:
    session_id = sync_lab.store.create().session_id

    def write(name: str) -> None:
        for number in range(50):
            sync_lab.store.set_fields(session_id, {f"{name}{number}": name})

    threads = [threading.Thread(target=write, args=(name,)) for name in ("x", "y")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sync_lab.store.load(session_id).fields) == 100


def test_loads_beside_a_writer_are_always_of_one_moment(sync_lab: Lab) -> None:
    session = sync_lab.store.create(history_limit=10)
    stop = threading.Event()
    seen: list[int] = []
    wrong: list[Session] = []

    def read() -> None:
        reader = sync_lab.store
        while not stop.is_set():
            found = reader.load(session.session_id)
            seen.append(found.seq)
            newest = found.messages[-1] if found.messages else 0
            if newest != found.seq:
                wrong.append(found)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    head = session.head
    for number in range(1, 400):
        head = sync_lab.store.append(head, [number]).head
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(set(seen)) > 10


def test_a_timeline_is_read_by_time(lab: Lab) -> None:
    session = lab.store.create(history=History.TIMELINE)
    head = session.head
    for number in range(5):
        head = lab.store.append(head, [{"n": number}, {"n": number, "again": True}]).head
    key = lab.keys(session.session_id).history
    for seq in range(1, 6):
        for place in (1, 2):
            member = next(
                m
                for m in lab.admin("ZRANGE", key, 0, -1)
                if m.startswith(f"{seq:012d}.{place:04d}")
            )
            lab.admin("ZADD", key, seq * 1000, member)
    found = lab.store.history(session.session_id, since_ms=2000, until_ms=3000)
    assert [(m.at_ms, m.seq, m.message["n"]) for m in found] == [
        (2000, 2, 1),
        (2000, 2, 1),
        (3000, 3, 2),
        (3000, 3, 2),
    ]
    newest = lab.store.history(session.session_id, limit=3)
    assert [(m.seq, m.message) for m in newest] == [
        (4, {"n": 3, "again": True}),
        (5, {"n": 4}),
        (5, {"n": 4, "again": True}),
    ]
    assert lab.store.history(session.session_id, since_ms=9000) == ()


def test_a_timeline_keeps_equal_messages_in_order_and_its_limit(lab: Lab) -> None:
    session = lab.store.create(history=History.TIMELINE, history_limit=4)
    head = session.head
    for number in range(3):
        head = lab.store.append(head, ["same", "same", number]).head
    loaded = lab.store.load(session.session_id)
    assert loaded.history is History.TIMELINE
    assert loaded.messages == (1, "same", "same", 2)


def test_a_timeline_never_steps_back_in_time(lab: Lab) -> None:
    session = lab.store.create(history=History.TIMELINE)
    head = lab.store.append(session, ["a"]).head
    ahead = lab.now_ms() + 60_000
    lab.set_field(session.session_id, "updated_ms", ahead)
    lab.store.append(head, ["b"])
    times = [m.at_ms for m in lab.store.history(session.session_id)]
    assert times[0] < times[1] == ahead


def test_a_lists_times_cannot_be_asked_for(lab: Lab) -> None:
    session = lab.store.create()
    with pytest.raises(ConfigError, match="TIMELINE"):
        lab.store.history(session.session_id)


def test_the_end_leaves_nothing_and_is_told_once(lab: Lab) -> None:
    session = lab.store.create(user="ann")
    use_everything(lab, session)
    lab.store.acquire_lease(session.session_id)
    assert lab.store.end(session.session_id) is True
    assert live_keys(lab, session) == []
    assert lab.store.end(session.session_id) is False
    with pytest.raises(SessionNotFound):
        lab.store.load(session.session_id)


def ids(lab: Lab, user: str, limit: int) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        page = lab.store.list_sessions(user, limit=limit, cursor=cursor)
        pages.append([summary.session_id for summary in page.sessions])
        cursor = page.cursor
        if cursor is None:
            return pages


def test_a_user_sees_the_most_recently_active_session_first(lab: Lab) -> None:
    made = [lab.store.create(user="ann") for _ in range(3)]
    index = lab.space.user_index("ann")
    for place, session in enumerate(made):
        lab.admin("ZADD", index, 1000 + place, session.session_id)
    lab.store.append(made[0], ["a"])
    page = lab.store.list_sessions("ann")
    assert [s.session_id for s in page.sessions] == [
        made[0].session_id,
        made[2].session_id,
        made[1].session_id,
    ]
    assert page.cursor is None
    first = page.sessions[0]
    assert (first.kind, first.seq, first.created_ms) == (TtlKind.CHAT, 1, made[0].created_ms)
    assert lab.store.list_sessions("nobody").sessions == ()


def test_pages_show_every_session_once_also_where_many_share_an_instant(lab: Lab) -> None:
    made = {lab.store.create(user="ann").session_id for _ in range(11)}
    index = lab.space.user_index("ann")
    for place, session_id in enumerate(sorted(made)):
        lab.admin("ZADD", index, 1000 + place // 6, session_id)
    pages = ids(lab, "ann", 3)
    listed = [session_id for page in pages for session_id in page]
    assert sorted(listed) == sorted(made)
    assert len(pages) == 4


def test_pages_skip_ended_and_expired_sessions_and_lose_none_of_the_others(lab: Lab) -> None:
    made = [lab.store.create(user="ann") for _ in range(9)]
    index = lab.space.user_index("ann")
    for session in made:
        lab.admin("ZADD", index, 1000, session.session_id)
    gone = {session.session_id for session in made[::3]}
    for session_id in gone:
        lab.admin("DEL", lab.keys(session_id).session)
    expired = made[1].session_id
    lab.set_field(expired, "deadline_ms", 1)
    listed = [session_id for page in ids(lab, "ann", 2) for session_id in page]
    assert sorted(listed) == sorted({s.session_id for s in made} - gone - {expired})
    assert not gone & set(lab.admin("ZRANGE", index, 0, -1))


def test_the_index_keeps_the_newest_thousand(lab: Lab) -> None:
    index = lab.space.user_index("ann")
    old = [word for place in range(1000) for word in (place, lab.space.mint("ann"))]
    lab.admin("ZADD", index, *old)
    newest = lab.store.create(user="ann")
    assert lab.admin("ZCARD", index) == 1000
    assert lab.admin("ZRANGE", index, -1, -1) == [newest.session_id]
    assert lab.admin("ZRANGE", index, 0, 0) == [old[3]]


def test_a_session_without_user_is_in_no_list_and_works_as_well(lab: Lab) -> None:
    session = lab.store.create()
    lab.store.append(session, ["a"])
    assert lab.store.load(session.session_id).user is None
    assert lab.keys(session.session_id).user is None
