"""The cgroup folders of an instance, in the first version of cgroups and in the second."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.cluster.rig.errors import RigError

ROOT: Final = Path("/sys/fs/cgroup")
_POLL_SECONDS: Final = 0.05
_REMOVE_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Usage:
    """What a container has used.

    Attributes:
        cpu_seconds: since it started.
        memory_bytes: charged to it, the cached pages of files that can be dropped left out: what
            the kubelet calls its working set.
        rss_bytes: anonymous memory alone.
    """

    cpu_seconds: float
    memory_bytes: int
    rss_bytes: int


def is_unified() -> bool:
    """Whether this machine has cgroups version 2 alone."""
    return (ROOT / "cgroup.controllers").exists()


def hierarchies() -> tuple[Path, ...]:
    """The folders below which a cgroup is made, one a controller in version 1."""
    if is_unified():
        return (ROOT,)
    # "unified" holds no controller that is in use where version 1 has them.
    return tuple(
        sorted(path for path in ROOT.iterdir() if path.is_dir() and path.name != "unified")
    )


def create(path: str) -> None:
    """Make a cgroup, in version 2 with every controller of its parents."""
    for hierarchy in hierarchies():
        if hierarchy.name == "unified":
            # Beside version 1 it has no controller of use; runc makes its folders there by itself.
            continue
        folder = hierarchy
        for part in path.split("/"):
            if is_unified():
                available = (folder / "cgroup.controllers").read_text().split()
                wanted = " ".join(f"+{name}" for name in available)
                # The machine's own supervisor may have set it, or forbid it.
                with contextlib.suppress(OSError):
                    (folder / "cgroup.subtree_control").write_text(wanted)
            folder /= part
            folder.mkdir(exist_ok=True)


def remove(path: str) -> None:
    """Remove a cgroup and all below it, waiting for what was killed in it to be gone.

    Raises:
        RigError: something still runs there.
    """
    deadline = time.monotonic() + _REMOVE_SECONDS
    while left := [folder for folder in _existing(path) if not _remove_tree(folder)]:
        if time.monotonic() > deadline:
            raise RigError(f"{left[0]} cannot be removed: something still runs in it")
        time.sleep(_POLL_SECONDS)


def leftovers(path: str) -> list[Path]:
    """The folders of a cgroup that are there."""
    return list(_existing(path))


def _existing(path: str) -> Iterator[Path]:
    for hierarchy in hierarchies():
        if (hierarchy / path).is_dir():
            yield hierarchy / path


def _remove_tree(folder: Path) -> bool:
    for path in sorted(folder.rglob("*"), key=lambda one: len(one.parts), reverse=True):
        if path.is_dir():
            with contextlib.suppress(OSError):
                path.rmdir()
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def usage(path: str, container: str) -> Usage:
    """What a container below a cgroup has used.

    Args:
        path: of the cgroup of its node.
        container: its id.

    Raises:
        RigError: it does not run there.
    """
    if is_unified():
        folder = _find(ROOT / path, container)
        cpu = _fields(folder / "cpu.stat")["usage_usec"] / 1e6
        memory = _fields(folder / "memory.stat")
        charged = int((folder / "memory.current").read_text())
        return Usage(cpu, charged - memory["inactive_file"], memory["anon"])
    nanoseconds = int((_find(ROOT / "cpuacct" / path, container) / "cpuacct.usage").read_text())
    folder = _find(ROOT / "memory" / path, container)
    memory = _fields(folder / "memory.stat")
    charged = int((folder / "memory.usage_in_bytes").read_text())
    return Usage(nanoseconds / 1e9, charged - memory["total_inactive_file"], memory["total_rss"])


def first_process(path: str, container: str) -> int:
    """The number, on this machine, of the process that is number 1 in a container.

    Args:
        path: of the cgroup of its node.
        container: its id.

    Raises:
        RigError: it does not run there.
    """
    top = ROOT / path if is_unified() else ROOT / "pids" / path
    for pid in (_find(top, container) / "cgroup.procs").read_text().split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            status = Path(f"/proc/{pid}/status").read_text()
            numbers = next(line for line in status.splitlines() if line.startswith("NSpid:"))
            if numbers.split()[-1] == "1":
                return int(pid)
    raise RigError(f"container {container[:12]} has no first process")


def _find(top: Path, container: str) -> Path:
    for folder in top.rglob(container):
        return folder
    raise RigError(f"container {container[:12]} does not run below {top}")


def _fields(path: Path) -> dict[str, int]:
    pairs = (line.split() for line in path.read_text().splitlines())
    return {name: int(value) for name, value in pairs}
