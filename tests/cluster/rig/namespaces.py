"""Guests: processes in namespaces of their own, found again and ended by who they are.

The first process in a guest's process namespace takes everything in it along when it ends: that is
how a node is switched off, and how nothing is left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tests.cluster.rig.errors import RigError
from tests.cluster.rig.layout import Layout
from toolchain.paths import PROJECT

MODULE: Final = "tests.cluster.rig.guest"
_POLL_SECONDS: Final = 0.02
_START_SECONDS: Final = 30.0
_END_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Process:
    """A process and when it started, in clock ticks since boot: together they are its identity.

    Numbers are given out anew after a while; what has another start time is somebody else's.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """Whoever has this number now; None: nobody, or one that has ended."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    def runs(self) -> bool:
        """Whether it is still there."""
        with contextlib.suppress(ChildProcessError):
            # It may be this process's own child, to be buried.
            os.waitpid(self.pid, os.WNOHANG)
        return Process.of(self.pid) == self

    def kill(self) -> None:
        """End it at once; nothing happens where it has ended."""
        if self.runs():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Guest:
    """A guest as it was started.

    Attributes:
        name: "control-plane" or that of a node.
        outer: the process that waits outside.
        inner: the first process in the namespaces.
    """

    name: str
    outer: Process
    inner: Process

    def runs(self) -> bool:
        """Whether it is switched on."""
        return self.inner.runs()


def start_guest(layout: Layout, name: str, *, inherit: int = -1) -> Guest:
    """Start a guest and write it down.

    Args:
        layout: of the instance.
        name: of the guest.
        inherit: a descriptor that it gets too.

    Raises:
        RigError: it ended at once.
    """
    argv = [
        *("unshare", "--mount", "--pid", "--net", "--uts", "--fork", "--kill-child"),
        *("--mount-proc", sys.executable, "-m", MODULE, str(layout.root), name),
    ]
    log = os.open(layout.logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    actions = [
        (os.POSIX_SPAWN_DUP2, nothing, 0),
        (os.POSIX_SPAWN_DUP2, log, 1),
        (os.POSIX_SPAWN_DUP2, log, 2),
    ]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        if inherit >= 0:
            os.set_inheritable(inherit, True)
        # A session of its own: Ctrl-C at the terminal is for the runner, which then cleans up.
        outer = os.posix_spawnp(argv[0], argv, environment, file_actions=actions, setsid=True)
    finally:
        os.close(log)
        os.close(nothing)
        if inherit >= 0:
            os.set_inheritable(inherit, False)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        waiting, inner = Process.of(outer), _first_child(outer)
        if waiting and inner:
            break
        if waiting is None or time.monotonic() > deadline:
            raise RigError(f"{name} did not start: see {layout.logs / name}.log")
        time.sleep(_POLL_SECONDS)
    guest = Guest(name, waiting, inner)
    record(layout.root, guest)
    return guest


def _first_child(pid: int) -> Process | None:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Process.of(int(children[0])) if children else None


def record(root: Path, guest: Guest) -> None:
    """Write a guest down, in place of an earlier one of its name."""
    folder = root / "guests"
    folder.mkdir(exist_ok=True)
    draft = folder / f".{guest.name}.new"
    draft.write_text(json.dumps(asdict(guest)))
    draft.rename(folder / f"{guest.name}.json")


def recorded(root: Path) -> dict[str, Guest]:
    """The guests that were written down, whether or not they still run."""
    found = {}
    for path in sorted((root / "guests").glob("*.json")):
        fields = json.loads(path.read_text())
        guest = Guest(fields["name"], Process(**fields["outer"]), Process(**fields["inner"]))
        found[guest.name] = guest
    return found


def strays(root: Path) -> Iterator[Process]:
    """Guests of a run folder that nobody wrote down, as when the runner was killed in between.

    They are told by their command line, which names the module and the folder.
    """
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if MODULE in words and words[words.index(MODULE) + 1] == str(root):
                process = Process.of(int(entry.name))
                if process is not None:
                    yield process


def end_guest(guest: Guest) -> None:
    """Switch a guest off, as pulling its plug would, and wait until it is gone.

    Raises:
        RigError: it does not go away.
    """
    guest.inner.kill()
    _await_end((guest.inner, guest.outer))


def end_all(root: Path) -> None:
    """Switch off every guest of a run folder.

    Raises:
        RigError: one does not go away.
    """
    found = [process for guest in recorded(root).values() for process in (guest.inner, guest.outer)]
    found += strays(root)
    for process in found:
        process.kill()
    _await_end(found)


def _await_end(processes: list[Process] | tuple[Process, ...]) -> None:
    deadline = time.monotonic() + _END_SECONDS
    while left := [process.pid for process in processes if process.runs()]:
        if time.monotonic() > deadline:
            raise RigError(f"process {left[0]} does not end")
        time.sleep(_POLL_SECONDS)
