"""A server process: started detached, found again without mistaking another for it, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from holdfast.connection import Address
from holdfast.errors import ConfigError
from provider.servers.files import FILE_MODE, explained, read_file, write_file
from provider.servers.spec import Kind, Layout

_PROC: Final = Path("/proc")
_BOOT_ID: Final = _PROC / "sys/kernel/random/boot_id"
_STATE_FIELD: Final = 0
_START_FIELD: Final = 19
"""Fields of /proc/<pid>/stat after the name, which is in parentheses and may hold anything."""

_DEAD: Final = frozenset("ZXx")
_STOP_POLL_SECONDS: Final = 0.02
STOP_SECONDS: Final = 15.0
"""Longer than the 10 s for which a primary waits for its replicas before it ends."""

_KILL_SECONDS: Final = 5.0
_UMASK: Final = 0o077

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Our own children have to be reaped, or a dead one looks alive."""


@dataclass(frozen=True, slots=True)
class Running:
    """A live process. A pid alone could be another process by now; these three cannot."""

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class Record:
    """process.json: whose the folder is and how to start its process again. Holds no secret.

    Attributes:
        owner: ``<project>/<stack>``.
        wanted: false once the resource is deleted and its data kept.
        clustered: whether it is a node of a cluster.
        running: the process as last started, None if none was.
    """

    owner: str
    node: str
    kind: Kind
    argv: tuple[str, ...]
    address: str
    port: int
    version: str = ""
    clustered: bool = False
    wanted: bool = True
    running: Running | None = None

    @property
    def endpoint(self) -> Address:
        """Where it listens."""
        return Address(self.address, self.port)

    def write(self, layout: Layout) -> None:
        """Store it in the node's folder."""
        write_file(layout.record, (json.dumps(asdict(self), indent=2) + "\n").encode())

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Read it back, None if there is none.

        Raises:
            ConfigError: the file is damaged.
        """
        data = read_file(file)
        if data is None:
            return None
        try:
            fields: dict[str, Any] = json.loads(data)
            running = fields.pop("running")
            return cls(
                **{**fields, "kind": Kind(fields["kind"]), "argv": tuple(fields["argv"])},
                running=Running(**running) if running else None,
            )
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(
                str(file), "a damaged record", "the JSON that this kit writes", "delete the file"
            ) from error


def start(argv: Sequence[str], layout: Layout, environment: Mapping[str, str]) -> Running:
    """Start a process that outlives us and holds nothing of ours open.

    Raises:
        ConfigError: the executable cannot be run.
    """
    with explained(layout.log):
        log = os.open(layout.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
    try:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=layout.data,
            env=dict(environment),
            umask=_UMASK,
            start_new_session=True,
        )
    except OSError as error:
        raise ConfigError(
            "executable", argv[0], f"a server that can be run ({error.strerror})", "install it"
        ) from error
    finally:
        os.close(log)
    _children[child.pid] = child
    stat = _stat(child.pid)
    return Running(child.pid, int(stat[_START_FIELD]) if stat else 0, _boot_id())


def find(record: Record | None, layout: Layout) -> Running | None:
    """The live process of the record, if it still is that one and works in the node's folder."""
    running = record.running if record else None
    return (
        running if running and is_alive(running) and _works_in(running.pid, layout.data) else None
    )


def adopt(pid: int, layout: Layout) -> Running | None:
    """Take a process whose record was lost for the node's own, if it works in our folder."""
    stat = _stat(pid)
    if not stat or not _works_in(pid, layout.data):
        return None
    return Running(pid, int(stat[_START_FIELD]), _boot_id())


def is_alive(running: Running) -> bool:
    """Whether this very process lives."""
    stat = _stat(running.pid)
    if not stat or stat[_STATE_FIELD] in _DEAD:
        child = _children.pop(running.pid, None)
        if child is not None:
            child.wait()
        return False
    return int(stat[_START_FIELD]) == running.start_ticks and running.boot_id == _boot_id()


def stop(
    running: Running,
    *,
    deadline_seconds: float = STOP_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Stop it: SIGTERM lets it flush its AOF and its replicas; SIGKILL after the deadline.

    Returns:
        Whether it ended by itself.

    Raises:
        ConfigError: it belongs to another user, or does not even end on SIGKILL.
    """
    # A frozen process acts on SIGTERM only after SIGCONT.
    for signals, seconds in (
        ((signal.SIGTERM, signal.SIGCONT), deadline_seconds),
        ((signal.SIGKILL,), _KILL_SECONDS),
    ):
        for number in signals:
            _signal(running, number)
        end = clock() + seconds
        while is_alive(running) and clock() < end:
            sleep(_STOP_POLL_SECONDS)
        if not is_alive(running):
            return signal.SIGKILL not in signals
    raise ConfigError("pid", running.pid, "a process that ends on SIGKILL", "look at it with ps")


def _signal(running: Running, number: signal.Signals) -> None:
    if not is_alive(running):
        return
    try:
        os.kill(running.pid, number)
    except ProcessLookupError:
        # It ended in between, which is what was wanted.
        return
    except PermissionError as error:
        raise ConfigError(
            "pid", running.pid, "a process of your own user", "stop it as its owner"
        ) from error


def started(record: Record, running: Running | None) -> Record:
    """The record with this process in it."""
    return replace(record, running=running)


def _stat(pid: int) -> list[str]:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def _works_in(pid: int, folder: Path) -> bool:
    try:
        # The link of a folder that was removed under the process ends in " (deleted)".
        at = os.readlink(_PROC / str(pid) / "cwd").removesuffix(" (deleted)")  # noqa: PTH115
    except OSError:
        return False
    return Path(at) == folder.resolve()


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip()
