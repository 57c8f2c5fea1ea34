"""The hands of a drill on the processes of a local stack.

Which processes those are stands in the ``process.json`` of each node's folder. A process is
touched only while its number, its start time, the machine's boot and its working folder all are
what the record says: a number alone could be somebody else's by now.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from holdfast.connection import Address, Connection
from holdfast.errors import ConfigError, VerificationFailed
from holdfast.verify.drills.command import run_command
from holdfast.verify.drills.journal import Journal
from holdfast.verify.drills.means import Action, Process, State

RECORD: Final = "process.json"
_PROC: Final = Path("/proc")
_STATE_FIELD: Final = 0
_START_FIELD: Final = 19
"""Fields of /proc/<pid>/stat after the name, which is in parentheses and may hold anything."""

_GONE: Final = frozenset("ZXx")
_STOPPED: Final = "T"
_DIE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.01
_PRIVATE: Final = 0o077
_ACTIONS: Final = frozenset({Action.KILL, Action.FREEZE, Action.START, Action.EMPTY})


@dataclass(frozen=True, slots=True)
class _Node:
    """One node's record."""

    folder: Path
    owner: str
    process: Process
    argv: tuple[str, ...]
    pid: int | None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def conf(self) -> Path:
        return self.folder / ("sentinel.conf" if self.process.sentinel else "server.conf")


