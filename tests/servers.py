"""Real servers for tests, without an engine: standalone, Sentinel, cluster, with TLS and ACL.

    with start_sentinel(newest_install(), tmp_path) as servers:
        store = holdfast.connect(servers.connection, tenant="t", role="svc")
        servers.kill(servers.primary().name)

Every process dies with the process that started it (``setpriv --pdeathsig``), so a test run that
is killed leaves none behind.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import hiredis

from holdfast.acl import password_hash, sentinel_acl_file, server_acl_file
from holdfast.connection import Address, Capacity, Connection, Tls, Topology, User
from holdfast.roles import SENTINEL_RULES, Role
from tests.certificates import Authority

HOST: Final = "127.0.0.1"
SERVICE: Final = "holdfast-test"
APP: Final = "agent"
NAME_SUFFIX: Final = "holdfast.test"
"""Each certificate also holds ``<node>.holdfast.test``, for tests of ``Connection.dial``."""

_READY_SECONDS: Final = 15.0
_FORM_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.01
_MAXMEMORY_BYTES: Final = 256 * 1024 * 1024
_SLOTS: Final = 16384
_TILT_MS: Final = 1000
# Below the range that the kernel gives to outgoing connections.
_FIRST_PORT, _LAST_PORT = 20000, 32000

_given: Final[set[int]] = set()
"""Ports of this process: one that was given may not be bound yet."""

T = TypeVar("T")


@dataclass(frozen=True)
class Install:
    """A server executable."""

    version: str
    executable: Path
    engine: str = "valkey"


def installs() -> list[Install]:
    """What ``HOLDFAST_TEST_SERVERS`` names, newest first; without it, what the toolchain finds.

    The variable reads ``9.1.2=/path/valkey-server,redis-7.0.15=/path/redis-server``.
    """
    text = os.environ.get("HOLDFAST_TEST_SERVERS", "").strip()
    found = []
    for entry in filter(None, text.split(",")) if text else _from_toolchain():
        label, _, path = entry.partition("=")
        engine, _, version = label.strip().rpartition("-")
        found.append(Install(version, Path(path.strip()), engine or "valkey"))
    return sorted(found, key=lambda i: (i.engine == "valkey", _numbers(i.version)), reverse=True)


def newest_install() -> Install | None:
    """The newest Valkey, or None where this machine has no server."""
    return next(iter(installs()), None)


def _from_toolchain() -> list[str]:
    # A process of its own: the toolchain may not be imported by what it is there to set up.
    code = (
        "from toolchain.servers import find_server\n"
        "found = find_server(None)\n"
        "print(f'{found.version}={found.server}')\n"
    )
    root = Path(__file__).parent.parent
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    return result.stdout.split() if result.returncode == 0 else []


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def wait_until(what: str, probe: Callable[[], T | None], *, seconds: float = _FORM_SECONDS) -> T:
    """Poll until ``probe`` gives something true; fail with ``what`` after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            message = f"waited {seconds:g} s for {what}"
            raise TimeoutError(message)
        time.sleep(_POLL_SECONDS)


class RawConnection:
    """One login over TLS that shows replies as they are; errors come as ``hiredis.ReplyError``."""

    def __init__(
        self,
        port: int,
        context: ssl.SSLContext,
        user: User | None,
        *,
        timeout: float = 5.0,
        host: str = HOST,
        name: str | None = None,
    ) -> None:
        plain = socket.create_connection((host, port), timeout)
        try:
            self._socket = context.wrap_socket(plain, server_hostname=name or host)
        except BaseException:
            plain.close()
            raise
        self._reader = hiredis.Reader(encoding="utf-8", errors="surrogateescape")
        if user is not None:
            try:
                self.call("AUTH", user.name, user.password or "")
            except BaseException:
                self.close()
                raise

    def send(self, *words: str | bytes | int) -> None:
        """Send one command without waiting for its reply."""
        self._socket.sendall(
            hiredis.pack_command(cast("tuple[str | int | float | bytes | memoryview[int]]", words))
        )

    def read(self) -> Any:  # noqa: ANN401 - a reply is any of the protocol's types
        """The next reply."""
        while (reply := self._reader.gets()) is False:
            data = self._socket.recv(65536)
            if not data:
                message = "the server closed the connection"
                raise ConnectionError(message)
            self._reader.feed(data)
        return reply

    def call(self, *words: str | bytes | int) -> Any:  # noqa: ANN401 - see read()
        """Send one command; raise its error reply or return the reply."""
        self.send(*words)
        reply = self.read()
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def settimeout(self, seconds: float | None) -> None:
        """How long :meth:`read` waits."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass
class Node:
    """One server process and its folder."""

    name: str
    kind: str
    folder: Path
    port: int
    executable: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    paused: bool = False

    @property
    def running(self) -> bool:
        """Whether the process lives (a paused one does)."""
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start the process; :meth:`Servers.wait_ready` waits for it."""
        guard = shutil.which("setpriv")
        command = [guard, "--pdeathsig", "KILL", "--"] if guard else []
        command += [str(self.executable), str(self.folder / "conf")]
        command += ["--sentinel"] if self.kind == "sentinel" else []
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to a living process."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait()
            self.paused = False


