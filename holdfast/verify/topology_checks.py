"""Checks of how the nodes stand to each other: replicas, Sentinels, cluster slots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from holdfast.connection import Address, Capability, Topology
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.verify.check import Check, Context, parse_info
from holdfast.verify.nodes import SETTLE_SECONDS, SLOTS, Nodes, Server, discover, pairs
from holdfast.verify.result import CheckFailed, Failure, Group, NotChecked, count_of, require

MAX_BEHIND_BYTES: Final = 1024 * 1024
"""A replica further behind than this is not in step: about a second of heavy traffic."""

IN_STEP_SECONDS: Final = 3.0
_FAILS_OVER: Final = (Topology.SENTINEL, Topology.CLUSTER)
_MAY_ASK_FOR_SLOTS: Final = (Role.ADMIN, Role.MONITOR, *APPLICATION_ROLES)
_GUARDED_FROM: Final = 2
_LEAST_SENTINELS: Final = 3
_LEAST_QUORUM: Final = 2


def _replicas_in_step(context: Context) -> str:
    if context.connection.topology is Topology.STANDALONE:
        raise NotChecked("a standalone store has no replicas")
    _require_servers(context)
    return _until(context, lambda: _out_of_step(context, _nodes(context)), IN_STEP_SECONDS)


def _out_of_step(context: Context, nodes: Nodes) -> Failure | str:
    behind = replicas = 0
    # A service says itself how many replicas there are to be, and none is a choice there.
    fails_over = context.connection.topology in _FAILS_OVER and not context.connection.managed
    for primary in nodes.primaries:
        state = context.info(primary.address, "replication")
        known = _followers(context, nodes, primary)
        attached = _attached(state)
        replicas += len(attached)
        if len(attached) < max(len(known), fails_over):
            return Failure(
                f"{max(len(known), 1)} replicas attached to {primary.address}",
                f"{len(attached)}",
                "see the logs of the missing replicas; without them nothing can fail over",
            )
        for replica in attached:
            lag = int(state["master_repl_offset"]) - int(replica["offset"])
            behind = max(behind, lag)
            if replica["state"] != "online" or lag > MAX_BEHIND_BYTES:
                return Failure(
                    f"replicas online and at most {MAX_BEHIND_BYTES} bytes behind",
                    f"{replica['ip']}:{replica['port']} is {replica['state']}, {lag} behind",
                    "wait for its synchronisation; if it stays, see its log",
                )
        for follower in known:
            link = context.info(follower.address, "replication").get("master_link_status")
            if link != "up":
                return Failure(
                    "every replica linked to its primary",
                    f"{follower.address} says master_link_status:{link}",
                    "see its log: often primaryauth, the CA or the network",
                )
    return f"{count_of(replicas, 'replica')}, at most {behind} bytes behind"


def _followers(context: Context, nodes: Nodes, primary: Server) -> tuple[Server, ...]:
    """The replicas of a primary; one name for all of them leads to it where it has none."""
    known = nodes.replicas_of(primary)
    if context.connection.topology is not Topology.REPLICATION_GROUP:
        return known
    return tuple(
        server
        for server in known
        if context.info(server.address, "replication").get("role") != "master"
    )


def _require_servers(context: Context) -> None:
    if context.connection.topology is Topology.SERVERLESS:
        raise NotChecked("a serverless cache shows none of its servers")


def _attached(state: Mapping[str, str]) -> list[dict[str, str]]:
    """The replicas that a primary's INFO lists."""
    return [
        dict(part.partition("=")[::2] for part in value.split(","))
        for name, value in state.items()
        if name.startswith("slave") and value.startswith("ip=")
    ]


def _min_replicas(context: Context) -> str:
    _require_servers(context)
    said = [_guard(context, primary) for primary in context.nodes.primaries]
    return said[0]


