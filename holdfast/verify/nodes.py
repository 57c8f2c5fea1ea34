"""Which servers and Sentinels a store is made of, asked from the store itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from holdfast.connection import Address, Topology
from holdfast.errors import AccessDenied, HoldfastError, StoreUnavailable
from holdfast.keys import crc16
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.verify.access import Access
from holdfast.verify.probe import Link, Refused

SLOTS: Final = 16384
SETTLE_SECONDS: Final = 12.0
"""A Sentinel asks its servers every 10 s; only then it learns of a new replica."""

_POLL_SECONDS: Final = 0.1
_LOOK_ORDER: Final = (Role.ADMIN, Role.MONITOR, *APPLICATION_ROLES)


@dataclass(frozen=True, slots=True)
class Server:
    """One data node.

    Attributes:
        address: as announced by the store.
        primary: accepts writes.
        follows: address of its primary; None for a primary.
        slots: ranges it serves as primary (first, last), both included; empty outside a cluster.
    """

    address: Address
    primary: bool
    follows: Address | None = None
    slots: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Nodes:
    """The members of a store at one moment.

    Attributes:
        servers: primaries first.
        sentinels: as the Connection lists them.
        complete: False where the held roles could not ask for the replicas.
    """

    servers: tuple[Server, ...]
    sentinels: tuple[Address, ...] = ()
    complete: bool = True

    @property
    def everything(self) -> tuple[Address, ...]:
        """Servers, then Sentinels."""
        return (*(server.address for server in self.servers), *self.sentinels)

    @property
    def primaries(self) -> tuple[Server, ...]:
        """The servers that accept writes."""
        return tuple(server for server in self.servers if server.primary)

    def replicas_of(self, primary: Server) -> tuple[Server, ...]:
        """The servers that follow one primary."""
        return tuple(server for server in self.servers if server.follows == primary.address)

    def primary_of(self, key: str) -> Address:
        """The server that a key belongs to.

        Raises:
            StoreUnavailable: nobody serves the key's slot.
        """
        if not self.primaries[0].slots:
            return self.primaries[0].address
        slot = slot_of(key)
        for server in self.primaries:
            if any(first <= slot <= last for first, last in server.slots):
                return server.address
        raise StoreUnavailable(f"no server of the cluster serves slot {slot}")


def slot_of(key: str) -> int:
    """The cluster slot of a key: of its hash tag where it has one."""
    start = key.find("{")
    if start >= 0:
        end = key.find("}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc16(key.encode()) % SLOTS


def discover(access: Access) -> Nodes:
    """Ask the store for its members, with the strongest role that is held.

    Raises:
        StoreUnavailable: nobody answers, or there is no primary.
        TlsFailed: the first node that answers does not prove who it is.
        AccessDenied: it refuses the login.
    """
    connection = access.connection
    role = access.first_held(*_LOOK_ORDER, *Role)
    watches = role in (Role.ADMIN, Role.MONITOR)
    match connection.topology:
        case Topology.SENTINEL:
            service = connection.sentinel_service or ""
            return _ask_first(
                access,
                role,
                connection.sentinels,
                lambda link: _from_sentinel(link, service, connection.sentinels, watches=watches),
            )
        case Topology.CLUSTER:
            return _ask_first(
                access, role, connection.seeds, _from_shards if watches else _from_slots
            )
        case _:
            assert connection.primary is not None  # noqa: S101 - Connection promises it
            return _ask_first(
                access,
                role,
                (connection.primary,),
                lambda link: _from_primary(link, connection.reader),
            )


def settled_nodes(access: Access, stop: threading.Event) -> Nodes:
    """The members, once the store itself knows as many replicas as its primaries serve.

    Sentinels and nodes of a cluster learn of a new replica some seconds after its primary. Without
    a role that may ask the primaries, or when ``stop`` is set, the first answer is returned.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        nodes = discover(access)
        watchers = [role for role in (Role.MONITOR, Role.ADMIN) if access.holds(role)]
        if not watchers or time.monotonic() > deadline:
            return nodes
        if all(
            len(nodes.replicas_of(primary)) >= _attached_to(access, watchers[0], primary)
            for primary in nodes.primaries
        ):
            return nodes
        if stop.wait(_POLL_SECONDS):
            return nodes


