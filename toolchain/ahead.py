"""Work that a later step needs, done at the lowest priority while an earlier one runs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from toolchain.paths import PROJECT

_END_SECONDS = 20.0


@contextmanager
def beside(argv: Sequence[str | Path]) -> Iterator[None]:
    """Run a program beside what is in the block; it is ended, children too, if it outlasts it.

    Nothing waits for it and its failure is not told: whoever needs what it makes calls for it
    again, waits for its lock, and says what is wrong.

    Args:
        argv: the program, which works in the project's folder and prints nothing.
    """
    process = subprocess.Popen(
        ["nice", "-n", "19", *argv],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        if process.poll() is None:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    # Its own session, so its group holds the compilers too.
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_END_SECONDS)
            return