def _guard(context: Context, primary: Server) -> str:
    state = context.info(primary.address, "replication")
    replicas = int(state.get("connected_slaves", "0"))
    # INFO has this line only where both limits are set.
    good = state.get("min_slaves_good_slaves")
    if good is None and context.connection.managed:
        return (
            f"min-replicas-to-write 0 with {count_of(replicas, 'replica')}: it is the service that "
            "ends a primary which is cut off; turns that it acknowledged alone by then are lost, "
            "those that asked for a replica (confirm=1) are not"
        )
    if good is None:
        if replicas >= _GUARDED_FROM:
            raise CheckFailed(
                f"min-replicas-to-write at least 1 with {replicas} replicas",
                f"0 on {primary.address}",
                "set min-replicas-to-write 1 and min-replicas-max-lag 3: a primary that is cut "
                "off would go on acknowledging writes that the failover throws away",
            )
        if replicas:
            return (
                "min-replicas-to-write 0, as one replica must be allowed to fail: turns that a "
                "primary acknowledges alone are lost if it fails before the replica is back"
            )
        return (
            "min-replicas-to-write 0, as there is no replica: acknowledged turns are as safe as "
            "this server's disk (appendfsync everysec: the last second may be lost)"
        )
    needed, lag = "some", "a limit"
    access = context.access
    if access.holds(Role.ADMIN) and Capability.CONFIG in context.connection.capabilities:
        found = pairs(context.call(primary.address, Role.ADMIN, "CONFIG", "GET", "min-replicas-*"))
        needed, lag = found["min-replicas-to-write"], f"{found['min-replicas-max-lag']} s"
    return (
        f"min-replicas-to-write {needed} within {lag} ({good} now): a primary that is cut off "
        "soon refuses writes, which bounds what a failover can lose and does not remove it"
    )


def _sentinels_and_quorum(context: Context) -> str:
    sentinels = _sentinels(context)
    count = len(sentinels)
    if count % 2 == 0 or count < _LEAST_SENTINELS:
        raise CheckFailed(
            "an odd number of Sentinels, 3 at least",
            str(count),
            "an even number stops at the loss of half of them; run one more or one less",
        )
    majority = count // 2 + 1
    for address in sentinels:
        quorum = int(_master(context, address)["quorum"])
        if not _LEAST_QUORUM <= quorum <= majority:
            raise CheckFailed(
                f"a quorum of {_LEAST_QUORUM} to {majority} of {count} on every Sentinel",
                f"{quorum} on {address}",
                f"SENTINEL SET {context.connection.sentinel_service} quorum {majority} there: one "
                "alone must not decide, and more than the majority cannot when the others are down",
            )
    # After a start the Sentinels find each other within seconds.
    return _until(context, lambda: _out_of_reach(context, sentinels), SETTLE_SECONDS) or (
        f"{count} Sentinels, quorum {quorum}, reached from each"
    )


def _out_of_reach(context: Context, sentinels: Sequence[Address]) -> Failure | str:
    role = context.access.first_held(Role.ADMIN, Role.MONITOR)
    for address in sentinels:
        with context.access.borrow(address, role) as link:
            reply = link.attempt(
                [("SENTINEL", "CKQUORUM", context.connection.sentinel_service or "")]
            )[0]
        if not str(reply).startswith("OK"):
            return Failure(
                "enough Sentinels in reach to fail over", f"{address}: {reply}", "start the others"
            )
    return ""


def _sentinels_see(context: Context) -> str:
    sentinels = _sentinels(context)

    def look() -> Failure | str:
        primary = context.nodes.primaries[0].address
        replicas = int(context.info(primary, "replication").get("connected_slaves", "0"))
        for address in sentinels:
            problem = _blind_spot(context, address, primary, replicas)
            if problem is not None:
                return problem
        return f"{len(sentinels)} Sentinels, each sees {len(sentinels) - 1} and {replicas} replicas"

    return _until(context, look, SETTLE_SECONDS)


