"""How servers become a cluster, step by step. Pure: views of the nodes in, commands out.

Each round looks at all nodes and gives the commands of the first thing that is not as it should
be. So a half-formed cluster is finished, a formed one is left alone, and what the cluster did by
itself (a failover, a resolved epoch) is taken as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from holdfast.connection import Address
from holdfast.errors import ConfigError, StoreUnavailable

SLOTS: Final = 16384
_FIELDS: Final = 8
_PASSING: Final = frozenset({"handshake"})
_GONE: Final = frozenset({"fail", "noaddr"})


@dataclass(frozen=True, slots=True)
class Peer:
    """A line of CLUSTER NODES.

    Attributes:
        id: the node's id.
        address: where it listens; None if the one who says it does not know.
        flags: ``myself``, ``master``, ``slave``, ``fail``, ``handshake``, ...
        primary_id: whose replica it is, empty for a primary.
        epoch: its config epoch.
        linked: whether the one who says it has a connection to it.
        slots: ranges that it serves, ends included.
    """

    id: str
    address: Address | None
    flags: frozenset[str]
    primary_id: str = ""
    epoch: int = 0
    linked: bool = True
    slots: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """What one node says of the cluster.

    Attributes:
        address: the node's.
        peers: all nodes that it knows, itself included.
        ok: it says ``cluster_state:ok``.
        slots_ok: slots that it says are served.
        keys: keys that it has.
        in_step: a primary, or a replica that follows its primary.
    """

    address: Address
    peers: tuple[Peer, ...]
    ok: bool = False
    slots_ok: int = 0
    keys: int = 0
    in_step: bool = True

    @property
    def myself(self) -> Peer:
        """The line about itself."""
        return next(peer for peer in self.peers if "myself" in peer.flags)

    @property
    def others(self) -> list[Peer]:
        """The nodes that it has met."""
        return [p for p in self.peers if not p.flags & (_PASSING | {"myself"})]


@dataclass(frozen=True, slots=True)
class Command:
    """A command for one node."""

    node: Address
    words: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """What to do next. No commands and not done: wait and look again."""

    waits_for: str
    commands: tuple[Command, ...] = ()
    done: bool = False


def parse_nodes(text: str) -> tuple[Peer, ...]:
    """Read CLUSTER NODES."""
    return tuple(_parse(line.split()) for line in text.splitlines() if line.strip())


def _parse(words: list[str]) -> Peer:
    # <ip>:<port>@<bus port>[,<host name>[,<name>=<value>...]]; no ip where a node does not know
    # its own yet, port 0 and tls-port=<port> in the nodes.conf of Valkey.
    place, *extras = words[1].split(",")
    host, _, port = place.partition("@")[0].rpartition(":")
    port = next((e.removeprefix("tls-port=") for e in extras if e.startswith("tls-port=")), port)
    ranges = [word.partition("-") for word in words[_FIELDS:] if not word.startswith("[")]
    return Peer(
        id=words[0],
        address=Address(host, int(port)) if host and int(port) else None,
        flags=frozenset(words[2].replace("fail?", "pfail").split(",")),
        primary_id="" if words[3] == "-" else words[3],
        epoch=int(words[6]),
        linked=words[7] == "connected",
        slots=tuple((int(first), int(last or first)) for first, _, last in ranges),
    )


def next_round(views: Sequence[View], replicas_per_primary: int) -> Round:
    """Find the first thing to do.

    Args:
        views: of all nodes, in the order of the inputs: the first ones are meant as primaries.
        replicas_per_primary: how many of the nodes follow each primary.

    Raises:
        ConfigError: a node belongs to another cluster, or holds data that is not of this one.
    """
    _refuse_foreign(views)
    steps = (
        ("epochs", _set_epochs(views)),
        ("the nodes to forget those that are gone", _forget(views)),
        ("the nodes to meet", _meet(views)),
    )
    for waits_for, commands in steps:
        if commands:
            return Round(waits_for, tuple(commands))
    if not _all_met(views):
        return Round("the nodes to meet")
    primaries = len(views) // (replicas_per_primary + 1)
    commands = _add_slots(views, primaries) or _add_replicas(views, primaries)
    if commands:
        return Round("slots and replicas", tuple(commands))
    if not all(view.ok and view.slots_ok == SLOTS for view in views):
        return Round("cluster_state:ok on every node")
    if not all(view.in_step for view in views):
        return Round("the replicas to be in step")
    return Round("nothing", done=True)


def _refuse_foreign(views: Sequence[View]) -> None:
    ours = {view.address for view in views}
    for view in views:
        for peer in view.others:
            if peer.address and peer.address not in ours and not _is_gone(peer):
                raise ConfigError(
                    "nodes",
                    str(view.address),
                    f"nodes of this cluster alone, but it knows {peer.address}",
                    "give it a data folder of its own, or take that node in",
                )
        served = any(peer.id == view.myself.id and peer.slots for v in views for peer in v.peers)
        if view.keys and not served and not view.myself.primary_id:
            raise ConfigError(
                "nodes",
                str(view.address),
                f"a node without data of its own (it serves no slot and holds {view.keys} keys)",
                "save that data and empty the node, or leave it out",
            )


def _is_gone(peer: Peer) -> bool:
    return bool(peer.flags & _GONE) and not peer.slots


def _set_epochs(views: Sequence[View]) -> list[Command]:
    """Two primaries of one epoch would have to sort that out first."""
    highest = max(peer.epoch for view in views for peer in view.peers)
    fresh = [v for v in views if not v.myself.epoch and len(v.peers) == 1]
    if len(views) == 1:
        return []
    return [
        Command(view.address, ("CLUSTER", "SET-CONFIG-EPOCH", highest + number))
        for number, view in enumerate(fresh, 1)
    ]


def _forget(views: Sequence[View]) -> list[Command]:
    """A node that came back without its data has a new id; its old one only confuses."""
    ours = {view.myself.id for view in views}
    return [
        Command(view.address, ("CLUSTER", "FORGET", peer.id))
        for view in views
        for peer in view.others
        if peer.id not in ours and _is_gone(peer) and view.myself.primary_id != peer.id
    ]


def _meet(views: Sequence[View]) -> list[Command]:
    hub = max(views, key=lambda view: (len(view.others), -views.index(view)))
    known = {peer.id for peer in hub.others} | {hub.myself.id}
    greeted = {peer.address for peer in hub.peers if peer.flags & _PASSING}
    return [
        Command(hub.address, ("CLUSTER", "MEET", view.address.host, view.address.port))
        for view in views
        if view.myself.id not in known and view.address not in greeted
    ]


def _all_met(views: Sequence[View]) -> bool:
    ids = {view.myself.id for view in views}
    return all(
        ids <= {view.myself.id, *(peer.id for peer in view.others if peer.linked)} for view in views
    )


def _add_slots(views: Sequence[View], primaries: int) -> list[Command]:
    taken = {
        slot
        for view in views
        for peer in view.peers
        for first, last in peer.slots
        for slot in range(first, last + 1)
    }
    commands = []
    for number in range(primaries):
        bounds = [number * SLOTS // primaries, (number + 1) * SLOTS // primaries]
        missing = [slot for slot in range(*bounds) if slot not in taken]
        if missing:
            ends = [end for pair in ranges(missing) for end in pair]
            owner = _primary_of(views[number], views)
            commands.append(Command(owner.address, ("CLUSTER", "ADDSLOTSRANGE", *ends)))
    return commands


def _primary_of(view: View, views: Sequence[View]) -> View:
    """The node itself, or, where a failover made it a replica, the one that it follows."""
    by_id = {other.myself.id: other for other in views}
    return by_id.get(view.myself.primary_id, view)


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Sorted numbers as ranges, ends included."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _add_replicas(views: Sequence[View], primaries: int) -> list[Command]:
    serving = [view for view in views if view.myself.slots]
    idle = [v for v in views if not v.myself.slots and not v.myself.primary_id]
    if len(serving) < primaries:
        return []
    load = Counter(view.myself.primary_id for view in views)
    commands = []
    for view in idle:
        # The fewest replicas first; among equals in the order of the inputs.
        target = min(serving, key=lambda v: load[v.myself.id])
        load[target.myself.id] += 1
        commands.append(Command(view.address, ("CLUSTER", "REPLICATE", target.myself.id)))
    return commands


def stuck(waits_for: str, views: Sequence[View], seconds: float) -> StoreUnavailable:
    """The error that says how far it came."""
    covered = max((view.slots_ok for view in views), default=0)
    not_ok = ", ".join(str(view.address) for view in views if not view.ok) or "none"
    return StoreUnavailable(
        f"the cluster is not formed after {seconds:g} s: waited for {waits_for}; "
        f"{covered} of {SLOTS} slots are served; not ok according to: {not_ok}"
    )


def with_addresses(view: View) -> View:
    """A node that has met nobody does not know its own address; we do."""
    return replace(
        view,
        peers=tuple(
            replace(peer, address=view.address) if "myself" in peer.flags else peer
            for peer in view.peers
        ),
    )
