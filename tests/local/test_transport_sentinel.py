"""The executors on a Sentinel store: they find the primary, and find it again."""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import hiredis
import pytest

from holdfast.client import ClientOptions, Library
from holdfast.connection import Address, Connection
from holdfast.errors import StoreUnavailable
from tests.clients import Client, count_once, read
from tests.records import strict
from tests.servers import (
    HOST,
    NAME_SUFFIX,
    SERVICE,
    Install,
    Servers,
    start_sentinel,
    wait_until,
)

pytestmark = pytest.mark.timeout(300)

_DOWN_AFTER_MS = 1000
_FAILOVER_SECONDS = 90
"""A machine that stalls makes Sentinels begin a failover again."""


@pytest.fixture(params=["sync", "async"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def key() -> str:
    return f"agent:sess:{{b07}}:t:{secrets.token_hex(8)}"


@pytest.fixture
def group(server_install: Install, tmp_path: Path) -> Iterator[Servers]:
    """A group of the test's own: to mend one after a failover takes longer than to start one."""
    with start_sentinel(server_install, tmp_path, down_after_ms=_DOWN_AFTER_MS) as servers:
        yield servers


def _options(library: str, **values: float) -> ClientOptions:
    return ClientOptions(library=Library(library), **values)  # type: ignore[arg-type] # floats only


def _through_a_failover(library: str) -> ClientOptions:
    return _options(library) if strict() else _options(library, deadline_seconds=60)


def test_a_turn_survives_the_kill_of_the_primary_and_is_counted_once(
    group: Servers, api: str, library: str, key: str
) -> None:
    with Client(api, group.connection, options=_through_a_failover(library)) as client:
        assert client.run(count_once(key, "before")) == 1
        primary = group.primary()
        wait_until(
            "the replicas to have the write",
            lambda: all(
                group.call(node.name, "HLEN", key) == 1
                for node in group.servers
                if node is not primary
            ),
        )
        started = time.monotonic()
        group.kill(primary.name)
        assert client.run(count_once(key, "after")) == 2
        if strict():
            assert time.monotonic() - started < _DOWN_AFTER_MS / 1000 + 3
        assert client.run(count_once(key, "after")) == 2
    assert group.primary() is not primary


def test_a_turn_survives_a_frozen_primary(group: Servers, library: str, key: str) -> None:
    with Client("sync", group.connection, options=_through_a_failover(library)) as client:
        client.run(count_once(key, "before"))
        primary = group.primary()
        started = time.monotonic()
        group.pause(primary.name)
        client.run(count_once(key, "after"))
        if strict():
            assert time.monotonic() - started < _DOWN_AFTER_MS / 1000 + 5
    assert group.primary() is not primary


def test_a_planned_failover_moves_the_client_and_drops_the_old_connections(
    group: Servers, api: str, library: str, key: str
) -> None:
    with Client(api, group.connection, options=_options(library)) as client:
        client.run(count_once(key, "before"))
        primary = group.primary()
        # Asked in its first seconds, a Sentinel now and then begins and never goes on.
        wait_until("the Sentinel to have settled", lambda: _uptime(group, "sentinel-0") >= 4)
        group.call("sentinel-0", "SENTINEL", "FAILOVER", SERVICE, "COORDINATED")
        wait_until(
            "another primary", lambda: group.primary() is not primary, seconds=_FAILOVER_SECONDS
        )
        wait_until(
            "the old primary to follow",
            lambda: _follows(group, primary.name),
            seconds=_FAILOVER_SECONDS,
        )
        client.run(count_once(key, "after"))
        assert [line for line in _clients(group, primary.name) if " user=svc " in line] == []


def _uptime(servers: Servers, name: str) -> int:
    return int(servers.info(name, "server")["uptime_in_seconds"])


def _follows(servers: Servers, name: str) -> bool:
    try:
        return servers.info(name, "replication")["role"] == "slave"
    except (OSError, hiredis.ReplyError):
        # A server that becomes a replica ends its clients' connections, in their handshakes too.
        return False


def _clients(servers: Servers, name: str) -> list[str]:
    return str(servers.call(name, "CLIENT", "LIST")).splitlines()


def test_writes_that_meet_a_replica_ask_the_sentinels_again(
    sentinel_servers: Servers, api: str, library: str, key: str
) -> None:
    # A Sentinel that knows a replica under another name stands for one whose answer is stale.
    replica = next(
        node for node in sentinel_servers.servers if node is not sentinel_servers.primary()
    )
    with _stale_sentinel(sentinel_servers, replica.port) as stale:
        connection = replace(
            sentinel_servers.connection,
            sentinels=(stale, *sentinel_servers.connection.sentinels),
        )
        with Client(api, connection, options=_options(library)) as client:
            assert client.run(count_once(key, "a")) == 1


@contextmanager
def _stale_sentinel(servers: Servers, port: int) -> Iterator[Address]:
    """A TLS server that names one and the same primary to whoever asks."""
    leaf = servers.authority.issue()
    folder = servers.folder / secrets.token_hex(4)
    folder.mkdir()
    (folder / "crt").write_text(leaf.certificate_pem)
    (folder / "key").write_text(leaf.private_key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "crt", folder / "key")
    listener = socket.create_server((HOST, 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
                with context.wrap_socket(plain, server_side=True) as end:
                    end.recv(1024)
                    end.sendall(b"+OK\r\n")
                    end.recv(1024)
                    end.sendall(b"*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%d\r\n" % port)
                    end.recv(1024)
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Address(HOST, listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_a_hung_sentinel_costs_half_a_second_once(
    sentinel_servers: Servers, api: str, library: str, key: str
) -> None:
    group, first = sentinel_servers, sentinel_servers.sentinels[0].name
    first_calls, second_calls = [], []
    # A stall spoils one measurement; a client that waits in vain is late in each.
    for _ in range(3):
        with (
            Client(api, group.connection, options=_options(library)) as client,
            _paused(group, first),
        ):
            started = time.monotonic()
            client.run(count_once(key, "a"))
            first_calls.append(time.monotonic() - started)
            group.call(group.primary().name, "CLIENT", "KILL", "USER", "svc")
            started = time.monotonic()
            client.run(count_once(key, "b"))
            second_calls.append(time.monotonic() - started)
    assert min(first_calls) < 0.5 + 0.4
    assert min(second_calls) < 0.4


@contextmanager
def _paused(servers: Servers, name: str) -> Iterator[None]:
    servers.pause(name)
    try:
        yield
    finally:
        servers.resume(name)


def test_sentinels_that_are_all_gone_are_an_outage_that_names_them(
    sentinel_servers: Servers, api: str, library: str, key: str
) -> None:
    gone = Address(HOST, 1)
    connection = replace(sentinel_servers.connection, sentinels=(gone,))
    options = _options(library, deadline_seconds=0.3)
    with (
        Client(api, connection, options=options) as client,
        pytest.raises(StoreUnavailable, match=str(gone)),
    ):
        client.run(read(key))


def test_an_unknown_service_is_an_outage_that_names_it(
    sentinel_servers: Servers, api: str, library: str, key: str
) -> None:
    connection = replace(sentinel_servers.connection, sentinel_service="elsewhere")
    options = _options(library, deadline_seconds=0.3)
    with (
        Client(api, connection, options=options) as client,
        pytest.raises(StoreUnavailable, match="elsewhere"),
    ):
        client.run(read(key))


def test_sentinels_and_their_answers_go_through_the_map_of_names(
    sentinel_servers: Servers, api: str, library: str, key: str
) -> None:
    connection: Connection = sentinel_servers.connection
    names = {f"sentinel-{n}.{NAME_SUFFIX}": HOST for n in range(3)}
    by_name = replace(
        connection,
        sentinels=tuple(
            Address(name, address.port)
            for name, address in zip(names, connection.sentinels, strict=True)
        ),
        dial=names,
    )
    with Client(api, by_name, options=_options(library)) as client:
        assert client.run(count_once(key, "a")) == 1


def test_sentinels_are_not_asked_while_the_connection_holds(
    sentinel_servers: Servers, api: str, library: str, key: str
) -> None:
    with Client(api, sentinel_servers.connection, options=_options(library)) as client:
        client.run(count_once(key, "a"))
        own, grown = len(sentinel_servers.sentinels), list[int]()
        # After a stall Sentinels connect to each other anew, and that is counted too.
        while own not in grown:
            assert len(grown) < 3, grown
            before = _connections(sentinel_servers)
            for number in range(20):
                client.run(count_once(key, str(number)))
            grown.append(_connections(sentinel_servers) - before)


def _connections(servers: Servers) -> int:
    """Connections that the Sentinels have seen; each call here adds one at each of them."""
    return sum(
        int(servers.info(node.name, "stats")["total_connections_received"])
        for node in servers.sentinels
    )
