"""What the client sends is what its role may do: not less, and not more."""

from __future__ import annotations

from pathlib import Path

import pytest

import holdfast
from holdfast import (
    AccessDenied,
    AsyncSessionStore,
    History,
    LeaseHeld,
    SessionStore,
    ToolStart,
    Unconfirmed,
)
from holdfast.acl import parse_version
from holdfast.roles import Place, Role, rule_for
from tests.servers import Install, Servers, start_cluster, start_standalone
from tests.stores import Lab, open_lab

_ADMINS = frozenset({"auth", "info", "config|resetstat", "cluster|slots", "hello"})
"""Sent by the administrator of this test, or allowed to everybody."""


def use_everything(store: SessionStore) -> None:
    """Every method of the store, on every path that sends commands of its own."""
    for history in History:
        session = store.create(user="ann", history=history, history_limit=2)
        for number in range(140):
            store.start_tool(session.session_id, f"c{number}", "find", {})
            store.finish_tool(session.session_id, f"c{number}", {})
        lease = store.acquire_lease(session.session_id)
        with pytest.raises(LeaseHeld):
            store.acquire_lease(session.session_id)
        head = store.append(
            session, [1, 2], lease=lease, fields={"a": "1"}, tools=[ToolStart("x", "find", {})]
        ).head
        store.append(head, [3], fields={"a": None})
        store.set_fields(session.session_id, {"b": "1", "a": None})
        store.touch(session.session_id)
        store.load(session.session_id)
        store.renew_lease(lease)
        store.release_lease(lease)
        store.publish(session.session_id, "hint")
        if history is History.TIMELINE:
            store.history(session.session_id)
        store.list_sessions("ann")
        store.end(session.session_id)
    lone = store.create()
    with pytest.raises(Unconfirmed):
        store.append(lone, [1], confirm=1)
    store.cache.put("a", b"1", ttl_seconds=60)
    store.cache.get("a")
    store.cache.delete("a")
    store.cache.get_or_compute("a", lambda: b"1", ttl_seconds=60)

    def fail() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.cache.get_or_compute("b", fail, ttl_seconds=60)


def fill_the_index(lab: Lab) -> None:
    """So that the next session pushes the oldest out, and a list meets one that is gone."""
    index = lab.space.user_index("ann")
    gone = [word for n in range(1001) for word in (10**13 + n, lab.space.mint("ann"))]
    lab.admin("ZADD", index, *gone)


def sent(servers: Servers) -> set[str]:
    """Every command that ran on any server since the statistics were reset."""
    found: set[str] = set()
    for node in servers.servers:
        for name, stats in servers.info(node.name, "commandstats").items():
            if name.startswith("cmdstat_") and not stats.startswith("calls=0,"):
                found.add(name.removeprefix("cmdstat_"))
    return found


def reset(servers: Servers) -> None:
    for node in servers.servers:
        servers.call(node.name, "CONFIG", "RESETSTAT")


def allowed(servers: Servers, role: Role, *, cluster: bool) -> set[str]:
    rule = rule_for(
        role,
        Place.SERVER,
        engine=servers.install.engine,
        version=parse_version(servers.install.version),
        cluster=cluster,
    )
    assert rule is not None
    return {*rule.commands, *(c for selector in rule.selectors for c in selector.commands)}


async def subscribe(store: AsyncSessionStore) -> None:
    session = await store.create()
    async with store.subscribe(session.session_id) as events:
        await events.next(10)


def test_svc_may_run_exactly_what_the_client_sends(server_install: Install, tmp_path: Path) -> None:
    with (
        start_standalone(server_install, tmp_path) as servers,
        open_lab(servers, api="sync", library="redis") as lab,
    ):
        fill_the_index(lab)
        reset(servers)
        use_everything(lab.store)
        session = lab.store.create()
        channel = lab.keys(session.session_id).channel
        elsewhere = session
        while lab.keys(elsewhere.session_id).channel == channel:
            elsewhere = lab.store.create()
        with lab.store.subscribe(session.session_id) as events, lab.store.subscribe(elsewhere):
            events.next(10)
        # After an idle time the pool tries a connection with a PING.
        missing = allowed(servers, Role.SVC, cluster=False) - sent(servers) - {"ping"}
        assert missing == set(), "the rule allows what nobody sends"
        assert sent(servers) - _ADMINS <= allowed(servers, Role.SVC, cluster=False)
        assert servers.call(lab.servers.servers[0].name, "ACL", "LOG") == []


async def test_the_asynchronous_client_sends_nothing_else(
    server_install: Install, tmp_path: Path
) -> None:
    with start_standalone(server_install, tmp_path) as servers:
        reset(servers)
        source = servers.connection.for_role("svc")
        async with holdfast.connect_async(source, tenant="acme") as store:
            await subscribe(store)
            session = await store.create(user="ann")
            await store.append(session, [1])
            await store.load(session.session_id)
        assert sent(servers) - _ADMINS <= allowed(servers, Role.SVC, cluster=False)
        assert servers.call(servers.servers[0].name, "ACL", "LOG") == []


def test_a_cluster_needs_no_more(server_install: Install, tmp_path: Path) -> None:
    with (
        start_cluster(server_install, tmp_path, replicas_per_primary=0) as servers,
        open_lab(servers, api="sync", library="redis") as lab,
    ):
        reset(servers)
        use_everything(lab.store)
        with lab.store.subscribe(lab.store.create().session_id) as events:
            events.next(10)
        unknown = sent(servers) - _ADMINS - allowed(servers, Role.SVC, cluster=True)
        assert unknown <= {"cluster|info", "ping"}
        for node in servers.servers:
            assert servers.call(node.name, "ACL", "LOG") == []


def test_a_worker_works_on_a_users_session_but_cannot_list_any(lab: Lab) -> None:
    session = lab.store.create(user="ann")
    worker = lab.open(role=Role.WORKER)
    lease = worker.acquire_lease(session.session_id)
    worker.start_tool(session.session_id, "c1", "find", {}, lease=lease)
    worker.finish_tool(session.session_id, "c1", "r", lease=lease)
    assert worker.append(worker.load(session.session_id), ["a"], lease=lease).seq == 1
    worker.publish(session.session_id, "done")
    assert worker.release_lease(lease)
    with pytest.raises(AccessDenied):
        worker.list_sessions("ann")
    assert lab.store.load(session.session_id).messages == ("a",)
    assert worker.end(session.session_id)
    assert lab.admin("EXISTS", lab.space.user_index("ann")) == 0


def test_a_script_that_is_refused_for_its_keys_is_access_denied(lab: Lab) -> None:
    session = lab.store.create(user="ann")
    for role in (Role.MONITOR, Role.CONSOLIDATOR):
        with pytest.raises(AccessDenied):
            lab.open(role=role).end(session.session_id)
    assert lab.store.load(session.session_id).seq == 0
