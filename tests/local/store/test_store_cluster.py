"""The store on a cluster: every key of a session in one slot, events in sharded channels."""

from __future__ import annotations

import holdfast
from holdfast import EventKind, History, ToolStart
from tests.servers import Servers
from tests.stores import Lab, open_lab


def test_sessions_work_on_every_shard(cluster_lab: Lab) -> None:
    lab = cluster_lab
    shards: set[int] = set()
    # Where a session lies is chance: twelve miss one of three shards once in 43 runs, ninety never.
    for number in range(90):
        if number >= 12 and len(shards) == 3:
            break
        session = lab.store.create(user=f"user {number}", history=list(History)[number % 2])
        lease = lab.store.acquire_lease(session.session_id)
        turn = lab.store.append(
            session,
            [number],
            lease=lease,
            fields={"n": str(number)},
            tools=[ToolStart("c1", "find", {})],
        )
        lab.store.finish_tool(session.session_id, "c1", number, lease=lease)
        assert lab.store.append(session, [number], turn_id=turn.turn_id).duplicate
        loaded = lab.store.load(session.session_id)
        assert loaded.messages == (number,)
        assert loaded.tools["c1"].result == number
        page = lab.store.list_sessions(f"user {number}")
        assert [s.session_id for s in page.sessions] == [session.session_id]
        assert lab.store.release_lease(lease)
        assert lab.store.end(session.session_id)
        shards.add(lab.admin("CLUSTER", "KEYSLOT", lab.keys(session.session_id).session) // 5462)
    assert len(shards) == 3


def test_cache_entries_work_on_every_shard(cluster_lab: Lab) -> None:
    cache = cluster_lab.store.cache
    for number in range(8):
        cache.put(f"entry {number}", b"v", ttl_seconds=60)
        assert cache.get(f"entry {number}") == b"v"
        assert cache.delete(f"entry {number}")


def test_events_come_through_the_shard_of_their_session(cluster: Servers) -> None:
    with open_lab(cluster, api="sync", library="redis") as lab:
        sessions = [lab.store.create(user=f"user {number}") for number in range(6)]
        with lab.store.subscribe(*sessions) as events:
            for session in sessions:
                lab.store.append(session, ["a"])
            got = [events.next(10) for _ in sessions]
    assert {event.session_id for event in got if event} == {s.session_id for s in sessions}
    assert {event.kind for event in got if event} == {EventKind.TURN}


async def test_events_come_through_the_shard_to_tasks_too(cluster: Servers) -> None:
    source = cluster.connection.for_role("svc")
    async with holdfast.connect_async(source, tenant="async-events") as store:
        sessions = [await store.create(user=f"user {number}") for number in range(6)]
        async with store.subscribe(*sessions) as events:
            for session in sessions:
                await store.append(session, ["a"])
            got = [await events.next(10) for _ in sessions]
    assert {event.session_id for event in got if event} == {s.session_id for s in sessions}
