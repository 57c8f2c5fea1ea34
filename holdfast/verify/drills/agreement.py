"""Three views of a store that have to be one: its processes, its Sentinels, and its clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from holdfast.client import open_executor
from holdfast.commands import session, turn
from holdfast.commands.scope import Scope
from holdfast.connection import Address, Connection
from holdfast.errors import HoldfastError, Unconfirmed
from holdfast.keys import RESERVED_TENANT, History, KeySpace
from holdfast.options import ClientOptions
from holdfast.roles import Role
from holdfast.source import StaticSource
from holdfast.ttl import Ttl
from holdfast.verify.access import Access
from holdfast.verify.check import Context
from holdfast.verify.cleanup import Cleanup
from holdfast.verify.denials import Denials
from holdfast.verify.drills.managed import ManagedMeans
from holdfast.verify.drills.managed import look as look_managed
from holdfast.verify.drills.means import Process, State
from holdfast.verify.drills.result import Interrupted
from holdfast.verify.nodes import Nodes, discover, pairs
from holdfast.verify.result import Outcome
from holdfast.verify.runner import run_checks
from holdfast.verify.topology_checks import CHECKS

SETTLE_SECONDS: Final = 90.0
"""An old primary is a replica again about 12 s after it is back, once in a while after 45 s."""

_LOOK_SECONDS: Final = 0.5
_CLIENT_DEADLINE_SECONDS: Final = 5.0


def agree(
    connection: Connection,
    processes: Callable[[], Sequence[Process]],
    *,
    stop: threading.Event | None = None,
    timeout_seconds: float = SETTLE_SECONDS,
    managed: ManagedMeans | None = None,
    candidates: bool = False,
) -> tuple[str, str]:
    """Look until all agree or the time is over.

    Args:
        connection: the store.
        processes: asked for every process of the store, as the target shows it.
        stop: ends it early.
        timeout_seconds: how long to look; 0 looks once.
        managed: the hands on a store whose servers a service runs, which is asked in place of
            Sentinels.
        candidates: each Sentinel is to know a replica that may lead, too. It reads what a replica
            says of itself every 10 s, so that just after a failover it may know of none.

    Returns:
        What they agree on, and what is wrong; one of the two is empty.

    Raises:
        Interrupted: ``stop`` was set.
        StoreUnavailable, TlsFailed, AccessDenied: at the end of the time nobody answers.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        last = time.monotonic() >= deadline
        try:
            if managed is not None:
                agreed, problem = _look_at_service(connection, managed)
            else:
                agreed, problem = _look(connection, processes(), candidates=candidates)
        except HoldfastError as error:
            if last:
                raise
            agreed, problem = "", str(error)
        if agreed or last:
            return agreed, problem
        if stop is not None and stop.wait(_LOOK_SECONDS):
            raise Interrupted("while the store was looked at")
        if stop is None:
            time.sleep(_LOOK_SECONDS)


def _look_at_service(connection: Connection, managed: ManagedMeans) -> tuple[str, str]:
    return look_managed(
        connection,
        managed,
        lambda access: _checks(connection, access, discover(access)),
        lambda replicas: _written(connection, replicas),
    )


def _look(
    connection: Connection, processes: Sequence[Process], *, candidates: bool
) -> tuple[str, str]:
    unwell = [f"{p.name} is {p.state}" for p in processes if p.state is not State.RUNNING]
    if unwell:
        return "", ", ".join(unwell)
    access = Access(connection)
    try:
        nodes = discover(access)
        servers = {process.address for process in processes if not process.sentinel}
        known = {server.address for server in nodes.servers}
        if servers != known:
            return "", f"the servers are {_list(servers)}, the Sentinels know {_list(known)}"
        problem = _servers(access, nodes) or _checks(connection, access, nodes)
        problem = problem or _client(connection, nodes)
        if candidates:
            problem = problem or _without_candidate(access)
    finally:
        access.close()
    if problem:
        return "", problem
    return (
        f"{len(nodes.servers)} servers, {len(nodes.sentinels)} Sentinels and the clients agree "
        f"on the primary {nodes.primaries[0].address}"
    ), ""


