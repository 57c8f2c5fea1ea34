"""Progress on stderr: one line redrawn on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import Self, TextIO

TERMINAL_INTERVAL_SECONDS = 0.2
LOG_INTERVAL_SECONDS = 5.0


def say(message: str) -> None:
    """Print one line of progress."""
    print(message, file=sys.stderr, flush=True)


class Task:
    """A step that takes a while, as a context manager.

    ``detail`` is shown beside the elapsed time and may be set from any thread.
    """

    def __init__(self, title: str, *, stream: TextIO | None = None) -> None:
        self.detail = ""
        self._title = title
        self._stream = stream if stream is not None else sys.stderr
        self._terminal = self._stream.isatty()
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._printing = threading.Lock()
        self._thread = threading.Thread(target=self._report, daemon=True)

    def __enter__(self) -> Self:
        if not self._terminal:
            print(f"{self._title} ...", file=self._stream, flush=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        outcome = "done" if kind is None else "stopped"
        self.say(f"{self._title}: {outcome}, {self._elapsed()}")

    def say(self, message: str) -> None:
        """Print a line of its own, above the progress."""
        with self._printing:
            print(f"{self._clear()}{message}", file=self._stream, flush=True)

    def _clear(self) -> str:
        return "\r\x1b[K" if self._terminal else ""

    def _report(self) -> None:
        interval = TERMINAL_INTERVAL_SECONDS if self._terminal else LOG_INTERVAL_SECONDS
        while not self._stop.wait(interval):
            text = ", ".join(part for part in (self._elapsed(), self.detail) if part)
            line = f"{self._title}: {text}"
            if self._terminal:
                width = max(20, shutil.get_terminal_size().columns - 1)
                with self._printing:
                    print(f"{self._clear()}{line[:width]}", end="", file=self._stream, flush=True)
            else:
                self.say(f"  {line}")

    def _elapsed(self) -> str:
        seconds = time.monotonic() - self._started
        return f"{seconds:.1f} s"
