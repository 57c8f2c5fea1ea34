"""One server of an emulated store: its files, its process, its administrator's connection."""

from __future__ import annotations

import shutil
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import hiredis

from holdfast.connection import User
from tests.certificates import Authority, Leaf
from tests.servers import Install, Node, RawConnection
from tests.standin.aws.dataplane.access import INTERNAL_USER
from tests.standin.aws.dataplane.api import PORT, DataPlaneError
from tests.standin.aws.dataplane.names import BUS_OFFSET

WAIT_SECONDS: Final = 100.0
"""Generous: it only bounds what has gone wrong."""

PROBE_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.02
CALL_SECONDS: Final = 20.0
_LOG_TAIL: Final = 2000
_DUMP: Final = "dump.rdb"
_NODES: Final = "nodes.conf"

T = TypeVar("T")


class Launcher:
    """Starts all processes from one thread that lives as long as the plane.

    A server dies with the *thread* that started it (that is what the kernel's parent-death signal
    goes by), and the threads that answer requests come and go.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="launcher")

    def start(self, node: Node) -> None:
        """Start a process."""
        self._executor.submit(node.start).result()

    def close(self) -> None:
        """End the thread, and with it whatever it started and nobody stopped."""
        self._executor.shutdown()


@dataclass(frozen=True)
class Credentials:
    """What the servers of one store share.

    Attributes:
        leaf: for every name of the store, as AWS has it.
        password: of :data:`~tests.standin.aws.dataplane.access.INTERNAL_USER`.
    """

    ca_pem: str
    leaf: Leaf
    password: str = field(repr=False)
    context: ssl.SSLContext = field(repr=False)

    @classmethod
    def issue(cls, authority: Authority, wildcard: str, password: str) -> Credentials:
        """New ones, for names such as ``*.store.abc123.use1.cache.amazonaws.com``."""
        leaf = authority.issue((wildcard,), ())
        context = ssl.create_default_context(cadata=authority.pem)
        return cls(authority.pem, leaf, password, context)


@dataclass(frozen=True)
class Place:
    """Who a server is and where.

    Attributes:
        member_id: as the control plane calls the node.
        shard: ``0001`` and so on.
        name: its host name.
        address: of its own, except that both servers of a serverless cache share one.
        clustered: whether it speaks the cluster protocol.
    """

    member_id: str
    shard: str
    name: str
    address: str
    port: int = PORT
    clustered: bool = False


class Server:
    """A Valkey server that keeps its data in memory alone, as ElastiCache does.

    Its folder has its log, and a file ``pid`` for whoever wants to hurt it from outside.
    """

    def __init__(
        self, place: Place, folder: Path, credentials: Credentials, launcher: Launcher
    ) -> None:
        self.place = place
        self.folder = folder
        self._credentials = credentials
        self._launcher = launcher
        self.node = Node(place.member_id, "server", folder, place.port, Path())

    @property
    def running(self) -> bool:
        """Whether the process lives, frozen or not."""
        return self.node.running

    def start(
        self,
        install: Install,
        *,
        directives: Mapping[str, str],
        acl: str,
        data: Path | None = None,
    ) -> None:
        """Start the process, empty or with the data of an RDB file, and wait until it answers.

        Raises:
            DataPlaneError: it ended at once, with the end of its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        dump = self.folder / _DUMP
        dump.unlink(missing_ok=True)
        if data is not None:
            shutil.copyfile(data, dump)
        self._write("ca.crt", self._credentials.ca_pem)
        self._write("tls.crt", self._credentials.leaf.certificate_pem)
        self._write("tls.key", self._credentials.leaf.private_key_pem)
        self.write_acl(acl)
        self._write("conf", "\n".join(self._conf(directives)) + "\n")
        self.node.executable = install.executable
        self._launcher.start(self.node)
        process = self.node.process
        self._write("pid", f"{process.pid if process is not None else 0}\n")
        until(f"{self.place.member_id} to answer", self._answers)
        # Kept, it would bring old data back with the next start.
        dump.unlink(missing_ok=True)

    def stop(self) -> None:
        """SIGKILL: there is nothing that a server without a disk could save."""
        self.node.kill()

    def forget(self) -> None:
        """Stop, and remove its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def open(self, *, seconds: float = CALL_SECONDS) -> RawConnection:
        """A connection of the plane's own user; the server's name is checked."""
        return RawConnection(
            self.place.port,
            self._credentials.context,
            User(INTERNAL_USER, self._credentials.password),
            timeout=seconds,
            host=self.place.address,
            name=self.place.name,
        )

    def call(self, *words: str | int, seconds: float = CALL_SECONDS) -> Any:  # noqa: ANN401 - any reply
        """One command."""
        with self.open(seconds=seconds) as connection:
            return connection.call(*words)

    def info(self, section: str) -> dict[str, str]:
        """A section of INFO."""
        return pairs(str(self.call("INFO", section)))

    def is_primary(self) -> bool:
        """What it says of itself."""
        return bool(self.call("ROLE")[0] == "master")

    def in_step(self) -> bool:
        """Whether this replica follows its primary and has all its data."""
        return self.info("replication").get("master_link_status") == "up"

    def responds(self, *, seconds: float = PROBE_SECONDS) -> bool:
        """Whether it answers within that time."""
        try:
            return self.running and bool(self.call("PING", seconds=seconds) == "PONG")
        except (OSError, hiredis.ReplyError):
            return False

    def save(self, file: Path) -> None:
        """Write its data to an RDB file."""

        def saved() -> bool:
            # Refused while it sends its data to a replica.
            return bool(self.call("SAVE") == "OK")

        until(f"{self.place.member_id} to save its data", saved)
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.folder / _DUMP, file)
        (self.folder / _DUMP).unlink()

    def write_acl(self, acl: str) -> None:
        """The users that it has from its next start on."""
        self._write("users.acl", acl)

    def _conf(self, directives: Mapping[str, str]) -> list[str]:
        place = self.place
        lines = [
            f"bind {place.address}",
            # Other servers are to see this one at its own address, not at the loopback's first.
            f"bind-source-addr {place.address}",
            "protected-mode no",
            "port 0",
            f"tls-port {place.port}",
            "tls-replication yes",
            "tls-auth-clients no",
            "tls-cert-file tls.crt",
            "tls-key-file tls.key",
            "tls-ca-cert-file ca.crt",
            "aclfile users.acl",
            f"dir {self.folder}",
            f"dbfilename {_DUMP}",
            'save ""',
            "appendonly no",
            f"masteruser {INTERNAL_USER}",
            f"masterauth {self._credentials.password}",
            f"replica-announce-ip {place.address}",
            "repl-diskless-sync-delay 0",
        ]
        if place.clustered:
            lines += [
                "cluster-enabled yes",
                f"cluster-config-file {_NODES}",
                "tls-cluster yes",
                f"cluster-port {place.port + BUS_OFFSET}",
                f"cluster-announce-ip {place.address}",
                f"cluster-announce-hostname {place.name}",
                "cluster-preferred-endpoint-type hostname",
                "cluster-require-full-coverage no",
                "cluster-allow-replica-migration no",
                # The plane decides who takes over, also where no majority is left to vote.
                "cluster-replica-no-failover yes",
            ]
        return [*lines, *(f"{name} {value}" for name, value in directives.items())]

    def _answers(self) -> bool:
        if not self.running:
            message = f"{self.place.member_id} ended at once:\n{self.node.log[-_LOG_TAIL:]}"
            raise DataPlaneError(message)
        return bool(self.call("PING") == "PONG")

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)


def pairs(text: str) -> dict[str, str]:
    """``name:value`` lines."""
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def until(what: str, probe: Callable[[], T | None], *, seconds: float = WAIT_SECONDS) -> T:
    """Poll until ``probe`` gives something true; what a server answers meanwhile is not final.

    Raises:
        DataPlaneError: the time is over; the message ends with the last error.
    """
    deadline = time.monotonic() + seconds
    last = ""
    while True:
        try:
            found = probe()
        except (OSError, hiredis.ReplyError) as error:
            found, last = None, f" (last: {error})"
        if found:
            return found
        if time.monotonic() > deadline:
            message = f"waited {seconds:g} s for {what}{last}"
            raise DataPlaneError(message)
        time.sleep(_POLL_SECONDS)