class Servers:
    """A group of running servers; use the ``start_*`` functions of this module."""

    def __init__(
        self,
        install: Install,
        folder: Path,
        topology: Topology,
        *,
        app: str = APP,
        directives: Mapping[str, str] | None = None,
    ) -> None:
        self.install = install
        self.folder = folder
        self.topology = topology
        self.app = app
        self.authority = Authority()
        self.nodes: dict[str, Node] = {}
        self.passwords: dict[Role, list[str]] = {role: [secrets.token_hex(16)] for role in Role}
        self.connection: Connection
        self._directives = {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory": str(_MAXMEMORY_BYTES),
            "maxmemory-policy": "volatile-lru",
            "maxmemory-samples": "10",
            "hash-max-listpack-value": "1024",
            "repl-diskless-sync-delay": "0",
        } | dict(directives or {})
        self._context = ssl.create_default_context(cadata=self.authority.pem)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def user(self, role: Role) -> User:
        """A role's login with its newest password."""
        return User(role.value, self.passwords[role][0])

    def open(
        self, name: str, role: Role | None = Role.ADMIN, *, timeout: float = 5.0
    ) -> RawConnection:
        """A raw connection to a node, logged in as ``role`` (None: not logged in)."""
        user = self.user(role) if role is not None else None
        return RawConnection(self.nodes[name].port, self._context, user, timeout=timeout)

    def call(self, name: str, *words: str | bytes | int) -> Any:  # noqa: ANN401 - see read()
        """One command on a node as ``admin``."""
        with self.open(name) as connection:
            return connection.call(*words)

    def info(self, name: str, section: str) -> dict[str, str]:
        """A section of a node's INFO."""
        lines = str(self.call(name, "INFO", section)).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def info_cluster(self, name: str) -> dict[str, str]:
        """A node's CLUSTER INFO."""
        lines = str(self.call(name, "CLUSTER", "INFO")).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    @property
    def servers(self) -> list[Node]:
        """The nodes that hold data."""
        return [node for node in self.nodes.values() if node.kind == "server"]

    @property
    def sentinels(self) -> list[Node]:
        """The Sentinels."""
        return [node for node in self.nodes.values() if node.kind == "sentinel"]

    def primary(self) -> Node:
        """The server that the Sentinels call the primary (standalone: the only one)."""
        if not self.sentinels:
            return self.servers[0]
        for sentinel in self.sentinels:
            if sentinel.running and not sentinel.paused:
                _, port = self.call(sentinel.name, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
                return next(node for node in self.servers if node.port == int(port))
        message = "no Sentinel answers"
        raise RuntimeError(message)

    def kill(self, name: str) -> None:
        """SIGKILL one node."""
        self.nodes[name].kill()

    def pause(self, name: str) -> None:
        """Freeze one node (SIGSTOP)."""
        self.nodes[name].signal(signal.SIGSTOP)
        self.nodes[name].paused = True

    def resume(self, name: str) -> None:
        """Let a frozen node go on."""
        self.nodes[name].signal(signal.SIGCONT)
        self.nodes[name].paused = False

    def start(self, name: str) -> None:
        """Start a node that was killed, with the data it had, and wait until it answers."""
        self.nodes[name].start()
        self.wait_ready(name)

    def stop(self) -> None:
        """End every process."""
        for node in self.nodes.values():
            node.kill()

    def set_passwords(self, role: Role, *passwords: str) -> None:
        """Replace a role's passwords on every running node, newest first (``ACL LOAD``)."""
        self.passwords[role] = list(passwords)
        for node in self.nodes.values():
            self._write_acl(node)
            if node.running:
                # `open` logs in with the newest admin password, which a change of admin's breaks.
                self.call(node.name, "ACL", "LOAD")

    def wait_ready(self, name: str) -> None:
        """Wait until a node answers a PING."""
        node = self.nodes[name]

        def answers() -> bool:
            if not node.running:
                message = f"{name} ended at once:\n{node.log[-2000:]}"
                raise RuntimeError(message)
            try:
                return bool(self.call(name, "PING") == "PONG")
            except (OSError, hiredis.ReplyError):
                return False

        try:
            wait_until(f"{name} to answer", answers, seconds=_READY_SECONDS)
        except TimeoutError as error:
            error.add_note(node.log[-2000:])
            raise
        if node.kind == "sentinel":
            # After a machine stood still for 2 s a Sentinel trusts nothing for 30 s (TILT).
            self.call(name, "SENTINEL", "DEBUG", "TILT-PERIOD", _TILT_MS)

    def add(self, name: str, kind: str, lines: Sequence[str], *, start: bool = True) -> Node:
        """Write a node's files and start it."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        leaf = self.authority.issue(("localhost", f"{name}.{NAME_SUFFIX}"))
        (folder / "ca.crt").write_text(self.authority.pem)
        (folder / "tls.crt").write_text(leaf.certificate_pem)
        (folder / "tls.key").write_text(leaf.private_key_pem)
        (folder / "tls.key").chmod(0o600)
        node = Node(name, kind, folder, free_port(), self.install.executable)
        self._write_acl(node)
        conf = [
            f"bind {HOST}",
            "protected-mode yes",
            "port 0",
            f"tls-port {node.port}",
            "tls-replication yes",
            "tls-auth-clients no",
            "tls-cert-file tls.crt",
            "tls-key-file tls.key",
            "tls-ca-cert-file ca.crt",
            "aclfile users.acl",
            f"dir {folder}",
            *lines,
        ]
        if kind == "server":
            conf += [
                f"masteruser {Role.REPLICA}",
                f"masterauth {self.passwords[Role.REPLICA][0]}",
                *(f"{key} {value}" for key, value in self._directives.items()),
            ]
        (folder / "conf").write_text("\n".join(conf) + "\n")
        (folder / "conf").chmod(0o600)
        self.nodes[name] = node
        if start:
            node.start()
        return node

    def _write_acl(self, node: Node) -> None:
        hashes = {
            role: [password_hash(password) for password in passwords]
            for role, passwords in self.passwords.items()
        }
        engine, version = self.install.engine, self.install.version
        if node.kind == "sentinel":
            known = {role: hashes[role] for role in SENTINEL_RULES}
            text = sentinel_acl_file(known, engine=engine, version=version)
        else:
            text = server_acl_file(
                self.app, hashes, engine=engine, version=version, topology=self.topology
            )
        (node.folder / "users.acl").write_text(text)

    def publish_connection(self) -> None:
        """Describe the running servers as a full Connection."""
        addresses = tuple(Address(HOST, node.port) for node in self.servers)
        sentinel = self.topology is Topology.SENTINEL
        self.connection = Connection(
            target="local",
            topology=self.topology,
            engine=self.install.engine,
            engine_version=self.install.version,
            app=self.app,
            users={role: self.user(role) for role in Role},
            tls=Tls(ca=self.authority.pem),
            sentinels=tuple(Address(HOST, node.port) for node in self.sentinels),
            sentinel_service=SERVICE if sentinel else None,
            primary=addresses[0] if self.topology is Topology.STANDALONE else None,
            seeds=addresses if self.topology is Topology.CLUSTER else (),
            capacity=Capacity(_MAXMEMORY_BYTES, "volatile-lru", 1000),
        )


def free_port(*, room_above: int = 0) -> int:
    """A loopback port that nobody listens on and nobody was given.

    It lies outside the range of outgoing connections.

    Args:
        room_above: the port that lies so much higher is free too (a cluster's bus).
    """
    chooser = random.SystemRandom()
    while True:
        port = chooser.randrange(_FIRST_PORT, _LAST_PORT)
        if port in _given or not all(map(_is_free, {port, port + room_above})):
            continue
        _given.add(port)
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


@contextmanager
def start_standalone(
    install: Install,
    folder: Path,
    *,
    app: str = APP,
    directives: Mapping[str, str] | None = None,
) -> Iterator[Servers]:
    """One server."""
    with Servers(install, folder, Topology.STANDALONE, app=app, directives=directives) as servers:
        servers.add("valkey-0", "server", [])
        servers.wait_ready("valkey-0")
        servers.publish_connection()
        yield servers


@contextmanager
def start_sentinel(
    install: Install,
    folder: Path,
    *,
    app: str = APP,
    replicas: int = 2,
    sentinels: int = 3,
    down_after_ms: int = 1000,
    directives: Mapping[str, str] | None = None,
) -> Iterator[Servers]:
    """One primary, its replicas and Sentinels that know all of them from the start."""
    defaults = {"min-replicas-to-write": "1" if replicas > 1 else "0", "min-replicas-max-lag": "3"}
    with Servers(
        install, folder, Topology.SENTINEL, app=app, directives=defaults | dict(directives or {})
    ) as servers:
        primary = servers.add("valkey-0", "server", [])
        for index in range(1, replicas + 1):
            servers.add(f"valkey-{index}", "server", [f"replicaof {HOST} {primary.port}"])
        for node in list(servers.nodes):
            servers.wait_ready(node)
        wait_until(
            "the replicas to be in step",
            lambda: (
                sum(
                    "state=online" in value
                    for key, value in servers.info("valkey-0", "replication").items()
                    if key.startswith("slave")
                )
                == replicas
            ),
        )
        _add_sentinels(servers, primary, sentinels, down_after_ms)
        servers.publish_connection()
        yield servers


def _add_sentinels(servers: Servers, primary: Node, count: int, down_after_ms: int) -> None:
    for index in range(count):
        servers.add(
            f"sentinel-{index}",
            "sentinel",
            [
                f"sentinel myid {secrets.token_hex(20)}",
                f"sentinel monitor {SERVICE} {HOST} {primary.port} {count // 2 + 1}",
                f"sentinel down-after-milliseconds {SERVICE} {down_after_ms}",
                f"sentinel failover-timeout {SERVICE} {max(5 * down_after_ms, 5000)}",
                f"sentinel auth-user {SERVICE} {Role.SENTINEL}",
                f"sentinel auth-pass {SERVICE} {servers.passwords[Role.SENTINEL][0]}",
                f"sentinel sentinel-user {Role.SENTINEL}",
                f"sentinel sentinel-pass {servers.passwords[Role.SENTINEL][0]}",
            ],
        )
    replicas = len(servers.servers) - 1

    def know_each_other(name: str) -> bool:
        reply = servers.call(name, "SENTINEL", "MASTER", SERVICE)
        state = dict(zip(reply[::2], reply[1::2], strict=True))
        return (
            int(state["num-slaves"]) == replicas
            and int(state["num-other-sentinels"]) == count - 1
            and state["flags"] == "master"
        )

    for node in servers.sentinels:
        servers.wait_ready(node.name)
    for node in servers.sentinels:
        wait_until(f"{node.name} to know the others", partial(know_each_other, node.name))


@contextmanager
def start_cluster(
    install: Install,
    folder: Path,
    *,
    app: str = APP,
    primaries: int = 3,
    replicas_per_primary: int = 1,
    node_timeout_ms: int = 1500,
    directives: Mapping[str, str] | None = None,
) -> Iterator[Servers]:
    """A cluster with every slot served and every replica in step."""
    with Servers(install, folder, Topology.CLUSTER, app=app, directives=directives) as servers:
        for index in range(primaries * (1 + replicas_per_primary)):
            servers.add(
                f"valkey-{index}",
                "server",
                [
                    "cluster-enabled yes",
                    "tls-cluster yes",
                    f"cluster-port {free_port()}",
                    f"cluster-node-timeout {node_timeout_ms}",
                    "cluster-replica-validity-factor 0",
                ],
            )
        for name in servers.nodes:
            servers.wait_ready(name)
        _form_cluster(servers, primaries)
        servers.publish_connection()
        yield servers


def _form_cluster(servers: Servers, primaries: int) -> None:
    nodes = servers.servers
    share = -(-_SLOTS // primaries)
    ids = {node.name: str(servers.call(node.name, "CLUSTER", "MYID")) for node in nodes}
    for index, node in enumerate(nodes):
        servers.call(node.name, "CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        if index < primaries:
            last = min((index + 1) * share, _SLOTS) - 1
            servers.call(node.name, "CLUSTER", "ADDSLOTSRANGE", index * share, last)
    first = nodes[0]
    bus = servers.call(first.name, "CONFIG", "GET", "cluster-port")[1]
    for node in nodes[1:]:
        servers.call(node.name, "CLUSTER", "MEET", HOST, first.port, bus)

    def knows_all(name: str) -> bool:
        return servers.info_cluster(name)["cluster_known_nodes"] == str(len(nodes))

    def is_whole(name: str) -> bool:
        return servers.info_cluster(name)["cluster_state"] == "ok"

    def follows(name: str) -> bool:
        return servers.info(name, "replication").get("master_link_status") == "up"

    for node in nodes:
        wait_until(f"{node.name} to know the others", partial(knows_all, node.name))
    for index, node in enumerate(nodes[primaries:]):
        primary = nodes[index % primaries]
        servers.call(node.name, "CLUSTER", "REPLICATE", ids[primary.name])
    for node in nodes:
        wait_until(f"{node.name} to see every slot served", partial(is_whole, node.name))
    for node in nodes[primaries:]:
        wait_until(f"{node.name} to follow its primary", partial(follows, node.name))