def _attached_to(access: Access, role: Role, primary: Server) -> int:
    if access.connection.topology not in (Topology.SENTINEL, Topology.CLUSTER):
        return 0
    with access.borrow(primary.address, role) as link:
        lines = str(link.call("INFO", "replication")).splitlines()
    counts = [line.partition(":")[2] for line in lines if line.startswith("connected_slaves:")]
    return int(counts[0]) if counts else 0


def _ask_first(
    access: Access, role: Role, addresses: Sequence[Address], ask: Callable[[Link], Nodes]
) -> Nodes:
    problem: HoldfastError | None = None
    for address in addresses:
        try:
            with access.borrow(address, role) as link:
                return ask(link)
        except StoreUnavailable as error:
            problem = error
        except Refused as refusal:
            problem = AccessDenied(f"{address} refuses to say where the servers are: {refusal}")
    assert problem is not None  # noqa: S101 - a Connection has an address at least
    raise problem


def _from_primary(link: Link, reader: Address | None) -> Nodes:
    link.call("PING")
    primary = Server(link.address, primary=True)
    if reader is None or reader == link.address:
        return Nodes((primary,))
    return Nodes((primary, Server(reader, primary=False, follows=link.address)))


def _from_sentinel(
    link: Link, service: str, sentinels: tuple[Address, ...], *, watches: bool
) -> Nodes:
    found = link.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
    if found is None:
        raise StoreUnavailable(f"Sentinel {link.address} knows no service '{service}'")
    primary = Server(Address(found[0], int(found[1])), primary=True)
    if not watches:
        return Nodes((primary,), sentinels, complete=False)
    replicas = [pairs(entry) for entry in link.call("SENTINEL", "REPLICAS", service)]
    others = sorted(Address(entry["ip"], int(entry["port"])) for entry in replicas)
    followers = (Server(other, primary=False, follows=primary.address) for other in others)
    return Nodes((primary, *followers), sentinels)


def _from_shards(link: Link) -> Nodes:
    """Every node, also a replica that is down or that nothing was written to yet."""
    servers: list[Server] = []
    for shard in map(pairs, link.call("CLUSTER", "SHARDS")):
        flat = [int(slot) for slot in shard["slots"]]
        slots = tuple(sorted(zip(flat[::2], flat[1::2], strict=True)))
        members = [pairs(node) for node in shard["nodes"]]
        addresses = {
            node["id"]: _member((node["endpoint"], node.get("tls-port") or node["port"]), link)
            for node in members
        }
        # After a failover the shard still lists the old primary, as one that failed.
        leaders = sorted((n["health"] != "online", n["id"]) for n in members if _leads(n))
        if not leaders or not slots:
            continue
        primary = addresses.pop(leaders[0][1])
        servers.append(Server(primary, primary=True, slots=slots))
        servers += (Server(other, primary=False, follows=primary) for other in addresses.values())
    if not servers:
        raise StoreUnavailable(f"{link.address}: the cluster serves no slots")
    return Nodes(tuple(sorted(servers, key=lambda server: (not server.primary, server.address))))


def _leads(member: Mapping[str, Any]) -> bool:
    return bool(member["role"] == "master")


def _from_slots(link: Link) -> Nodes:
    """What every role of an application may ask: primaries, and replicas that serve reads."""
    slots: dict[Address, list[tuple[int, int]]] = {}
    follows: dict[Address, Address] = {}
    for first, last, primary, *replicas in link.call("CLUSTER", "SLOTS"):
        address = _member(primary, link)
        slots.setdefault(address, []).append((int(first), int(last)))
        follows.update((_member(replica, link), address) for replica in replicas)
    if not slots:
        raise StoreUnavailable(f"{link.address}: the cluster serves no slots")
    primaries = [
        Server(address, primary=True, slots=tuple(sorted(ranges)))
        for address, ranges in sorted(slots.items())
    ]
    others = [
        Server(address, primary=False, follows=primary)
        for address, primary in sorted(follows.items())
    ]
    return Nodes((*primaries, *others))


def _member(entry: Sequence[Any], link: Link) -> Address:
    # An empty or "?" name means: the address you asked.
    host = entry[0] if entry[0] and entry[0] != "?" else link.address.host
    return Address(host, int(entry[1]))


def pairs(flat: Sequence[Any]) -> dict[str, Any]:
    """A reply of names and values in turn, as a mapping."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
