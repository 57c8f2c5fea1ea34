"""The client on stores as ElastiCache has them: by one name, by a slot map, and serverless.

Emulation: real Valkey on one machine behind AWS's names; no time is claimed for AWS from it.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time

import pytest

import holdfast
from holdfast.client import open_async_executor, open_executor
from holdfast.errors import Unsupported
from holdfast.options import ClientOptions
from holdfast.roles import Role
from holdfast.routes import ClusterRoutes
from holdfast.source import StaticSource
from tests.aws.stores import Store, create_group
from tests.clients import count_once, pipeline
from tests.servers import wait_until
from tests.standin.aws.dataplane.valkey import ValkeyDataPlane

OPTIONS = ClientOptions(deadline_seconds=40)


@pytest.fixture(params=["group", "cluster", "serverless"])
def any_store(request: pytest.FixtureRequest) -> Store:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Store)
    return found


def test_a_session_lives_from_create_to_end_and_its_events_arrive(any_store: Store) -> None:
    narrow = any_store.connection.for_role(Role.SVC)
    with holdfast.connect(narrow, tenant="acme", options=OPTIONS) as store:
        made = [store.create(user="ann") for _ in range(8)]
        for session in made:
            with store.subscribe(session) as subscription:
                assert subscription.next(0.01) is None
                head = store.append(session, [{"n": 1}]).head
                store.append(head, [{"n": 2}])
                event = subscription.next(30)
                assert event is not None
            assert [m["n"] for m in store.load(session.session_id).messages] == [1, 2]
        listed = store.list_sessions("ann").sessions
        assert {s.session_id for s in listed} == {s.session_id for s in made}
        assert all(store.end(session.session_id) for session in made)


async def test_the_asyncio_client_does_the_same(any_store: Store) -> None:
    narrow = any_store.connection.for_role(Role.WORKER)
    full = any_store.connection.for_role(Role.SVC)
    async with (
        holdfast.connect_async(full, tenant="acme", options=OPTIONS) as store,
        holdfast.connect_async(narrow, tenant="acme", options=OPTIONS) as worker,
    ):
        session = await store.create(user="bob")
        await asyncio.gather(
            *(worker.set_fields(session.session_id, {f"f{n}": "1"}) for n in range(20))
        )
        found = await store.load(session.session_id)
        assert len(found.fields) == 20
        assert await store.end(session.session_id)


def test_a_turn_waits_for_replicas_where_the_target_can(group: Store, cluster: Store) -> None:
    for found in (group, cluster):
        with holdfast.connect(
            found.connection.for_role(Role.SVC), tenant="acme", options=OPTIONS
        ) as store:
            session = store.create()
            assert store.append(session, [{"n": 1}], confirm=1).seq == 1
            store.end(session.session_id)


def test_a_turn_that_wants_replicas_is_refused_before_it_is_sent_where_the_target_cannot_wait(
    serverless: Store,
) -> None:
    with holdfast.connect(
        serverless.connection.for_role(Role.SVC), tenant="acme", options=OPTIONS
    ) as store:
        session = store.create()
        with pytest.raises(Unsupported, match=r"^confirm: got 1, need a target that can wait"):
            store.append(session, [{"n": 1}], confirm=1)
        assert store.load(session.session_id).seq == 0
        store.end(session.session_id)


def test_a_slot_map_is_learnt_with_names_which_certificates_hold(
    cluster: Store, serverless: Store
) -> None:
    for found, hosts in (
        (cluster, {f"cluster-{n:04d}-001" for n in (1, 2)}),
        (serverless, {"serverless-abc123"}),
    ):
        executor = open_executor(StaticSource(found.connection), role=Role.SVC, options=OPTIONS)
        for bucket in range(8):
            executor.run(pipeline(f"agent:sess:{{b{bucket:02d}}}:t:x"))
        routes = executor.routes
        assert isinstance(routes, ClusterRoutes)
        named = {routes.where(f"agent:sess:{{b{n:02d}}}:t:x") for n in range(64)}
        assert {address.host.partition(".")[0] for address in named if address} == hosts
        executor.close()


def old_primary(store: Store) -> str:
    return store.plane.primaries(store.group_id)["0001"]


def test_threads_follow_the_name_to_the_new_primary_and_count_each_thing_once(
    group: Store,
) -> None:
    key = f"agent:sess:{{b01}}:t:{secrets.token_hex(4)}"
    executor = open_executor(StaticSource(group.connection), role=Role.SVC, options=OPTIONS)
    stop = threading.Event()
    counted: list[int] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        count = 0
        try:
            while not stop.is_set():
                executor.run(count_once(key, f"{number}-{count}"))
                count += 1
                time.sleep(0.002)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            errors.append(error)
        counted.append(count)

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(6)]
    for thread in threads:
        thread.start()
    before = old_primary(group)
    executor.run(pipeline(key))
    group.fail_over()
    assert old_primary(group) != before
    # A write that comes back is on the new primary: the old one refuses it.
    for n in range(20):
        executor.run(count_once(key, f"after-{n}"))
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert len(counted) == 6
    # Never more than were counted: some may be lost, as replication is asynchronous.
    assert 20 <= executor.run(pipeline(key))[2] <= sum(counted) + 20
    executor.run(pipeline(key))
    executor.close()


async def test_tasks_follow_the_name_as_well(group: Store) -> None:
    key = f"agent:sess:{{b02}}:t:{secrets.token_hex(4)}"
    executor = open_async_executor(StaticSource(group.connection), role=Role.SVC, options=OPTIONS)
    stop = asyncio.Event()

    async def work(number: int) -> int:
        count = 0
        while not stop.is_set():
            await executor.run(count_once(key, f"{number}-{count}"))
            count += 1
            await asyncio.sleep(0.002)
        return count

    tasks = [asyncio.create_task(work(n)) for n in range(12)]
    await asyncio.sleep(0.1)
    await asyncio.to_thread(group.fail_over)
    for n in range(20):
        await executor.run(count_once(key, f"after-{n}"))
    stop.set()
    counted = await asyncio.gather(*tasks)
    assert 20 <= (await executor.run(pipeline(key)))[2] <= sum(counted) + 20
    await executor.close()


def test_after_a_failover_no_connection_to_the_old_primary_is_left(group: Store) -> None:
    executor = open_executor(StaticSource(group.connection), role=Role.SVC, options=OPTIONS)
    key = f"agent:sess:{{b03}}:t:{secrets.token_hex(4)}"
    barrier = threading.Barrier(6)

    def use(n: int) -> None:
        barrier.wait(30)
        executor.run(count_once(key, f"use-{n}"))

    threads = [threading.Thread(target=use, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    before = old_primary(group)
    group.fail_over()
    wait_until("the first write after it", lambda: executor.run(count_once(key, "after")) > 0)

    def all_moved() -> bool:
        clients = str(group.plane.server(before).call("CLIENT", "LIST", "TYPE", "NORMAL"))
        return "user=svc" not in clients

    wait_until("the old primary to have no client left", all_moved)
    executor.close()


def test_a_cluster_shard_that_fails_over_is_followed_by_the_slot_map(cluster: Store) -> None:
    executor = open_executor(StaticSource(cluster.connection), role=Role.SVC, options=OPTIONS)
    keys = [f"agent:sess:{{b{n:02d}}}:t:{secrets.token_hex(4)}" for n in range(8)]
    for key in keys:
        executor.run(count_once(key, "before"))
    before = cluster.plane.primaries(cluster.group_id)
    cluster.fail_over("0002")
    assert cluster.plane.primaries(cluster.group_id)["0002"] != before["0002"]
    for key in keys:
        executor.run(count_once(key, "after"))
    routes = executor.routes
    named = {address.host.partition(".")[0] for k in keys if (address := routes.where(k))}
    assert named == set(cluster.plane.primaries(cluster.group_id).values())
    executor.close()


def test_a_role_that_logs_in_by_iam_sends_its_token_for_a_password(
    plane: ValkeyDataPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "emulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulated")
    store = create_group(plane, "client-iam", replicas=0, iam=frozenset({Role.SVC}))
    narrow = store.connection.for_role(Role.SVC)
    with holdfast.connect(narrow, tenant="acme", options=OPTIONS) as found:
        session = found.create()
        assert found.append(session, [{"n": 1}]).seq == 1
        found.end(session.session_id)
