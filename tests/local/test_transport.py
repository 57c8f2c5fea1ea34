"""The executors against one real server: both libraries, synchronous and asynchronous."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from holdfast.client import ClientOptions, Library, open_async_executor, open_executor
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.errors import (
    AccessDenied,
    ConfigError,
    StoreFull,
    StoreUnavailable,
    TlsFailed,
    Unsupported,
)
from holdfast.operation import Executor
from holdfast.roles import Role
from holdfast.source import FileSource, StaticSource
from tests.certificates import Authority
from tests.clients import COUNT_ONCE, Client, command, count_once, pipeline, read
from tests.proxy import Proxy
from tests.records import strict
from tests.servers import HOST, NAME_SUFFIX, Install, Servers, start_standalone, wait_until

pytestmark = pytest.mark.usefixtures("standalone_server")


@pytest.fixture(params=["sync", "async"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def options(library: str) -> ClientOptions:
    return ClientOptions(library=Library(library), deadline_seconds=6)


@pytest.fixture
def key() -> str:
    return f"agent:sess:{{b07}}:t:{secrets.token_hex(8)}"


@pytest.fixture
def proxy(standalone_server: Servers) -> Iterator[Proxy]:
    with Proxy(standalone_server.nodes["valkey-0"].port) as proxy:
        yield proxy


def _through(proxy: Proxy, servers: Servers) -> Connection:
    return replace(servers.connection, primary=Address(HOST, proxy.port))


def _stat(servers: Servers, name: str, section: str = "stats") -> int:
    return int(servers.info("valkey-0", section)[name])


def test_an_operation_is_one_round_trip_and_opens_no_connection(
    proxy: Proxy, standalone_server: Servers, api: str, options: ClientOptions, key: str
) -> None:
    with Client(api, _through(proxy, standalone_server), options=options) as client:
        client.run(count_once(key, "first"))
        proxy.reset_counts()
        for number in range(20):
            client.run(count_once(key, f"id-{number}"))
            client.run(pipeline(key))
        assert (proxy.round_trips, proxy.connections) == (40, 0)


def test_a_new_connection_costs_one_login_and_nothing_else(
    standalone_server: Servers, api: str, options: ClientOptions, key: str
) -> None:
    def calls() -> dict[str, int]:
        found = standalone_server.info("valkey-0", "commandstats")
        return {
            name.removeprefix("cmdstat_"): int(value.split(",")[0].removeprefix("calls="))
            for name, value in found.items()
        }

    before = calls()
    with Client(api, standalone_server.connection, options=options) as client:
        client.run(read(key))
        client.run(read(key))
    after = calls()
    grown = {name: count - before.get(name, 0) for name, count in after.items()}
    # One login is this client's, one that of the second INFO, and the first INFO counts itself.
    assert {name: n for name, n in grown.items() if n} == {"auth": 2, "hget": 2, "info": 1}


def test_the_tls_context_is_built_once_for_many_connections(
    standalone_server: Servers, library: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Tls] = []

    def build(tls: Tls) -> ssl.SSLContext:
        built.append(tls)
        return ssl.create_default_context(cadata=tls.ca)

    def forbid(*_: object, **__: object) -> ssl.SSLContext:
        message = "the library built a context of its own"
        raise AssertionError(message)

    monkeypatch.setattr("holdfast.access.build_context", build)
    client = open_executor(
        StaticSource(standalone_server.connection),
        role=Role.SVC,
        options=ClientOptions(library=Library(library), pool_size=4),
    )
    client.run(read(key))
    monkeypatch.setattr("ssl.create_default_context", forbid)
    barrier = threading.Barrier(4)

    def together() -> None:
        barrier.wait()
        for _ in range(20):
            client.run(pipeline(key))

    with ThreadPoolExecutor(4) as threads:
        for future in [threads.submit(together) for _ in range(4)]:
            future.result()
    client.close()
    assert len(built) == 1


def test_threads_share_no_more_connections_than_the_pool_has(
    standalone_server: Servers, library: str, key: str
) -> None:
    before = _stat(standalone_server, "total_connections_received")
    client = open_executor(
        StaticSource(standalone_server.connection),
        role=Role.SVC,
        options=ClientOptions(library=Library(library), pool_size=3),
    )
    with ThreadPoolExecutor(12) as threads:
        counts = list(threads.map(lambda n: client.run(count_once(key, str(n))), range(240)))
    client.close()
    assert sorted(counts) == list(range(1, 241))
    # The second INFO has a connection too.
    assert _stat(standalone_server, "total_connections_received") - before <= 3 + 1


async def test_tasks_share_a_connection_and_each_gets_its_own_answer(
    standalone_server: Servers, library: str, key: str
) -> None:
    before = _stat(standalone_server, "total_connections_received")
    client = open_async_executor(
        StaticSource(standalone_server.connection),
        role=Role.SVC,
        options=ClientOptions(library=Library(library), pool_size=4),
    )
    await asyncio.gather(
        *(client.run(command("HSET", f"{key}:{n}", "f", n, key=key)) for n in range(300))
    )
    values = await asyncio.gather(*(client.run(read(f"{key}:{n}", "f")) for n in range(300)))
    await client.close()
    assert values == [str(n).encode() for n in range(300)]
    assert _stat(standalone_server, "total_connections_received") - before <= 4 + 1


def test_an_unknown_script_is_loaded_on_the_way(
    standalone_server: Servers, api: str, options: ClientOptions, key: str
) -> None:
    with Client(api, standalone_server.connection, options=options) as client:
        for number in range(1, 4):
            standalone_server.call("valkey-0", "SCRIPT", "FLUSH")
            assert client.run(count_once(key, str(number))) == number


def test_a_lost_reply_is_asked_for_again_and_counted_once(
    proxy: Proxy, standalone_server: Servers, api: str, options: ClientOptions, key: str
) -> None:
    standalone_server.call("valkey-0", "SCRIPT", "LOAD", COUNT_ONCE.body)
    with Client(api, _through(proxy, standalone_server), options=options) as client:
        assert client.run(count_once(key, "a")) == 1
        for number in range(3):
            proxy.lose_replies(1)
            assert client.run(count_once(key, f"id-{number}")) == number + 2
        assert proxy.lost == 3
    assert standalone_server.call("valkey-0", "HLEN", key) == 4


def test_a_connection_that_the_server_closed_is_replaced(
    standalone_server: Servers, api: str, options: ClientOptions, key: str
) -> None:
    with Client(api, standalone_server.connection, options=options) as client:
        client.run(read(key))
        standalone_server.call("valkey-0", "CLIENT", "KILL", "USER", "svc")
        assert client.run(count_once(key, "a")) == 1


def test_silence_ends_in_an_outage_that_says_the_write_may_have_applied(
    proxy: Proxy, standalone_server: Servers, api: str, library: str, key: str
) -> None:
    connection = _through(proxy, standalone_server)
    patient = ClientOptions(library=Library(library))
    options = replace(
        patient, socket_timeout_seconds=0.2, connect_timeout_seconds=0.2, deadline_seconds=0.7
    )
    with Client(api, connection, options=patient) as client:
        assert client.run(count_once(key, "a")) == 1
    tries: list[tuple[int, float]] = []
    # A stall leaves time for one attempt only, or makes the last one late.
    while not any(attempts >= 2 and seconds < 1.5 for attempts, seconds in tries):
        assert len(tries) < 3, tries
        with Client(api, connection, options=options) as client:
            wait_until("a connection within the limits", partial(_is_answered, client, key))
            proxy.hold()
            started = time.monotonic()
            with pytest.raises(StoreUnavailable) as caught:
                client.run(count_once(key, "b"))
            tries.append((caught.value.attempts, time.monotonic() - started))
            assert caught.value.may_have_applied
            proxy.release()
    with Client(api, connection, options=patient) as client:
        assert client.run(count_once(key, "b")) == 2


def _is_answered(client: Client, key: str) -> bool:
    try:
        client.run(read(key))
    except StoreUnavailable:
        return False
    return True


def test_a_server_that_is_not_there_is_an_outage_and_nothing_was_applied(
    standalone_server: Servers, api: str, library: str, key: str
) -> None:
    with Proxy(standalone_server.nodes["valkey-0"].port) as proxy:
        connection = _through(proxy, standalone_server)
    options = ClientOptions(library=Library(library), deadline_seconds=2)
    with Client(api, connection, options=options) as client:
        with pytest.raises(StoreUnavailable, match="was not applied") as caught:
            client.run(count_once(key, "a"))
        assert not caught.value.may_have_applied
        assert caught.value.attempts >= 3


async def test_cancelled_tasks_leave_the_connection_clean(
    proxy: Proxy, standalone_server: Servers, library: str, key: str
) -> None:
    client = open_async_executor(
        StaticSource(_through(proxy, standalone_server)),
        role=Role.SVC,
        options=ClientOptions(library=Library(library)),
    )
    await client.run(count_once(key, "a"))
    proxy.reset_counts()
    proxy.hold()
    tasks = [asyncio.create_task(client.run(count_once(key, str(n)))) for n in range(5)]
    kept = asyncio.create_task(client.run(command("HSET", key, "f", "1", key=key)))
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    proxy.release()
    assert await kept == 1
    # The cancelled ones were sent all the same: a, five of them, f and this one.
    assert await client.run(count_once(key, "last")) == 8
    assert proxy.connections == 0
    await client.close()


def test_a_wrong_password_is_sent_twice_and_no_more(
    standalone_server: Servers, api: str, options: ClientOptions, key: str
) -> None:
    wrong = replace(standalone_server.connection, users={Role.SVC: User("svc", "wrong-password")})
    before = _stat(standalone_server, "acl_access_denied_auth")
    with Client(api, wrong, options=options) as client:
        started = time.monotonic()
        with pytest.raises(AccessDenied) as caught:
            client.run(count_once(key, "a"))
        if strict():
            assert time.monotonic() - started < 1
    assert _stat(standalone_server, "acl_access_denied_auth") - before == 2
    assert "wrong-password" not in str(caught.value)
    assert "'svc'" in str(caught.value)


def test_a_command_that_the_role_lacks_is_sent_once(
    standalone_server: Servers, api: str, options: ClientOptions, key: str
) -> None:
    before = _stat(standalone_server, "acl_access_denied_cmd")
    with Client(api, standalone_server.connection, options=options) as client:
        with pytest.raises(AccessDenied, match="NOPERM"):
            client.run(command("KEYS", "*"))
        assert client.run(count_once(key, "a")) == 1
    assert _stat(standalone_server, "acl_access_denied_cmd") - before == 1


def test_another_applications_key_is_denied(
    standalone_server: Servers, api: str, options: ClientOptions
) -> None:
    with (
        Client(api, standalone_server.connection, options=options) as client,
        pytest.raises(AccessDenied),
    ):
        client.run(count_once("other:sess:{b07}:t:x", "a"))


def test_a_command_that_the_server_lacks_is_named(
    standalone_server: Servers, api: str, options: ClientOptions
) -> None:
    with (
        Client(api, standalone_server.connection, role=Role.ADMIN, options=options) as client,
        pytest.raises(Unsupported, match="NOSUCHCOMMAND") as caught,
    ):
        client.run(command("NOSUCHCOMMAND", "an-argument"))
    assert "an-argument" not in str(caught.value)


@pytest.mark.parametrize("fault", ["ca", "name"])
def test_a_certificate_that_does_not_hold_is_refused(
    standalone_server: Servers, api: str, options: ClientOptions, key: str, fault: str
) -> None:
    connection = standalone_server.connection
    port = standalone_server.nodes["valkey-0"].port
    if fault == "ca":
        connection = replace(connection, tls=Tls(ca=Authority().pem))
    else:
        name = f"valkey-1.{NAME_SUFFIX}"
        connection = replace(connection, primary=Address(name, port), dial={name: HOST})
    with (
        Client(api, connection, options=options) as client,
        pytest.raises(TlsFailed, match="certificate"),
    ):
        client.run(read(key))


def test_a_server_without_tls_is_refused_at_once(
    server_install: Install, api: str, options: ClientOptions, standalone_server: Servers
) -> None:
    with socket.create_server((HOST, 0)) as plain:

        def answer() -> None:
            for _ in range(2):
                end, _ = plain.accept()
                with end:
                    end.recv(1024)
                    end.sendall(b"-ERR unknown command\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        address = Address(HOST, plain.getsockname()[1])
        connection = replace(standalone_server.connection, primary=address)
        with (
            Client(api, connection, options=options) as client,
            pytest.raises(TlsFailed, match=r"(?i)wrong.version.number"),
        ):
            client.run(read("agent:sess:{b07}:t:x"))
        thread.join()


def test_a_name_is_verified_while_its_mapped_address_is_dialled(
    standalone_server: Servers, api: str, options: ClientOptions, key: str
) -> None:
    name = f"valkey-0.{NAME_SUFFIX}"
    port = standalone_server.nodes["valkey-0"].port
    connection = replace(
        standalone_server.connection, primary=Address(name, port), dial={name: HOST}
    )
    with Client(api, connection, options=options) as client:
        assert client.run(count_once(key, "a")) == 1


def test_new_credentials_in_the_file_are_picked_up_without_a_failure(
    server_install: Install, tmp_path: Path, api: str, options: ClientOptions, key: str
) -> None:
    with start_standalone(server_install, tmp_path / "servers") as servers:
        path = tmp_path / "connection.json"
        old = servers.passwords[Role.SVC][0]
        path.write_text(servers.connection.for_role(Role.SVC).to_json())
        with Client(api, FileSource(path), options=options) as client:
            assert client.run(count_once(key, "a")) == 1
            servers.set_passwords(Role.SVC, "the-new-password", old)
            servers.publish_connection()
            path.write_text(servers.connection.for_role(Role.SVC).to_json())
            servers.set_passwords(Role.SVC, "the-new-password")
            servers.call("valkey-0", "CLIENT", "KILL", "USER", "svc")
            assert client.run(count_once(key, "b")) == 2


def test_a_full_server_says_so(
    server_install: Install, tmp_path: Path, api: str, options: ClientOptions, key: str
) -> None:
    directives = {"maxmemory": "1mb", "maxmemory-policy": "noeviction"}
    with (
        start_standalone(server_install, tmp_path, directives=directives) as servers,
        Client(api, servers.connection, options=options) as client,
        pytest.raises(StoreFull, match="OOM"),
    ):
        client.run(count_once(key, "a"))


def test_an_idle_connection_is_tried_before_it_is_used(
    proxy: Proxy, standalone_server: Servers, api: str, library: str, key: str
) -> None:
    options = ClientOptions(library=Library(library), health_check_seconds=0.05)
    with Client(api, _through(proxy, standalone_server), options=options) as client:
        client.run(count_once(key, "a"))
        time.sleep(0.1)
        proxy.reset_counts()
        client.run(count_once(key, "b"))
        assert (proxy.round_trips, proxy.connections) == (2, 0)


def test_writes_that_lack_replicas_are_repeated_for_a_bounded_time(
    server_install: Install, tmp_path: Path, api: str, library: str, key: str
) -> None:
    options = ClientOptions(library=Library(library), no_replicas_seconds=0.4)
    with (
        start_standalone(server_install, tmp_path, directives={"min-replicas-to-write": "1"}) as s,
        Client(api, s.connection, options=options) as client,
    ):
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match="NOREPLICAS") as caught:
            client.run(count_once(key, "a"))
        # A busy machine's bound is still below the client's deadline, which would end it too.
        assert 0.4 < time.monotonic() - started < (2 if strict() else 10)
        assert not caught.value.may_have_applied
        assert client.run(read(key)) is None


def test_the_asynchronous_client_runs_on_uvloop(
    standalone_server: Servers, library: str, key: str
) -> None:
    uvloop = pytest.importorskip("uvloop")
    options = ClientOptions(library=Library(library))

    async def use() -> list[int]:
        client = open_async_executor(
            StaticSource(standalone_server.connection), role=Role.SVC, options=options
        )
        counts = await asyncio.gather(*(client.run(count_once(key, str(n))) for n in range(100)))
        await client.close()
        return counts

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert sorted(runner.run(use())) == list(range(1, 101))


_WITHOUT_C = """
import sys
sys.modules["hiredis"] = sys.modules["libvalkey"] = None
import asyncio
from holdfast import resp
from holdfast.client import ClientOptions, open_async_executor, open_executor
from holdfast.source import EnvironmentSource
from tests.clients import count_once
assert isinstance(resp.new_reader(), resp.PlainReader)
library, key = sys.argv[1:]
options, source = ClientOptions(library=library), EnvironmentSource()
executor = open_executor(source, role="svc", options=options)
print(executor.run(count_once(key, "a")))
executor.close()
async def use():
    executor = open_async_executor(source, role="svc", options=options)
    print(await executor.run(count_once(key, "b")))
    await executor.close()
