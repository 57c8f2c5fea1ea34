"""How near the client comes to a bare socket, and how far it is ahead of the library's pipeline.

``python -m bench.turns`` starts one server with TLS and ACL on loopback, pins it and itself to one
core, and prints Markdown. The peers send what a turn needs over the same TLS:

- sync: a bare socket that sends the same EVALSHA, packed and parsed by hiredis;
- async: redis-py's asyncio pipeline of the six commands that a turn without a script would be.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import hiredis
import redis.asyncio
import uvloop

import holdfast
from bench.measure import Contestant, compete, ratio, share_one_core, table
from holdfast.commands import turn
from holdfast.commands.scope import Scope
from holdfast.connection import Connection
from holdfast.model import Head
from holdfast.roles import Role
from tests.servers import newest_install, start_standalone

MESSAGE: Final = b'{"role":"assistant","content":"' + b"x" * 568 + b'"}'
"""600 bytes, as in docs/performance.md."""

FIELDS: Final = {"model": "m-large", "state": "waiting", "tokens": "18231"}
FIELD_ITEMS: Final = [part for item in FIELDS.items() for part in item]
TENANT: Final = "bench"


class BareSocket:
    """A TLS socket that sends ready-made commands; nothing else."""

    def __init__(self, connection: Connection) -> None:
        address = connection.primary
        assert address is not None  # noqa: S101 - the benchmark's own server has one
        context = ssl.create_default_context(cadata=connection.tls.ca)
        plain = socket.create_connection((address.host, address.port), timeout=5)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(plain, server_hostname=address.host)
        self._reader = hiredis.Reader()
        user = connection.users[Role.SVC]
        self.call(("AUTH", user.name, user.password or ""))

    def call(self, command: tuple[Any, ...]) -> Any:  # noqa: ANN401 - any reply of the protocol
        """One command, one reply."""
        self._socket.sendall(hiredis.pack_command(command))
        while True:
            reply = self._reader.gets()
            if reply is not False:
                break
            self._reader.feed(self._socket.recv(65536))
        if isinstance(reply, Exception):
            raise reply
        return reply


def bare(connection: Connection, session_id: str) -> Contestant:
    """The floor: the commands are built beforehand, packing and parsing count."""
    peer = BareSocket(connection)
    scope = Scope.of(connection, TENANT)
    head = Head(session_id, 0, "")

    commands: list[tuple[Any, ...]] = []

    def prepare(turns: int) -> None:
        nonlocal head
        commands.clear()
        for _ in range(turns):
            command = turn.append(scope, head, [MESSAGE], fields=FIELDS).commands[0]
            commands.append(command)
            turn_id = command[3 + int(command[2])]
            head = Head(head.session_id, head.seq + 1, str(turn_id))

    def run(_: int) -> None:
        for command in commands:
            if peer.call(command)[0] != b"OK":
                raise SystemExit("the bare socket's turn was refused")

    return Contestant("bare socket + hiredis, same EVALSHA", run, prepare)


def ours(connection: Connection) -> Contestant:
    """``SessionStore.append`` as an application calls it."""
    store = holdfast.connect(connection, tenant=TENANT, role=Role.SVC)
    head: Head | Any = store.create().head

    def run(turns: int) -> None:
        nonlocal head
        for _ in range(turns):
            head = store.append(head, [MESSAGE], fields=FIELDS)

    return Contestant("SessionStore.append", run)


def loop_contestant(
    name: str, loop: asyncio.AbstractEventLoop, work: Callable[[int], Coroutine[Any, Any, None]]
) -> Contestant:
    """A contestant that runs in an event loop of its own."""
    return Contestant(name, lambda turns: loop.run_until_complete(work(turns)))


async def _spread(
    one: Callable[[int, int], Coroutine[Any, Any, None]], turns: int, tasks: int
) -> None:
    share = max(1, turns // tasks)
    await asyncio.gather(*(one(number, share) for number in range(tasks)))


def pipeline(
    loop: asyncio.AbstractEventLoop, connection: Connection, ca_file: Path, tasks: int
) -> Contestant:
    """redis-py's asyncio pipeline of six commands, one round trip."""
    address, user = connection.primary, connection.users[Role.SVC]
    assert address is not None  # noqa: S101 - the benchmark's own server has one
    client = redis.asyncio.Redis(
        host=address.host,
        port=address.port,
        username=user.name,
        password=user.password,
        ssl=True,
        ssl_ca_certs=str(ca_file),
    )
    app = connection.app

    # The role of applications sets expiries as the store's scripts do: by the clock.
    expires_at_ms = time.time_ns() // 1_000_000 + 3_600_000

    async def one(number: int, turns: int) -> None:
        keys = f"{{b00}}:{TENANT}:peer{number}"
        for sequence in range(turns):
            async with client.pipeline(transaction=False) as pipe:
                pipe.hset(f"{app}:sess:{keys}", items=[*FIELD_ITEMS, "seq", str(sequence)])
                pipe.lpush(f"{app}:hist:{keys}", MESSAGE)
                pipe.ltrim(f"{app}:hist:{keys}", 0, 49)
                pipe.pexpireat(f"{app}:sess:{keys}", expires_at_ms)
                pipe.pexpireat(f"{app}:hist:{keys}", expires_at_ms)
                pipe.publish(f"{app}:evt:{{b00}}", "x" * 100)
                await pipe.execute()

    return loop_contestant(
        f"redis-py asyncio pipeline, {tasks} at once", loop, lambda n: _spread(one, n, tasks)
    )


