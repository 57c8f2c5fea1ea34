"""Connections that log in again while they are used, as those by IAM must, on a real server."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest

import holdfast.access
from holdfast.client import RECONNECTED, ClientOptions, open_async_executor, open_executor
from holdfast.connection import Connection
from holdfast.login import TokenUnavailable
from holdfast.roles import Role
from holdfast.source import StaticSource
from tests.clients import Client, count_once, pipeline
from tests.servers import Servers, wait_until

KEY = "agent:sess:{b01}:t:renewal"
_EVERY_SECONDS = 0.1


@dataclass
class ShortLogin:
    """Like one by IAM, with a password for a token and a tenth of a second for twelve hours."""

    name: str
    password: str
    renew_after_seconds: float = _EVERY_SECONDS
    made: int = 0
    refusals: int = 0
    broken: bool = False
    wrong: bool = False

    def ready(self) -> bool:
        return False

    def secret(self) -> str:
        self.made += 1
        if self.broken:
            raise TokenUnavailable("no IAM token", lasting=False)
        return "not-the-password" if self.wrong else self.password

    def refused(self) -> None:
        self.refusals += 1


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch, standalone_server: Servers) -> ShortLogin:
    user = standalone_server.user(Role.SVC)
    made = ShortLogin(user.name, user.password or "")

    def login_for(connection: Connection, role: Role, earlier: object = None) -> ShortLogin:
        return made

    monkeypatch.setattr(holdfast.access, "login_for", login_for)
    return made


@pytest.fixture(autouse=True)
def _again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.executor.RENEW_AGAIN_SECONDS", 0.02)
    monkeypatch.setattr("holdfast.async_executor.RENEW_AGAIN_SECONDS", 0.02)


def connections(servers: Servers) -> set[str]:
    """The numbers of svc's connections."""
    lines = str(servers.call("valkey-0", "CLIENT", "LIST")).splitlines()
    fields = [dict(word.partition("=")[::2] for word in line.split(" ")) for line in lines]
    return {entry["id"] for entry in fields if entry.get("user") == Role.SVC}


@pytest.fixture
def _nobody_else(standalone_server: Servers) -> None:
    wait_until("no connections of others", lambda: not connections(standalone_server))
    standalone_server.call("valkey-0", "CONFIG", "RESETSTAT")


def logins(servers: Servers) -> int:
    """How often anybody sent AUTH, this question's own left out."""
    stats = servers.info("valkey-0", "commandstats").get("cmdstat_auth", "calls=0")
    return int(stats.partition("calls=")[2].partition(",")[0])


@pytest.mark.usefixtures("_nobody_else")
def test_threads_go_on_over_the_same_connections_while_these_log_in_again(
    standalone_server: Servers, login: ShortLogin
) -> None:
    executor = open_executor(StaticSource(standalone_server.connection), role=Role.SVC)
    stop = threading.Event()
    done: list[int] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        count = 0
        try:
            while not stop.is_set():
                executor.run(count_once(KEY, f"{number}-{count}"))
                executor.run(pipeline(KEY))
                count += 1
        except BaseException as error:  # noqa: BLE001 - shown by the test
            errors.append(error)
        done.append(count)

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    wait_until("connections", lambda: len(connections(standalone_server)) >= 2)
    wait_until("many logins", lambda: login.made > 20)
    before = connections(standalone_server)
    wait_until("more logins", lambda: login.made > 40)
    assert before <= connections(standalone_server)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not errors
    assert executor.run(pipeline(KEY))[2] == sum(done)
    executor.close()
    standalone_server.call("valkey-0", "UNLINK", KEY)


@pytest.mark.usefixtures("_nobody_else")
async def test_tasks_go_on_over_one_connection_while_it_logs_in_again(
    standalone_server: Servers, login: ShortLogin
) -> None:
    executor = open_async_executor(StaticSource(standalone_server.connection), role=Role.SVC)
    stop = asyncio.Event()

    async def work(number: int) -> int:
        count = 0
        while not stop.is_set():
            await executor.run(count_once(KEY, f"{number}-{count}"))
            await executor.run(pipeline(KEY))
            count += 1
        return count

    tasks = [asyncio.create_task(work(number)) for number in range(8)]
    deadline = time.monotonic() + 30
    while not (before := await asyncio.to_thread(connections, standalone_server)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    while login.made < 12:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert await asyncio.to_thread(connections, standalone_server) == before
    assert len(before) == 1
    stop.set()
    done = await asyncio.gather(*tasks)
    assert (await executor.run(pipeline(KEY)))[2] == sum(done)
    assert await asyncio.to_thread(logins, standalone_server) > 4
    await executor.close()
    await asyncio.to_thread(standalone_server.call, "valkey-0", "UNLINK", KEY)


@pytest.mark.usefixtures("_nobody_else")
@pytest.mark.parametrize("api", ["sync", "async"])
@pytest.mark.parametrize("trouble", ["broken", "wrong"])
def test_a_login_that_cannot_be_renewed_is_logged_and_the_one_that_there_is_serves_on(
    standalone_server: Servers,
    login: ShortLogin,
    api: str,
    trouble: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Client(api, standalone_server.connection) as client, caplog.at_level(logging.WARNING):
        client.run(pipeline(KEY))
        setattr(login, trouble, True)
        login.made = 0
        before = connections(standalone_server)

        def tried_again() -> bool:
            client.run(pipeline(KEY))
            return login.made >= 6

        wait_until("more attempts", tried_again)
        assert connections(standalone_server) == before
    assert "kept the login" in caplog.text
    assert login.password not in caplog.text
    assert (login.refusals > 0) == (trouble == "wrong")


@pytest.mark.parametrize("api", ["sync", "async"])
def test_a_listener_whose_login_is_old_gets_another_connection_and_is_told_of_the_gap(
    standalone_server: Servers, login: ShortLogin, api: str
) -> None:
    login.renew_after_seconds = 0.5
    with Client(api, standalone_server.connection, options=ClientOptions()) as client:
        listener = client.subscriber()
        listener.subscribe("agent:evt:{b01}")
        found: list[Any] = []

        def told() -> bool:
            found.append(listener.next(0.1))
            return RECONNECTED in found

        wait_until("the gap to be told", told)
        listener.close()
