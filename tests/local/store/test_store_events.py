"""Events on real servers: order, gaps, reconnects, one connection for all subscriptions."""

from __future__ import annotations

import asyncio
import threading

import pytest

import holdfast
from holdfast import AsyncSessionStore, ConfigError, Event, EventKind, SessionNotFound
from tests.stores import Lab

TURN, HINT, END, GAP = EventKind.TURN, EventKind.HINT, EventKind.END, EventKind.GAP
WAIT_SECONDS = 10.0


def subscribers(lab: Lab) -> list[str]:
    """The connections in subscriber mode, by id."""
    clients = str(lab.admin("CLIENT", "LIST", "TYPE", "pubsub")).splitlines()
    return [line.split(" ", 1)[0].removeprefix("id=") for line in clients]


def test_turns_hints_and_the_end_are_told_in_order(sync_lab: Lab) -> None:
    store = sync_lab.store
    session = store.create(user="ann")
    with store.subscribe(session) as events:
        head = store.append(session, ["a"]).head
        store.publish(session.session_id, "look at this")
        store.append(head, ["b"])
        store.end(session.session_id)
        got = [events.next(WAIT_SECONDS) for _ in range(4)]
        assert events.next(0.1) is None
    sid = session.session_id
    assert got == [
        Event(sid, TURN, 1),
        Event(sid, HINT, 1, "look at this"),
        Event(sid, TURN, 2),
        Event(sid, END, 2),
    ]


def test_an_id_alone_begins_with_the_present_seq_and_a_session_only_if_it_moved_on(
    sync_lab: Lab,
) -> None:
    store = sync_lab.store
    session = store.create()
    turn = store.append(session, ["a"])
    sid = session.session_id
    with (
        store.subscribe(sid) as plain,
        store.subscribe(turn) as told,
        store.subscribe(session) as behind,
    ):
        assert plain.next(WAIT_SECONDS) == Event(sid, GAP, 1)
        assert behind.next(WAIT_SECONDS) == Event(sid, GAP, 1)
        assert told.next(0.2) is None


def test_events_of_other_sessions_and_tenants_are_not_told(sync_lab: Lab) -> None:
    store, other = sync_lab.store, sync_lab.open(name="other")
    session = store.create(user="ann")
    sibling = store.create(user="ann")
    foreign = other.create()
    channel = sync_lab.keys(session.session_id).channel
    with store.subscribe(session) as events:
        store.append(sibling, ["x"])
        other.append(foreign, ["x"])
        sync_lab.admin("PUBLISH", channel, f"other {session.session_id} turn 1")
        sync_lab.admin("PUBLISH", channel, "noise")
        store.append(session, ["a"])
        assert events.next(WAIT_SECONDS) == Event(session.session_id, TURN, 1)


def test_a_lost_note_is_told_as_a_gap(sync_lab: Lab) -> None:
    store = sync_lab.store
    session = store.create()
    keys = sync_lab.keys(session.session_id)
    with store.subscribe(session) as events:
        store.append(session, ["a"])
        assert events.next(WAIT_SECONDS) == Event(session.session_id, TURN, 1)
        sync_lab.admin("HSET", keys.session, "seq", 4)
        payload = f"{sync_lab.tenant} {session.session_id} turn 4"
        sync_lab.admin("PUBLISH", keys.channel, payload)
        assert events.next(WAIT_SECONDS) == Event(session.session_id, GAP, 4)


def test_after_a_broken_connection_everything_may_have_been_missed(sync_lab: Lab) -> None:
    store = sync_lab.store
    session = store.create()
    with store.subscribe(session) as events:
        head = store.append(session, ["a"]).head
        assert events.next(WAIT_SECONDS) == Event(session.session_id, TURN, 1)
        for client in subscribers(sync_lab):
            sync_lab.admin("CLIENT", "KILL", "ID", client)
        head = store.append(head, ["missed"]).head
        assert events.next(WAIT_SECONDS) == Event(session.session_id, GAP, 2)
        store.append(head, ["c"])
        assert events.next(WAIT_SECONDS) == Event(session.session_id, TURN, 3)


def test_a_session_that_vanishes_while_nobody_listens_is_told_as_ended(sync_lab: Lab) -> None:
    store = sync_lab.store
    session = store.create()
    with store.subscribe(session) as events:
        assert events.next(0.1) is None
        for client in subscribers(sync_lab):
            sync_lab.admin("CLIENT", "KILL", "ID", client)
        store.end(session.session_id)
        assert events.next(WAIT_SECONDS) == Event(session.session_id, END, 0)


def test_all_subscriptions_of_a_store_share_one_connection_that_the_last_one_closes(
    sync_lab: Lab,
) -> None:
    store = sync_lab.store
    before = len(subscribers(sync_lab))
    sessions = [store.create() for _ in range(20)]
    opened = [store.subscribe(session) for session in sessions]
    assert len(subscribers(sync_lab)) == before + 1
    for subscription in opened:
        subscription.close()
        subscription.close()
    assert len(subscribers(sync_lab)) == before
    with pytest.raises(ConfigError, match="subscribe again"):
        opened[0].next(0.1)
    with store.subscribe(sessions[0]) as events:
        store.append(sessions[0], ["a"])
        assert events.next(WAIT_SECONDS) == Event(sessions[0].session_id, TURN, 1)