def _servers(access: Access, nodes: Nodes) -> str:
    """Each server says itself who it is; a second primary would not show in the Sentinels."""
    primary = nodes.primaries[0].address
    for server in nodes.servers:
        with access.borrow(server.address, Role.ADMIN) as link:
            role = link.call("ROLE")
        if role[0] == "master" and server.address != primary:
            return f"{server.address} is a primary too, beside {primary}"
        if role[0] != "master" and Address(role[1], int(role[2])) != primary:
            return f"{server.address} follows {role[1]}:{role[2]}, not {primary}"
    return ""


def _without_candidate(access: Access) -> str:
    """Which Sentinel would find no replica good enough, were it to fail over now."""
    service = access.connection.sentinel_service or ""
    for sentinel in access.connection.sentinels:
        with access.borrow(sentinel, Role.ADMIN) as link:
            replicas = [pairs(one) for one in link.call("SENTINEL", "REPLICAS", service)]
        if not any(may_lead(replica) for replica in replicas):
            return f"the Sentinel {sentinel} knows no replica that may lead"
    return ""


def may_lead(replica: Mapping[str, str]) -> bool:
    """Whether a Sentinel that describes a replica like this would promote it."""
    return (
        replica.get("flags") == "slave"
        and replica.get("master-link-status") == "ok"
        and replica.get("slave-priority", "0") != "0"
    )


def _checks(connection: Connection, access: Access, nodes: Nodes) -> str:
    """The checks of smoke: replicas in step, every Sentinel sees everybody."""
    context = Context(
        connection=connection,
        access=access,
        nodes=nodes,
        cleanup=Cleanup(access, KeySpace(connection.app, RESERVED_TENANT, connection.buckets)),
        denials=Denials({}),
        stop=threading.Event(),
    )
    failed = [r for r in run_checks(context, CHECKS) if r.outcome is Outcome.FAIL]
    return failed[0].error or "" if failed else ""


def _client(connection: Connection, nodes: Nodes) -> str:
    """A client of its own finds the primary, and all replicas confirm what it writes there."""
    problem, found = _written(connection, len(nodes.servers) - 1)
    primary = nodes.primaries[0].address
    if problem or found == primary:
        return problem
    return f"clients write to {found}, the primary is {primary}"


def _written(connection: Connection, replicas: int) -> tuple[str, Address | None]:
    """Write as a client does, confirmed by so many replicas; what is wrong, and where it went."""
    narrow = connection.for_role(Role.SVC)
    options = ClientOptions(deadline_seconds=_CLIENT_DEADLINE_SECONDS)
    scope = Scope.of(narrow, RESERVED_TENANT, confirm_ms=options.confirm_ms)
    executor = open_executor(StaticSource(narrow), role=Role.SVC, options=options)
    try:
        made = executor.run(
            session.create(
                scope,
                user=None,
                ttl=Ttl.chat(),
                fields={},
                history=History.LIST,
                history_limit=1,
            )
        )
        try:
            executor.run(turn.append(scope, made, ["agree"], confirm=replicas))
        except Unconfirmed as error:
            return f"WAIT counts {error.confirmed} of {replicas} replicas", None
        finally:
            executor.run(session.end(scope, made.session_id))
        found = executor.where(scope.keys.session(made.session_id).session)
    finally:
        executor.close()
    return "", found


def watched_primaries(access: Access) -> dict[Address, Address | None]:
    """Whom each Sentinel names as the primary; None for one that does not answer."""
    connection = access.connection
    service = connection.sentinel_service or ""
    named: dict[Address, Address | None] = {}
    for sentinel in connection.sentinels:
        try:
            with access.borrow(sentinel, Role.ADMIN) as link:
                state = pairs(link.call("SENTINEL", "MASTER", service))
            named[sentinel] = Address(state["ip"], int(state["port"]))
        except HoldfastError:
            # Down or frozen, as the drill wanted it.
            named[sentinel] = None
    return named


def _list(addresses: set[Address]) -> str:
    return ", ".join(map(str, sorted(addresses)))
