"""The checkout's own stack under the real engine, with real servers on ports of its own."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from holdfast.connection import Connection, Topology
from holdfast.roles import Role
from tests.engine import PROJECT, Engine, Run
from tests.processes import lives
from tests.servers import HOST, Install, RawConnection, wait_until

_PORTS = range(12_000, 19_000)
_SERVERS = 6
_SENTINEL_OFFSET = 10
_BUS_OFFSET = 10_000


def free_base_port() -> int:
    """The first of the ports that any topology needs, buses included; all are free."""
    chooser = random.SystemRandom()
    while True:
        base = chooser.randrange(_PORTS.start, _PORTS.stop, 20)
        wanted = [
            *range(base, base + _SERVERS),
            *range(base + _SENTINEL_OFFSET, base + _SENTINEL_OFFSET + 5),
            *range(base + _BUS_OFFSET, base + _BUS_OFFSET + _SERVERS),
        ]
        if all(is_free(port) for port in wanted):
            return base


def is_free(port: int) -> bool:
    """Whether nobody listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


@dataclass
class LocalStack:
    """A copy of the checkout with a stack of one topology; nothing runs until :meth:`up`."""

    engine: Engine
    topology: Topology
    base_port: int
    _connection: Connection | None = None

    @classmethod
    def prepare(cls, folder: Path, topology: Topology, install: Install) -> LocalStack:
        """Copy the checkout and initialise its stack."""
        environment = {"HOLDFAST_SERVER": str(install.executable)}
        engine = Engine.of_checkout(folder, environment=environment)
        stack = cls(engine, topology, free_base_port())
        engine.set_config("topology", topology.value)
        engine.set_config("basePort", str(stack.base_port))
        engine.set_config("sentinelBasePort", str(stack.base_port + _SENTINEL_OFFSET))
        return stack

    def change_topology(self, topology: Topology) -> None:
        """Set another topology; the next ``up`` sees it."""
        self.topology = topology
        self.engine.set_config("topology", topology.value)

    @property
    def data_dir(self) -> Path:
        """Where the stack keeps everything of the servers."""
        return self.engine.project / ".holdfast" / self.engine.stack

    def up(self, *arguments: str) -> Run:
        """Deploy; the time it took is printed, not asserted."""
        self._connection = None
        return self._timed("up", lambda: self.engine.up(*arguments))

    def up_unchanged(self, *arguments: str) -> Run:
        """Deploy, and fail if anything changes."""
        return self._timed("unchanged up", lambda: self.engine.up_unchanged(*arguments))

    def _timed(self, what: str, act: Any) -> Run:  # noqa: ANN401 - any call that gives a Run
        begin = time.monotonic()
        run: Run = act()
        sys.stderr.write(f"{self.topology} {what}: {time.monotonic() - begin:.1f} s\n")
        return run

    @property
    def connection(self) -> Connection:
        """The operator's Connection, as the stack exported it after the last ``up``."""
        if self._connection is None:
            self._connection = Connection.from_json(self.engine.outputs()["connection"])
        return self._connection

    def smoke(self) -> None:
        """Run every smoke check, and fail with the report unless all hold."""
        done = subprocess.run(
            [sys.executable, str(PROJECT / "scripts" / "smoke.py")],
            env={
                **os.environ,
                "HOLDFAST_CONNECTION": self.connection.to_json(),
                # The same code that the stack was deployed with.
                "PYTHONPATH": str(self.engine.project),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            pytest.fail(f"smoke:\n{done.stdout}\n{done.stderr}", pytrace=False)

    def nodes(self) -> dict[str, int]:
        """The process id of each node's process as the folders record it, by node."""
        found = {}
        for record in sorted(self.data_dir.glob("*/process.json")):
            running = json.loads(record.read_text())["running"]
            found[record.parent.name] = int(running["pid"])
        return found

    def alive(self) -> set[str]:
        """Nodes whose process lives."""
        return {node for node, pid in self.nodes().items() if lives(pid)}

    def kill(self, *nodes: str) -> None:
        """SIGKILL processes, and wait until they are gone."""
        pids = self.nodes()
        for node in nodes:
            os.kill(pids[node], signal.SIGKILL)
        killed = {pids[node] for node in nodes}
        wait_until("the killed to be gone", lambda: not any(map(lives, killed)))

    @contextlib.contextmanager
    def open(self, port: int, role: Role = Role.ADMIN) -> Iterator[RawConnection]:
        """A raw connection to one process of the store."""
        connection = self.connection
        context = ssl.create_default_context(cadata=connection.tls.ca)
        with RawConnection(port, context, connection.users[role]) as raw:
            yield raw

    def port_of(self, node: str) -> int:
        """The port of a node."""
        kind, _, number = node.rpartition("-")
        return self.base_port + int(number) + (_SENTINEL_OFFSET if kind == "sentinel" else 0)

    def primary(self) -> str:
        """The node that accepts writes; in a cluster, that of the test's keys."""
        service = self.connection.sentinel_service
        if service is None:
            return "server-0"
        with self.open(self.port_of("sentinel-0")) as sentinel:
            _, port = sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
        return f"server-{int(port) - self.base_port}"

    def write(self, keys: Mapping[str, str]) -> None:
        """Store keys on whoever serves them, and wait until the file on disk has them."""
        if self.topology is Topology.SENTINEL:
            wait_until("a replica in step with the primary", self._has_replica)
        for key, value in keys.items():
            with self._serving(key) as server:
                server.call("SET", key, value, "EX", 3600)
                # Data kept means: what was on disk. The last second is not promised.
                server.call("WAITAOF", 1, 0, 5000)

    def _has_replica(self) -> bool:
        with self.open(self.port_of(self.primary())) as server:
            return "min_slaves_good_slaves:0" not in server.call("INFO", "replication")

    def read(self, *keys: str) -> dict[str, str]:
        """What the store holds of these keys."""
        found = {}
        for key in keys:
            with self._serving(key) as server:
                value = server.call("GET", key)
                if value is not None:
                    found[key] = value
        return found

    @contextlib.contextmanager
    def _serving(self, key: str) -> Iterator[RawConnection]:
        if self.topology is not Topology.CLUSTER:
            with self.open(self.port_of(self.primary())) as raw:
                yield raw
            return
        with self.open(self.base_port) as raw:
            slot = raw.call("CLUSTER", "KEYSLOT", key)
            port = next(
                int(primary[1])
                for first, last, primary, *_ in raw.call("CLUSTER", "SLOTS")
                if first <= slot <= last
            )
        with self.open(port) as raw:
            yield raw


def processes_in(folder: Path) -> dict[int, str]:
    """Command lines of the processes that work below a folder, by process id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink().is_relative_to(folder):
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
    return found
