"""Whether processes run, for tests that end them or expect them to end."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path


def lives(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def wait_gone(pids: Collection[int], *, seconds: float = 20.0) -> list[int]:
    """Those of these processes that still live when the time is over."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if lives(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
