"""Which process holds a TCP port on this machine, read from /proc."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LISTEN: Final = "0A"
_TABLES: Final = ("net/tcp", "net/tcp6")
_INODE_COLUMN: Final = 9


@dataclass(frozen=True, slots=True)
class Holder:
    """Who listens on a port; pid and name are None where another user's process hides them."""

    port: int
    pid: int | None = None
    name: str | None = None

    def __str__(self) -> str:
        """``port 7600, held by pid 12 (valkey-server)``."""
        if self.pid is None:
            return f"port {self.port}, held by a process of another user"
        return f"port {self.port}, held by pid {self.pid} ({self.name or 'unknown'})"


def holder(address: str, port: int, *, proc: Path = Path("/proc")) -> Holder | None:
    """Who listens on this address and port (or on the port of all addresses), None if nobody."""
    inodes = {
        inode
        for host, listening, inode in _listeners(proc)
        if listening == port and _overlaps(host, address)
    }
    if not inodes:
        return None
    for pid in _pids(proc):
        if _has_socket(proc / str(pid), inodes):
            return Holder(port, pid, _name(proc / str(pid)))
    return Holder(port)


def _listeners(proc: Path) -> Iterator[tuple[str, int, str]]:
    for table in _TABLES:
        try:
            lines = (proc / table).read_text().splitlines()[1:]
        except FileNotFoundError:
            continue
        for columns in map(str.split, lines):
            if columns[3] == _LISTEN:
                host, _, port = columns[1].partition(":")
                yield _decode(host), int(port, 16), columns[_INODE_COLUMN]


def _decode(text: str) -> str:
    """The kernel prints addresses as native 32-bit words."""
    data = bytes.fromhex(text)
    words = [data[at : at + 4][::-1] for at in range(0, len(data), 4)]
    return str(ipaddress.ip_address(b"".join(words)))


def _overlaps(listening: str, wanted: str) -> bool:
    bound, address = ipaddress.ip_address(listening), ipaddress.ip_address(wanted)
    if isinstance(bound, ipaddress.IPv6Address) and bound.ipv4_mapped:
        bound = bound.ipv4_mapped
    return bound == address or bound.is_unspecified or address.is_unspecified


def _pids(proc: Path) -> Iterator[int]:
    for entry in proc.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _has_socket(process: Path, inodes: set[str]) -> bool:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    try:
        return any(os.readlink(link) in wanted for link in (process / "fd").iterdir())  # noqa: PTH115
    except OSError:
        # Processes end while we look, and those of other users are closed to us.
        return False


def _name(process: Path) -> str | None:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return None
