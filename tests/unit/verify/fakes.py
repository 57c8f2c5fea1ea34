"""A context for checks that talk to nobody."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.keys import RESERVED_TENANT, KeySpace
from holdfast.roles import Role
from holdfast.verify.access import Access
from holdfast.verify.check import Context
from holdfast.verify.cleanup import Cleanup
from holdfast.verify.denials import Denials
from holdfast.verify.nodes import Nodes, Server

PRIMARY = Address("127.0.0.1", 7001)
SECRET = "a-secret-that-must-not-show"


def connection(
    roles: tuple[Role, ...] = tuple(Role), *, topology: Topology = Topology.STANDALONE
) -> Connection:
    """A store that nobody runs."""
    base = Connection(
        target="local",
        topology=Topology.STANDALONE,
        engine="valkey",
        engine_version="9.1.2",
        app="agent",
        users={role: User(role.value, SECRET) for role in roles},
        tls=Tls(),
        primary=PRIMARY,
        seeds=(PRIMARY,),
        sentinels=tuple(Address("127.0.0.1", 7100 + n) for n in range(3)),
        sentinel_service="sessions",
    )
    return replace(base, topology=topology)


def context(of: Connection | None = None, *, stop: threading.Event | None = None) -> Context:
    """A context whose access is never used."""
    store = of or connection()
    access = Access(store)
    sentinels = store.sentinels if store.topology is Topology.SENTINEL else ()
    return Context(
        connection=store,
        access=access,
        nodes=Nodes((Server(PRIMARY, primary=True),), sentinels),
        cleanup=Cleanup(access, KeySpace(store.app, RESERVED_TENANT, store.buckets)),
        denials=Denials({}),
        stop=stop or threading.Event(),
    )


def environment(**values: str) -> Mapping[str, str]:
    """An environment with nothing in it but these."""
    return values
