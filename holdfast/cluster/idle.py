"""What the verifier's container runs: nothing, until a far side has come and gone.

So a caller that was killed leaves nothing behind: its far side notices and ends, and with it the
pod. Asked to end (SIGTERM), it passes that on and waits, so that keys are removed first.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final

UNUSED_SECONDS: Final = 120.0
"""Without any far side, from the start."""

LINGER_SECONDS: Final = 15.0
"""After the last far side, for a caller that has more to do."""

_POLL_SECONDS: Final = 0.2
_PREFIX: Final = "holdfast-far-side-"


@contextlib.contextmanager
def occupied(folder: Path | None = None) -> Iterator[None]:
    """A far side is at work while this lasts; a process that dies is none any more."""
    place = folder or Path(tempfile.gettempdir())
    mark = place / f"{_PREFIX}{os.getpid()}"
    with mark.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


def at_work(folder: Path) -> list[int]:
    """Process ids of the far sides there are."""
    return [int(mark.name.removeprefix(_PREFIX)) for mark in _marks(folder) if _held(mark)]


def _marks(folder: Path) -> list[Path]:
    return [mark for mark in folder.glob(f"{_PREFIX}*") if mark.name[len(_PREFIX) :].isdigit()]


def _held(mark: Path) -> bool:
    try:
        with mark.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def wait(
    folder: Path,
    ending: threading.Event,
    *,
    unused_seconds: float = UNUSED_SECONDS,
    linger_seconds: float = LINGER_SECONDS,
) -> str:
    """Return when nobody needs this any more; why, in words."""
    last, patience = time.monotonic(), unused_seconds
    told: set[int] = set()
    while True:
        working = at_work(folder)
        if working:
            last, patience = time.monotonic(), linger_seconds
        elif ending.is_set():
            return "asked to end"
        elif time.monotonic() - last > patience:
            return f"nobody has been here for {patience:g} s"
        if ending.is_set():
            for pid in set(working) - told:
                told.add(pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        ending.wait(_POLL_SECONDS) if not ending.is_set() else time.sleep(_POLL_SECONDS)


def main() -> int:
    """Wait; end with 0."""
    ending = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        ending.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    sys.stderr.write("verifier: waiting for a caller\n")
    why = wait(Path(tempfile.gettempdir()), ending)
    sys.stderr.write(f"verifier: done ({why})\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