class LocalMeans:
    """Processes of one group folder.

    Args:
        folder: of the stack, with a folder a node in it.
        bring_back: starts what is down in an order that is safe for the data (``pulumi up``).
        connect: reads the stack's Connection again; needed for commands that change it.

    Raises:
        ConfigError: the folder holds no processes.
    """

    def __init__(
        self,
        folder: Path,
        bring_back: Callable[[str], None],
        connect: Callable[[], Connection] | None = None,
    ) -> None:
        self._folder = folder
        self._connect = connect
        self._bring_back = bring_back
        self._journal = Journal(folder / "drill.json")
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        if not self._nodes():
            raise ConfigError(
                "folder",
                str(folder),
                f"the folder of a local stack, with a {RECORD} for each process",
                "use --stack, or the file in that folder as --connection",
            )

    @property
    def owner(self) -> str:
        """``<project>/<stack>``."""
        return next(iter(self._nodes().values())).owner

    def actions(self) -> frozenset[Action]:
        """What can be done to processes."""
        return _ACTIONS

    def supervised(self) -> bool:
        """No: what is down stays down until the engine starts it."""
        return False

    def prepare(self, needed: frozenset[Action]) -> None:
        """Nothing to prepare: a signal is at hand."""

    def processes(self) -> Sequence[Process]:
        """Servers first, each by name."""
        found = [node.process for node in self._nodes().values()]
        return sorted(found, key=lambda process: (process.sentinel, process.name))

    def kill(self, name: str) -> None:
        """SIGKILL, and wait until it is gone."""
        node = self._node(name)
        self._journal.add(name, "killed")
        self._signal(node, signal.SIGKILL)
        deadline = time.monotonic() + _DIE_SECONDS
        while self._node(name).process.state is not State.DOWN:
            if time.monotonic() > deadline:
                raise VerificationFailed(f"{name} does not end on SIGKILL")
            time.sleep(_POLL_SECONDS)
        child = self._children.pop(node.pid or 0, None)
        if child is not None:
            # Its folder is gone from the table a moment before it can be reaped.
            child.wait(_DIE_SECONDS)

    def freeze(self, name: str) -> None:
        """SIGSTOP."""
        node = self._node(name)
        self._journal.add(name, "frozen")
        self._signal(node, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self._signal(self._node(name), signal.SIGCONT)

    def start(self, name: str) -> None:
        """Start a replica or a Sentinel with its own files, as a machine's boot might.

        Raises:
            VerificationFailed: it runs, or its file says that it is a primary: who is the primary
                after a stop is decided over all nodes, not by the first that starts.
        """
        node = self._node(name)
        if node.process.state is not State.DOWN:
            raise VerificationFailed(f"{name} is {node.process.state}")
        if not node.process.sentinel and not _follows(node.conf):
            raise VerificationFailed(f"{name} would start as a primary")
        with (node.folder / "log").open("ab") as log:
            child = subprocess.Popen(
                node.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=node.data,
                env={"LC_ALL": "C.UTF-8"},
                umask=_PRIVATE,
                start_new_session=True,
            )
        self._children[child.pid] = child
        self._note_running(node, child.pid)

    def _note_running(self, node: _Node, pid: int) -> None:
        record = node.folder / RECORD
        fields: dict[str, Any] = json.loads(record.read_bytes())
        stat = _stat(pid)
        fields["running"] = {
            "pid": pid,
            "start_ticks": int(stat[_START_FIELD]) if stat else 0,
            "boot_id": _boot_id(),
        }
        fresh = record.with_suffix(".new")
        fresh.write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")
        fresh.chmod(record.stat().st_mode)
        fresh.replace(record)

    def empty(self, name: str) -> None:
        """Remove what is in its data folder. Raises VerificationFailed while it runs."""
        node = self._node(name)
        if node.process.state is not State.DOWN:
            raise VerificationFailed(f"{name} is {node.process.state}")
        for path in node.data.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def run(self, command: Sequence[str]) -> None:
        """Run a command here."""
        run_command(command)

    def connection(self) -> Connection:
        """As the stack has it now."""
        if self._connect is None:
            raise VerificationFailed("nobody knows where the Connection was read")
        return self._connect()

    def put_back(self) -> None:
        """Thaw what is frozen; let the engine start what is down, in its safe order."""
        for process in self.processes():
            if process.state is State.FROZEN:
                self.thaw(process.name)
        if any(process.state is State.DOWN for process in self.processes()):
            self._bring_back(self.owner)
        self._journal.clear()

    def left_behind(self) -> Sequence[str]:
        """What a drill did that was killed before it could undo it."""
        return self._journal.orphaned()

    def _nodes(self) -> Mapping[str, _Node]:
        nodes = {}
        for record in sorted(self._folder.glob(f"*/{RECORD}")):
            node = self._read(record)
            if node is not None:
                nodes[node.process.name] = node
        return nodes

    def _node(self, name: str) -> _Node:
        return self._nodes()[name]

    def _read(self, record: Path) -> _Node | None:
        try:
            fields: Mapping[str, Any] = json.loads(record.read_bytes())
            if not fields["wanted"]:
                return None
            folder = record.parent
            pid = self._live(fields["running"], folder / "data")
            address = Address(fields["address"], int(fields["port"]))
            return _Node(
                folder,
                fields["owner"],
                Process(fields["node"], address, fields["kind"] == "sentinel", _state(pid)),
                tuple(fields["argv"]),
                pid,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                str(record), "a damaged record", "what this kit writes", "run pulumi up --refresh"
            ) from error

    def _live(self, running: Mapping[str, Any] | None, data: Path) -> int | None:
        """The number of the recorded process, if it still is that one."""
        if running is None:
            return None
        pid = int(running["pid"])
        child = self._children.get(pid)
        stat = _stat(pid)
        if child is not None and stat and stat[_STATE_FIELD] in _GONE:
            # Our own dead children stay in the table until they are reaped.
            child.wait()
        same = (
            bool(stat)
            and stat[_STATE_FIELD] not in _GONE
            and int(stat[_START_FIELD]) == running["start_ticks"]
            and running["boot_id"] == _boot_id()
            and _works_in(pid, data)
        )
        return pid if same else None

    def _signal(self, node: _Node, number: signal.Signals) -> None:
        if node.pid is None:
            raise VerificationFailed(f"{node.process.name} does not run")
        try:
            os.kill(node.pid, number)
        except PermissionError:
            raise ConfigError(
                node.process.name,
                f"process {node.pid}",
                "a process of your own user",
                "run the drill as its owner",
            ) from None


def _state(pid: int | None) -> State:
    stat = _stat(pid) if pid is not None else []
    if not stat:
        return State.DOWN
    return State.FROZEN if stat[_STATE_FIELD] == _STOPPED else State.RUNNING


def _stat(pid: int) -> list[str]:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return (_PROC / str(pid) / "cwd").readlink() == folder.resolve()
    except OSError:
        return False


def _boot_id() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def _follows(conf: Path) -> bool:
    lines = conf.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.split()[:1] in (["replicaof"], ["slaveof"]) for line in lines)