def test_threads_that_wait_on_subscriptions_of_one_store_each_get_their_own(
    sync_lab: Lab,
) -> None:
    store = sync_lab.store
    sessions = [store.create(user=f"u{n}") for n in range(6)]
    got: dict[str, list[Event]] = {}
    ready = threading.Barrier(7)

    def listen(session: holdfast.Session) -> None:
        with store.subscribe(session) as events:
            ready.wait()
            found = [events.next(WAIT_SECONDS) for _ in range(5)]
        got[session.session_id] = [event for event in found if event is not None]

    threads = [threading.Thread(target=listen, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    ready.wait()
    heads = [session.head for session in sessions]
    for number in range(5):
        heads = [store.append(head, [number]).head for head in heads]
    for thread in threads:
        thread.join()
    for session in sessions:
        sid = session.session_id
        assert got[sid] == [Event(sid, TURN, seq) for seq in range(1, 6)]


def test_a_session_that_is_not_there_cannot_be_subscribed_to(sync_lab: Lab) -> None:
    other = sync_lab.open(name="other").create()
    for session_id in (sync_lab.space.mint(None), other.session_id):
        with pytest.raises(SessionNotFound):
            sync_lab.store.subscribe(session_id)


def test_events_can_be_iterated(sync_lab: Lab) -> None:
    store = sync_lab.store
    session = store.create()
    with store.subscribe(session) as events:
        store.append(store.append(session, ["a"]), ["b"])
        seqs = []
        for event in events:
            seqs.append(event.seq)
            if event.seq == 2:
                break
    assert seqs == [1, 2]


async def test_the_asynchronous_subscription_tells_the_same(sync_lab: Lab) -> None:
    source = sync_lab.servers.connection.for_role("svc")
    async with holdfast.connect_async(source, tenant=sync_lab.tenant) as store:
        session = await store.create()
        sid = session.session_id
        async with store.subscribe(session) as events, store.subscribe(sid) as plain:
            assert await plain.next(WAIT_SECONDS) == Event(sid, GAP, 0)
            head = (await store.append(session, ["a"])).head
            await store.publish(sid, "look")
            assert await events.next(WAIT_SECONDS) == Event(sid, TURN, 1)
            assert await events.next(WAIT_SECONDS) == Event(sid, HINT, 1, "look")
            for client in subscribers(sync_lab):
                sync_lab.admin("CLIENT", "KILL", "ID", client)
            head = (await store.append(head, ["missed"])).head
            assert await events.next(WAIT_SECONDS) == Event(sid, GAP, 2)
            assert await events.next(0.05) is None
            await store.append(head, ["c"])
            async for event in events:
                assert event == Event(sid, TURN, 3)
                break
            await store.end(sid)
            assert await events.next(WAIT_SECONDS) == Event(sid, END, 3)


async def collect(
    store: AsyncSessionStore, session_id: str, count: int, ready: asyncio.Barrier
) -> list[int]:
    async with store.subscribe(session_id) as events:
        await ready.wait()
        found = [await events.next(WAIT_SECONDS) for _ in range(count)]
    return [event.seq for event in found if event is not None]


async def test_tasks_share_one_connection_and_leave_nothing_behind(sync_lab: Lab) -> None:
    before = len(subscribers(sync_lab))
    source = sync_lab.servers.connection.for_role("svc")
    async with holdfast.connect_async(source, tenant=sync_lab.tenant) as store:
        sessions = [await store.create() for _ in range(5)]
        ready = asyncio.Barrier(6)
        tasks = [
            asyncio.create_task(collect(store, session.session_id, 5, ready))
            for session in sessions
        ]
        await ready.wait()
        assert len(subscribers(sync_lab)) == before + 1
        heads = [session.head for session in sessions]
        for number in range(4):
            heads = [(await store.append(head, [number])).head for head in heads]
        assert await asyncio.gather(*tasks) == [[0, 1, 2, 3, 4]] * 5
    assert len(subscribers(sync_lab)) == before
    assert [task for task in asyncio.all_tasks() if task.get_name() == "holdfast-events"] == []


async def test_a_waiter_that_gives_up_does_not_disturb_the_others(sync_lab: Lab) -> None:
    source = sync_lab.servers.connection.for_role("svc")
    async with holdfast.connect_async(source, tenant=sync_lab.tenant) as store:
        session = await store.create()
        async with store.subscribe(session) as events, store.subscribe(session) as other:
            waiting = asyncio.create_task(events.next())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await store.append(session, ["a"])
            expected = Event(session.session_id, TURN, 1)
            assert await other.next(WAIT_SECONDS) == expected
            assert await events.next(WAIT_SECONDS) == expected
