"""A store that is found by a name alone: what a server says that is no primary any more."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.client import ClientOptions, open_executor
from holdfast.connection import Topology
from holdfast.errors import StoreUnavailable
from holdfast.roles import Role
from holdfast.source import StaticSource
from tests.clients import count_once, pipeline
from tests.servers import Install, Servers, start_standalone, wait_until

KEY = "agent:sess:{b01}:t:name"
CONNECTIONS = 12


def connections(servers: Servers) -> set[str]:
    """The numbers of svc's connections."""
    lines = str(servers.call("valkey-0", "CLIENT", "LIST")).splitlines()
    fields = [dict(word.partition("=")[::2] for word in line.split(" ")) for line in lines]
    return {entry["id"] for entry in fields if entry.get("user") == Role.SVC}


def test_the_first_refusal_of_a_former_primary_gives_up_every_idle_connection_to_it(
    server_install: Install, tmp_path: Path
) -> None:
    with start_standalone(server_install, tmp_path) as servers:
        # Hardly time for another attempt, and enough for all to connect at once.
        options = ClientOptions(
            deadline_seconds=0.05, connect_timeout_seconds=10, socket_timeout_seconds=10
        )
        store = replace(servers.connection, topology=Topology.REPLICATION_GROUP)
        executor = open_executor(StaticSource(store), role=Role.SVC, options=options)
        together = threading.Barrier(CONNECTIONS)

        def use() -> None:
            together.wait(30)
            for _ in range(20):
                executor.run(pipeline(KEY))

        threads = [threading.Thread(target=use, daemon=True) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        before = connections(servers)
        assert len(before) > 2
        servers.call("valkey-0", "REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(StoreUnavailable, match="READONLY"):
            executor.run(count_once(KEY, "late"))
        wait_until("all to be closed", lambda: not before & connections(servers))
        executor.close()
