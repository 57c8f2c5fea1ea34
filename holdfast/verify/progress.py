"""A progress bar on stderr for runs that take a person's patience."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

SHOW_AFTER_SECONDS: Final = 2.0
_BAR_WIDTH: Final = 30


class Progress:
    """Counts finished steps; draws only on a terminal and only after two seconds."""

    def __init__(
        self,
        total: int,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._began = clock()
        self._drawn = False

    def update(self, done: int, what: str = "") -> None:
        """Draw ``done`` of the total; ``what`` is being waited for."""
        if not self._stream.isatty() or self._clock() - self._began < SHOW_AFTER_SECONDS:
            return
        filled = _BAR_WIDTH * done // max(self._total, 1)
        bar = "#" * filled + "." * (_BAR_WIDTH - filled)
        self._stream.write(f"\r\033[K[{bar}] {done}/{self._total} {what[:35]}")
        self._stream.flush()
        self._drawn = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._drawn:
            self._stream.write("\r\033[K")
            self._stream.flush()
