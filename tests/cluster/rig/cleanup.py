"""Removing an instance, whatever state it is in, and telling whether anything of it is left."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.rig import cgroups
from tests.cluster.rig.layout import CGROUP_TOP, run_folder
from tests.cluster.rig.namespaces import end_all, strays
from toolchain.cache import cache_dir, locked


@contextlib.contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Be the only one that brings an instance up or down; the kernel frees it of who was killed."""
    run_folder(name)
    lock = cache_dir() / "locks" / f"rig_{name}.lock"
    with locked(lock, f"working on cluster {name}"):
        yield


def take_down(name: str) -> None:
    """Remove an instance, whatever state it is in; nothing happens where there is none."""
    with exclusive(name):
        clear(name)


def clear(name: str) -> None:
    """Remove whatever there is of an instance, complete or not."""
    root = run_folder(name)
    end_all(root)
    cgroups.remove(f"{CGROUP_TOP}/{name}")
    for hierarchy in cgroups.hierarchies():
        # The folder above goes with the last instance.
        with contextlib.suppress(OSError):
            (hierarchy / CGROUP_TOP).rmdir()
    if root.exists():
        shutil.rmtree(root)


def leftovers(name: str) -> list[str]:
    """What there is of an instance that is down: nothing, where all is well."""
    root = run_folder(name)
    found = [f"process {process.pid}" for process in strays(root)]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    found += [f"mount {line.split()[1]}" for line in mounts if f"{root}/" in line]
    found += [f"cgroup {folder}" for folder in cgroups.leftovers(f"{CGROUP_TOP}/{name}")]
    return found + ([f"folder {root}"] if root.exists() else [])