def ours_async(loop: asyncio.AbstractEventLoop, connection: Connection, tasks: int) -> Contestant:
    """``AsyncSessionStore.append`` from several tasks, a session each."""
    heads: dict[int, Any] = {}
    store = holdfast.connect_async(connection, tenant=TENANT, role=Role.SVC)

    async def one(number: int, turns: int) -> None:
        if number not in heads:
            heads[number] = (await store.create()).head
        head = heads[number]
        for _ in range(turns):
            head = await store.append(head, [MESSAGE], fields=FIELDS)
        heads[number] = head

    return loop_contestant(
        f"AsyncSessionStore.append, {tasks} at once", loop, lambda n: _spread(one, n, tasks)
    )


def report(title: str, pair: Sequence[Contestant], *, server: int, rounds: int, turns: int) -> None:
    """Measure two contestants and print the first one's ratio to the second."""
    figures = compete(pair, server=server, rounds=rounds, turns=turns)
    low, median, high = ratio(figures[0], figures[1])
    print(f"\n### {title}\n\n{table(figures)}\n")
    print(f"Ratio, round by round: median {median:.2f} (lowest {low:.2f}, highest {high:.2f})")


def main(argv: Sequence[str] | None = None) -> int:
    """Run all comparisons and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--turns", type=int, default=5000, help="turns a round (default 5000)")
    options = parser.parse_args(argv)
    install = newest_install()
    if install is None:
        raise SystemExit("no server found: run `make env` once, it fetches one")
    with (
        tempfile.TemporaryDirectory() as folder,
        start_standalone(install, Path(folder)) as servers,
    ):
        connection = servers.connection
        ca_file = Path(folder) / "bench-ca.pem"
        ca_file.write_text(connection.tls.ca)
        process = servers.servers[0].process
        assert process is not None  # noqa: S101 - it was just started
        core = share_one_core(process.pid)
        print(
            f"{install.engine} {install.version}, TLS, client and server on core {core}, "
            f"{options.rounds} rounds of {options.turns} turns, 600 B a message"
        )
        measured = partial(report, server=process.pid, rounds=options.rounds, turns=options.turns)
        with holdfast.connect(connection, tenant=TENANT, role=Role.SVC) as store:
            floor = bare(connection, store.create().session_id)
        measured("sync", (ours(connection), floor))
        loop = uvloop.new_event_loop()
        for tasks in (1, 16, 64):
            peer = pipeline(loop, connection, ca_file, tasks)
            measured(f"async, {tasks} at once", (ours_async(loop, connection, tasks), peer))
        loop.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
