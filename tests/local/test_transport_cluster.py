"""The executors on a cluster: every slot is reached, moved or not."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.client import ClientOptions, Library
from holdfast.connection import Address
from holdfast.errors import StoreUnavailable
from holdfast.routes import slot_of
from tests.clients import Client, command, count_once, pipeline
from tests.records import strict
from tests.servers import HOST, Install, Node, Servers, start_cluster, wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(params=["sync", "async"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def options(library: str) -> ClientOptions:
    # A machine that stalls may take longer over a failover.
    return ClientOptions(library=Library(library), deadline_seconds=10 if strict() else 60)


def _key(bucket: int) -> str:
    return f"agent:sess:{{b{bucket:02d}}}:t:{secrets.token_hex(8)}"


def _primaries(servers: Servers) -> list[Node]:
    slots = servers.call("valkey-0", "CLUSTER", "SLOTS")
    ports = {primary[1] for _, _, primary, *_ in slots}
    return [node for node in servers.servers if node.port in ports]


def _owner(servers: Servers, slot: int) -> Node:
    for first, last, primary, *_ in servers.call("valkey-0", "CLUSTER", "SLOTS"):
        if first <= slot <= last:
            return next(node for node in servers.servers if node.port == primary[1])
    message = f"nobody serves slot {slot}"
    raise LookupError(message)


def test_every_bucket_is_reached_with_one_connection_a_primary(
    cluster_servers: Servers, api: str, options: ClientOptions
) -> None:
    def connections() -> int:
        return sum(
            int(cluster_servers.info(node.name, "stats")["total_connections_received"])
            for node in cluster_servers.servers
        )

    with Client(api, cluster_servers.connection, options=options) as client:
        client.run(command("PING"))
        before = connections()
        for bucket in range(64):
            key = _key(bucket)
            assert client.run(count_once(key, "a")) == 1
            assert len(client.run(pipeline(key))) == 3
        # One connection to each of the other primaries, and one of each INFO.
        assert connections() - before <= 2 + len(cluster_servers.servers)


def test_one_living_seed_is_enough(
    cluster_servers: Servers, api: str, options: ClientOptions
) -> None:
    seeds = (Address(HOST, 1), cluster_servers.connection.seeds[4])
    connection = replace(cluster_servers.connection, seeds=seeds)
    with Client(api, connection, options=options) as client:
        assert client.run(count_once(_key(1), "a")) == 1


def test_no_living_seed_is_an_outage(cluster_servers: Servers, api: str, library: str) -> None:
    connection = replace(cluster_servers.connection, seeds=(Address(HOST, 1),))
    options = ClientOptions(library=Library(library), deadline_seconds=0.3)
    with (
        Client(api, connection, options=options) as client,
        pytest.raises(StoreUnavailable, match=f"{HOST}:1"),
    ):
        client.run(count_once(_key(1), "a"))


@contextmanager
def _moving(servers: Servers, slot: int) -> Iterator[tuple[Node, Node]]:
    """A slot on its way from its owner to another primary; it arrives at the end."""
    source = _owner(servers, slot)
    target = next(node for node in _primaries(servers) if node is not source)
    ids = {node.name: servers.call(node.name, "CLUSTER", "MYID") for node in (source, target)}
    servers.call(target.name, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source.name])
    servers.call(source.name, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target.name])
    try:
        yield source, target
    finally:
        for node in (target, source):
            servers.call(node.name, "CLUSTER", "SETSLOT", slot, "NODE", ids[target.name])


def test_a_slot_that_moves_is_followed_at_every_moment(
    cluster_servers: Servers, api: str, library: str, options: ClientOptions
) -> None:
    # A slot of the test's own: one that holds other tests' keys could not be given away.
    key = f"agent:sess:{{{api}-{library}}}:t:x"
    slot = slot_of(key)
    assert slot not in {slot_of(_key(bucket)) for bucket in range(64)}
    with Client(api, cluster_servers.connection, options=options) as client:
        client.run(command("HGET", key, "f", key=key))
        with _moving(cluster_servers, slot) as (_, target):
            cluster_servers.call(target.name, "SCRIPT", "FLUSH")
            # The key is not there yet, so the owner answers ASK, and the target has no script.
            assert client.run(count_once(key, "a")) == 1
            assert len(client.run(pipeline(key))[1]) == 2
            with cluster_servers.open(target.name) as raw:
                raw.call("ASKING")
                assert raw.call("HLEN", key) == 1
        assert client.run(count_once(key, "b")) == 2
        assert cluster_servers.call(target.name, "HLEN", key) == 2


def test_a_killed_primary_is_replaced_by_its_replica(
    server_install: Install, tmp_path: Path, options: ClientOptions
) -> None:
    with start_cluster(server_install, tmp_path, node_timeout_ms=1000) as servers:
        key = _key(3)
        owner = _owner(servers, slot_of(key))
        with Client("sync", servers.connection, options=options) as client:
            assert client.run(count_once(key, "before")) == 1
            wait_until(
                "the replicas to have the write",
                lambda: (
                    sum(
                        ",keys=1," in value.replace("keys=1,", ",keys=1,")
                        for node in servers.servers
                        for name, value in servers.info(node.name, "keyspace").items()
                        if name == "db0"
                    )
                    == 2
                ),
            )
            started = time.monotonic()
            servers.kill(owner.name)
            assert client.run(count_once(key, "after")) == 2
            if strict():
                assert time.monotonic() - started < 8
            for bucket in range(64):
                assert client.run(count_once(_key(bucket), "a")) == 1
