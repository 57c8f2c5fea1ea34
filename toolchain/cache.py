"""The cache of downloads and builds, safe when two runs meet.

An entry is a folder that exists only when it is complete: it is filled beside its place and then
renamed. A lock file for each entry (``flock``) lets one run do the work while the other waits for
it; the kernel drops the lock of a run that was killed, and the next run removes what that one left.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from toolchain.errors import ToolchainError
from toolchain.progress import say


def cache_dir() -> Path:
    """``$XDG_CACHE_HOME/holdfast``; ``~/.cache/holdfast`` where the variable is not set."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG rules say that a relative path there is to be ignored.
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "holdfast"


@contextmanager
def locked(lock: Path, purpose: str) -> Iterator[None]:
    """Hold a lock file; announces it when another run holds it already.

    Args:
        lock: the file, created when it is not there and kept afterwards.
        purpose: what the holder does, for the announcement: "unpacking valkey 9.1.2".

    Raises:
        ToolchainError: the folder cannot be written.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise ToolchainError(
            f"{lock.parent} cannot be written; set XDG_CACHE_HOME to a folder of yours"
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting: another run is {purpose}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def ensure(name: str, purpose: str, build: Callable[[Path], None]) -> Path:
    """Return the folder of a cache entry, built first when it is not there.

    Args:
        name: the entry, with its version: "servers/valkey-9.1.2".
        purpose: what building does, for a run that waits for this one.
        build: fills the empty folder it is given; what it raises leaves no entry.
    """
    entry = cache_dir() / name
    if entry.is_dir():
        return entry
    with locked(cache_dir() / "locks" / f"{name.replace('/', '_')}.lock", purpose):
        if entry.is_dir():
            return entry
        partial = entry.with_name(f".{entry.name}.partial")
        # What is there was left by a run that died: this one holds the lock.
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            build(partial)
            partial.rename(entry)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return entry
