"""An emulator for the length of a test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.standin.aws.emulator.lifetime import Emulator, Options, start

_END_SECONDS: Final = 30.0


@contextmanager
def running(
    folder: Path, *, data_plane: bool = False, delay_seconds: float = 0.05
) -> Iterator[Emulator]:
    """Run one in ``folder``; it ends with the block, and with this process however that ends.

    Args:
        folder: empty or not there.
        data_plane: with real servers behind the stores.
        delay_seconds: how long a store at least stays ``creating`` or ``modifying``.
    """
    options = Options(data_plane=data_plane, delay_seconds=delay_seconds, die_with_parent=True)
    process, emulator = start(folder, options)
    try:
        yield emulator
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
