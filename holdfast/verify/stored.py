"""How much a running store holds."""

from __future__ import annotations

from holdfast.connection import Connection
from holdfast.errors import AccessDenied
from holdfast.roles import Role
from holdfast.verify.access import Access
from holdfast.verify.check import parse_info
from holdfast.verify.nodes import discover
from holdfast.verify.probe import Refused


def fullest_used_bytes(connection: Connection) -> int:
    """Memory that the fullest server uses, as ``maxmemory`` counts it: without buffers.

    Args:
        connection: with the role ``monitor`` or ``admin``.

    Raises:
        StoreUnavailable: a server does not answer.
        TlsFailed: a server does not prove who it is.
        AccessDenied: a login is refused.
        NotChecked: the Connection holds neither role.
    """
    access = Access(connection)
    try:
        role = access.first_held(Role.MONITOR, Role.ADMIN)
        used = []
        for server in discover(access).servers:
            with access.borrow(server.address, role) as link:
                try:
                    memory = parse_info(link.call("INFO", "memory"))
                except Refused as refusal:
                    message = f"{server.address} refuses INFO to {role}: {refusal.code}"
                    raise AccessDenied(message) from None
            not_counted = int(memory.get("mem_not_counted_for_evict", 0))
            used.append(int(memory["used_memory"]) - not_counted)
        return max(used)
    finally:
        access.close()