def _blind_spot(
    context: Context, address: Address, primary: Address, replicas: int
) -> Failure | None:
    service = context.connection.sentinel_service or ""
    state = _master(context, address)
    role = context.access.first_held(Role.ADMIN, Role.MONITOR)
    with context.access.borrow(address, role) as link:
        others = [pairs(entry) for entry in link.call("SENTINEL", "SENTINELS", service)]
        followers = [pairs(entry) for entry in link.call("SENTINEL", "REPLICAS", service)]
    watched = Address(state["ip"], int(state["port"]))
    count = len(context.connection.sentinels)
    facts = (
        (watched == primary, f"the primary at {primary}", f"at {watched}"),
        (state["flags"] == "master", "the primary up", f"flags {state['flags']}"),
        (len(others) == count - 1, f"{count - 1} other Sentinels", f"{len(others)}"),
        (len(followers) == replicas, f"{replicas} replicas", f"{len(followers)}"),
        *((_is_up(o), "the others up", f"{_at(o)} {o['flags']}") for o in others),
        *((f["flags"] == "slave", "replicas up", f"{_at(f)} {f['flags']}") for f in followers),
    )
    for holds, expected, found in facts:
        if not holds:
            return Failure(
                f"each Sentinel sees {expected}",
                f"Sentinel {address} sees {found}",
                f"start what is down; what is gone for good: SENTINEL RESET {service} there",
            )
    return None


def _is_up(sentinel: Mapping[str, str]) -> bool:
    # After a failover the others keep the flag master_down, which was about the old primary.
    return set(sentinel["flags"].split(",")) <= {"sentinel", "master_down"}


def _slots(context: Context) -> str:
    if context.connection.topology is Topology.SERVERLESS:
        return _slots_behind_one_name(context)
    if context.connection.topology is not Topology.CLUSTER:
        raise NotChecked(f"a {context.connection.topology} store has no slots")
    role = context.access.first_held(Role.ADMIN, Role.MONITOR)
    served = sum(last - first + 1 for p in context.nodes.primaries for first, last in p.slots)
    for server in context.nodes.servers:
        state = parse_info(context.call(server.address, role, "CLUSTER", "INFO"))
        slots = int(state["cluster_slots_ok"])
        if state["cluster_state"] != "ok" or slots != SLOTS or served != SLOTS:
            raise CheckFailed(
                f"all {SLOTS} slots served, as every node sees it",
                f"{min(slots, served)}, state {state['cluster_state']} by {server.address}",
                "start the missing primaries; pulumi up --refresh mends lost slots",
            )
    return f"{SLOTS} slots on {count_of(len(context.nodes.primaries), 'server')}"


def _slots_behind_one_name(context: Context) -> str:
    role = context.access.first_held(*_MAY_ASK_FOR_SLOTS)
    reply = context.call(context.nodes.primaries[0].address, role, "CLUSTER", "SLOTS")
    served = sum(int(last) - int(first) + 1 for first, last, *_ in reply)
    require(
        served == SLOTS,
        f"all {SLOTS} slots served",
        str(served),
        "wait: the service is changing the cache",
    )
    return f"{SLOTS} slots behind one name"


def _sentinels(context: Context) -> tuple[Address, ...]:
    if context.connection.topology is not Topology.SENTINEL:
        raise NotChecked(f"a {context.connection.topology} store has no Sentinels")
    return context.connection.sentinels


def _master(context: Context, address: Address) -> dict[str, Any]:
    role = context.access.first_held(Role.ADMIN, Role.MONITOR)
    service = context.connection.sentinel_service or ""
    return pairs(context.call(address, role, "SENTINEL", "MASTER", service))


def _at(entry: Mapping[str, str]) -> str:
    return f"{entry['ip']}:{entry['port']}"


def _nodes(context: Context) -> Nodes:
    context.access.first_held(Role.MONITOR, Role.ADMIN)
    return discover(context.access)


def _until(context: Context, look: Callable[[], Failure | str], timeout_seconds: float) -> str:
    """Look until all is well, for what settles by itself within a known time."""
    seen: list[Failure | str] = []

    def settled() -> bool:
        seen.append(look())
        return isinstance(seen[-1], str)

    context.wait_until(settled, timeout_seconds=timeout_seconds)
    last = seen[-1]
    if isinstance(last, Failure):
        raise CheckFailed(last.expected, last.found, last.fix)
    return last


CHECKS: Final = (
    Check(Group.STORE, "replicas are in step", _replicas_in_step),
    Check(Group.STORE, "what a primary without replicas does", _min_replicas, shown=True),
    Check(Group.STORE, "an odd number of Sentinels with a sound quorum", _sentinels_and_quorum),
    Check(Group.STORE, "each Sentinel sees the others and the replicas", _sentinels_see),
    Check(Group.STORE, "every slot of the cluster is served", _slots),
)
