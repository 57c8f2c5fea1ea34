"""Checks of walls: between tenants, and around the machine that a server runs on."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from holdfast.connection import Address, Topology
from holdfast.errors import SessionNotFound
from holdfast.roles import Role
from holdfast.verify.check import Check, Context, parse_info
from holdfast.verify.result import CheckFailed, Group, NotChecked, count_of, require

OTHER_TENANT: Final = "holdfast-verify-other"
_LISTENING: Final = "0A"
_PROC: Final = Path("/proc")
_TABLES: Final = ("net/tcp", "net/tcp6")


def _other_tenant(context: Context) -> str:
    session = context.session(user=f"owner-{context.run_id}")
    session_id = session.session_id
    stranger = context.store(OTHER_TENANT)
    attempts: tuple[tuple[str, Callable[[], object]], ...] = (
        ("load", lambda: stranger.load(session_id)),
        ("append", lambda: stranger.append(session, [{"by": "stranger"}])),
        ("set_fields", lambda: stranger.set_fields(session_id, {"by": "stranger"})),
        ("start_tool", lambda: stranger.start_tool(session_id, "call", "search", {})),
        ("acquire_lease", lambda: stranger.acquire_lease(session_id)),
    )
    for name, attempt in attempts:
        try:
            attempt()
        except SessionNotFound:
            continue
        raise CheckFailed(
            f"SessionNotFound from {name} for another tenant's session",
            "an answer",
            "stop using this version: tenants are not kept apart",
        )
    require(
        not stranger.end(session_id), "nothing to end for another tenant", "it ended", "report it"
    )
    listed = stranger.list_sessions(f"owner-{context.run_id}").sessions
    require(not listed, "no session listed for another tenant", listed, "report it")
    found = context.store().load(session_id)
    require(found.seq == 0 and not found.fields, "an untouched session", found, "report it")
    return f"not found by {', '.join(name for name, _ in attempts)}, end and list"


def _bound(context: Context) -> str:
    if context.connection.target != "local":
        raise NotChecked(
            "what a server binds can be seen on its own machine only; this one is remote"
        )
    if not sys.platform.startswith("linux"):
        raise NotChecked("this machine has no /proc/net/tcp")
    by_process = 0
    for address in context.nodes.everything:
        require(
            _is_loopback(address.host),
            "a loopback address",
            str(address),
            "a local store is for this machine alone: bind 127.0.0.1",
        )
        by_process += _listens_only_at(context, address)
    count = len(context.nodes.everything)
    if by_process == count:
        return f"every listening socket of {count_of(count, 'node')} is on loopback"
    return (
        f"{count_of(count, 'port')} on loopback; {count_of(count - by_process, 'process')[:]}"
        " belong to another user"
    )


def _listens_only_at(context: Context, address: Address) -> bool:
    """Check one process, or only its port where the process cannot be looked into."""
    sockets = _sockets_of(_pid(context, address))
    table = listening()
    if sockets is None:
        mine = [found for found, _ in table if found.port == address.port]
    else:
        mine = [found for found, inode in table if inode in sockets]
    require(
        any(found.port == address.port for found in mine),
        f"a socket that listens on port {address.port}",
        "none",
        "see whether the process of that node runs on this machine",
    )
    outside = [found for found in mine if not _is_loopback(found.host)]
    require(
        not outside,
        "sockets on loopback only",
        f"{address} also listens at {', '.join(map(str, outside))}",
        "set 'bind 127.0.0.1' on that server",
    )
    # A node of a cluster has one more port, its bus.
    expected = 2 if context.connection.topology is Topology.CLUSTER else 1
    ports = {found.port for found in mine}
    require(
        len(ports) <= expected,
        f"{expected} listening port{'s' if expected > 1 else ''}",
        f"{address} also listens on {', '.join(map(str, sorted(ports - {address.port})))}",
        "set 'port 0' on that server, and look what else it opens",
    )
    return sockets is not None


def _pid(context: Context, address: Address) -> int:
    role = context.access.first_held(Role.ADMIN, Role.MONITOR)
    return int(parse_info(context.call(address, role, "INFO", "server"))["process_id"])


def _sockets_of(pid: int) -> set[str] | None:
    """Inodes of a process's sockets; None where it is not ours to look into."""
    found = set()
    try:
        for entry in (_PROC / str(pid) / "fd").iterdir():
            try:
                link = str(entry.readlink())
            except FileNotFoundError:
                continue
            if link.startswith("socket:["):
                found.add(link[len("socket:[") : -1])
    except (PermissionError, FileNotFoundError):
        return None
    return found


def listening() -> list[tuple[Address, str]]:
    """Every TCP socket that listens on this machine, with its inode."""
    found = []
    for name in _TABLES:
        path = _PROC / name
        if not path.exists():
            continue
        for line in path.read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTENING:
                found.append((_address(words[1]), words[9]))
    return found


def _address(text: str) -> Address:
    """``0100007F:1DB0`` as an address: the kernel prints words in the machine's byte order."""
    host, _, port = text.partition(":")
    raw = bytes.fromhex(host)
    words = [raw[i : i + 4] for i in range(0, len(raw), 4)]
    if sys.byteorder == "little":
        words = [word[::-1] for word in words]
    family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6  # noqa: PLR2004 - bytes of IPv4
    return Address(socket.inet_ntop(family, b"".join(words)), int(port, 16))


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


CHECKS: Final = (
    Check(Group.SECURITY, "another tenant's session is not found", _other_tenant),
    Check(Group.SECURITY, "servers listen where they should and nowhere else", _bound),
)
