"""Rotation on a store that serves: real engine, real servers, a client that must not notice.

One stack for all, because each step is a deployment; the tests may run in any order.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import holdfast
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.errors import HoldfastError, TlsFailed
from holdfast.roles import Role
from holdfast.tls import build_context
from holdfast.verify.access import Access
from holdfast.verify.probe import Link
from holdfast.verify.record import Kind
from tests.engine import PROJECT
from tests.local.stack import LocalStack
from tests.records import keep
from tests.servers import HOST, Install, wait_until

pytestmark = pytest.mark.timeout(300)

ROLES = (Role.SVC, Role.MONITOR, Role.REPLICA, Role.SENTINEL)
SERVERS = tuple(f"server-{number}" for number in range(3))
SENTINELS = tuple(f"sentinel-{number}" for number in range(3))


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, server_install: Install
) -> Iterator[LocalStack]:
    """A Sentinel store that every test leaves whole, with secrets of its own."""
    folder = tmp_path_factory.mktemp("rotation")
    stack = LocalStack.prepare(folder, Topology.SENTINEL, server_install)
    try:
        stack.up()
        yield stack
    finally:
        stack.engine.destroy()


@dataclass
class Traffic:
    """An application that reads its connection file and writes turn after turn."""

    file: Path
    turns: int = 0
    stored: int = -1
    failures: list[HoldfastError] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            with holdfast.connect(self.file, tenant="rotation") as store:
                session_id = store.create(ttl=holdfast.Ttl.chat()).session_id
                while not self._stop.wait(0.02):
                    turn = store.append(session_id, [{"n": 1}], expected_seq=self.turns)
                    self.turns = turn.seq
                self.stored = store.load(session_id).seq
        except HoldfastError as error:
            self.failures.append(error)

    @contextlib.contextmanager
    def beside(self, stack: LocalStack, rotation: str) -> Iterator[None]:
        """Run it beside the block; afterwards no request has failed, no turn is lost."""
        began = time.monotonic()
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            wait_until("the first turns", lambda: self.turns > 3 or not thread.is_alive())
            yield
        finally:
            self._stop.set()
            thread.join(30)
        assert self.failures == []
        assert self.stored == self.turns > 50
        figures = {
            "failed": len(self.failures),
            "lost": self.turns - self.stored,
            "acknowledged": self.turns,
            "duration_seconds": time.monotonic() - began,
        }
        keep(deployed(stack), Kind.ROTATION, rotation, figures)


@contextlib.contextmanager
def holdout(stack: LocalStack, role: Role) -> Iterator[str]:
    """A client that stays on its login and goes on using it; gives its address."""
    stop = threading.Event()
    failures: list[HoldfastError] = []
    # The thread must not give up on a server that a busy machine keeps waiting.
    access = Access(deployed(stack), timeout_seconds=30)
    with access.login(Address(HOST, stack.port_of("server-1")), role) as link:

        def use() -> None:
            try:
                while not stop.wait(0.2):
                    link.call("PING")
            except HoldfastError as error:
                failures.append(error)

        thread = threading.Thread(target=use)
        thread.start()
        try:
            yield f"{HOST}:{link.local_port}"
        finally:
            stop.set()
            thread.join(40)
    assert failures == []


def command(stack: LocalStack, *arguments: str) -> list[str]:
    script = str(PROJECT / "scripts" / "rotate.py")
    return [sys.executable, script, *arguments, "--stack", stack.engine.stack, "--json"]


def rotate(stack: LocalStack, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run the script to its end; gives what it prints."""
    done = subprocess.run(
        command(stack, *arguments),
        cwd=stack.engine.project,
        env=stack.engine.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    sys.stderr.write(done.stderr)
    assert done.returncode == code, done.stderr
    return dict(json.loads(done.stdout))


def rotate_and_interrupt_it(stack: LocalStack, *arguments: str) -> None:
    """Ctrl-C as soon as the first node, and no other yet for certain, was told."""
    acl = stack.data_dir / "server-0" / "users.acl"
    before = acl.read_bytes()
    with subprocess.Popen(
        command(stack, *arguments),
        cwd=stack.engine.project,
        env=stack.engine.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until("the first node to change", lambda: acl.read_bytes() != before, seconds=60)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, stderr
    assert "run it again and it goes on" in stderr


def deployed(stack: LocalStack) -> Connection:
    """The operator's Connection as it is now."""
    return Connection.from_json(stack.engine.outputs()["connection"])


def dial(stack: LocalStack, node: str, ca: str) -> Link:
    """A connection without a login, verified with a CA."""
    address = Address(HOST, stack.port_of(node))
    return Link.open(address, build_context(Tls(ca)), names={}, timeout_seconds=5)


def logs_in(stack: LocalStack, node: str, user: User, ca: str) -> bool:
    """Whether a node accepts a login."""
    with dial(stack, node, ca) as link:
        reply = link.attempt([("AUTH", user.name, user.password or "")])[0]
        assert reply == "OK" or reply.code == "WRONGPASS"
        return bool(reply == "OK")


def accepting(stack: LocalStack, nodes: Sequence[str], user: User, ca: str) -> set[str]:
    """Which of the nodes accept a login."""
    return {node for node in nodes if logs_in(stack, node, user, ca)}


def served(stack: LocalStack, node: str, ca: str) -> int:
    """Serial number of the certificate that a node serves, verified with a CA."""
    with dial(stack, node, ca) as link:
        return link.peer_serial


def test_passwords_rotate_under_traffic_although_interrupted_and_held_up(
    stack: LocalStack,
) -> None:
    before, pids = deployed(stack), stack.nodes()
    ca = before.tls.ca
    arguments = ["passwords", "--yes", *(word for role in ROLES for word in ("--role", role))]
    with Traffic(stack.data_dir / "connection-svc.json").beside(stack, "passwords"):
        with holdout(stack, Role.MONITOR) as address:
            rotate_and_interrupt_it(stack, *arguments)
            assert rotate(stack, "status")["unfinished"]
            refused = rotate(stack, *arguments, code=1)
            assert f"{address} as monitor" in refused["error"]
            # Refused before anything was dropped: whoever has not moved can still come in.
            assert accepting(stack, SERVERS, before.users[Role.MONITOR], ca) == set(SERVERS)
        rotate(stack, *arguments)
    after = deployed(stack)
    for role in ROLES:
        nodes = SERVERS if role is Role.REPLICA else (*SERVERS, *SENTINELS)
        assert accepting(stack, nodes, before.users[role], ca) == set(), role
        assert accepting(stack, nodes, after.users[role], ca) == set(nodes), role
    assert after.users[Role.WORKER] == before.users[Role.WORKER]
    assert rotate(stack, "status")["unfinished"] == []
    assert stack.nodes() == pids


def test_certificates_rotate_under_traffic_and_only_sentinels_restart(stack: LocalStack) -> None:
    pids, ca = stack.nodes(), deployed(stack).tls.ca
    before = {node: served(stack, node, ca) for node in pids}
    with Traffic(stack.data_dir / "connection-svc.json").beside(stack, "certificates"):
        rotate(stack, "certificates", "--yes")
    assert all(served(stack, node, ca) != serial for node, serial in before.items())
    after = stack.nodes()
    assert {node for node in pids if after[node] != pids[node]} == set(SENTINELS)


def test_the_ca_rotates_under_traffic_and_the_old_one_is_worth_nothing_then(
    stack: LocalStack,
) -> None:
    pids, old = stack.nodes(), deployed(stack).tls.ca
    with Traffic(stack.data_dir / "connection-svc.json").beside(stack, "ca"):
        rotate(stack, "ca", "--yes")
    new = deployed(stack).tls
    for node in pids:
        assert served(stack, node, new.ca)
        with pytest.raises(TlsFailed):
            served(stack, node, old)
    after = stack.nodes()
    assert {node for node in pids if after[node] != pids[node]} == set(SENTINELS)
    told = (stack.data_dir / "connection-svc.json").read_text()
    assert Connection.from_json(told).tls == new
    stack.up_unchanged("--refresh")
    stack.smoke()