asyncio.run(use())
"""


def test_the_client_works_without_a_parser_in_c(
    standalone_server: Servers, library: str, key: str, tmp_path: Path
) -> None:
    path = tmp_path / "connection.json"
    path.write_text(standalone_server.connection.to_json())
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", _WITHOUT_C, library, key],
        env={**os.environ, "HOLDFAST_CONNECTION": str(path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout.split(), result.stderr) == (["1", "2"], "")


@pytest.mark.parametrize("topology", ["standalone", "sentinel"])
async def test_many_tasks_learn_of_a_frozen_server_together(
    proxy: Proxy, standalone_server: Servers, library: str, key: str, topology: str
) -> None:
    proxy.hold()
    connection = _through(proxy, standalone_server)
    if topology == "sentinel":
        frozen = Address(HOST, proxy.port)
        connection = replace(
            connection,
            topology=Topology.SENTINEL,
            primary=None,
            sentinels=(frozen,),
            sentinel_service="main",
        )
    options = ClientOptions(
        library=Library(library),
        connect_timeout_seconds=0.2,
        sentinel_timeout_seconds=0.2,
        deadline_seconds=0.5,
    )
    took: list[float] = []
    while not any(seconds < 2 for seconds in took):
        assert len(took) < 3, took
        client = open_async_executor(StaticSource(connection), role=Role.SVC, options=options)
        started = time.monotonic()
        outcomes = await asyncio.gather(
            *(client.run(count_once(key, str(n))) for n in range(200)), return_exceptions=True
        )
        took.append(time.monotonic() - started)
        assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
        await client.close()


def test_many_threads_learn_of_a_frozen_server_before_long(
    proxy: Proxy, standalone_server: Servers, library: str, key: str
) -> None:
    proxy.hold()
    options = ClientOptions(
        library=Library(library),
        pool_size=2,
        connect_timeout_seconds=0.2,
        deadline_seconds=0.5,
    )

    def attempt(client: Executor, number: int) -> bool:
        with pytest.raises(StoreUnavailable):
            client.run(count_once(key, str(number)))
        return True

    took: list[float] = []
    while not any(seconds < 2 for seconds in took):
        assert len(took) < 3, took
        client = open_executor(
            StaticSource(_through(proxy, standalone_server)), role=Role.SVC, options=options
        )
        started = time.monotonic()
        with ThreadPoolExecutor(20) as threads:
            assert all(threads.map(partial(attempt, client), range(20)))
        took.append(time.monotonic() - started)
        client.close()


def test_a_closed_client_refuses_to_work(
    standalone_server: Servers, library: str, key: str
) -> None:
    client = open_executor(StaticSource(standalone_server.connection), role=Role.SVC)
    client.run(read(key))
    client.close()
    with pytest.raises(ConfigError, match="client: got 'closed'"):
        client.run(read(key))
