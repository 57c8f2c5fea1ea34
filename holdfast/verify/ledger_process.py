"""Writers of the ledger at work in a process of their own.

One interpreter runs one Python statement at a time, so writers that share it also share its
pauses. Processes do not. They tell what happens over a pipe, with times of the clock that all
processes of a machine share (``time.monotonic``). The Connection goes to them over that pipe
too: nothing of it stands in arguments or environment.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from typing import Final

from holdfast.connection import Connection
from holdfast.options import ClientOptions
from holdfast.verify.ledger import Entry
from holdfast.verify.ledger_group import ThreadGroup, Work, WriterKind
from holdfast.verify.ledger_writers import Notes, Writing

# Not fork: this process has threads, and TLS connections that two may not share.
_CONTEXT: Final = multiprocessing.get_context("spawn")
_POLL_SECONDS: Final = 0.2
_READ_SECONDS: Final = 5.0


class ProcessGroup:
    """Writers in one other process. The same as :class:`ThreadGroup` to who uses it."""

    def __init__(self, work: Work, notes: Notes) -> None:
        self._notes = notes
        self._pipe, theirs = _CONTEXT.Pipe()
        self._theirs: Pipe | None = theirs
        parts = (work.connection.to_json(), dict(work.writers), work.options, work.writing)
        self._process = _CONTEXT.Process(target=_run, args=(theirs, *parts), daemon=True)
        self._reading = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Let the writers begin, as soon as their process is there."""
        self._process.start()
        if self._theirs is not None:
            # Theirs alone from now on: when they end, reading here ends.
            self._theirs.close()
            self._theirs = None
        self._reading.start()

    def end(self) -> None:
        """Ask the writers to end their turns."""
        with suppress(OSError):  # they may be gone
            self._pipe.send(None)

    def ended(self, deadline: float) -> bool:
        """Wait for the process until then (monotonic seconds); whether it ended well."""
        if self._process.pid is None:
            return True
        self._process.join(max(0.0, deadline - time.monotonic()))
        well = self._process.exitcode == 0
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._reading.join(_READ_SECONDS)
        return well and not self._reading.is_alive()

    def _read(self) -> None:
        try:
            while True:
                told = self._pipe.recv()
                match told:
                    case Entry():
                        self._notes.note(told)
                    case ("opened", str(session_id)):
                        self._notes.opened(session_id)
                    case ("troubled", str(error)):
                        self._notes.troubled(error)
        except (EOFError, OSError):
            return
        finally:
            self._pipe.close()


class _Teller:
    """The notes of a process whose book is kept by another."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def note(self, entry: Entry) -> None:
        self._tell(entry)

    def opened(self, session_id: str) -> None:
        self._tell(("opened", session_id))

    def troubled(self, error: str) -> None:
        self._tell(("troubled", error))

    def _tell(self, what: Entry | tuple[str, str]) -> None:
        with self._lock, suppress(OSError):  # nobody listens any more: the end is near
            self._pipe.send(what)


def _run(
    pipe: Pipe,
    connection: str,
    writers: Mapping[str, WriterKind],
    options: ClientOptions | None,
    writing: Writing,
) -> None:
    """The other process: write until told to end, or until nobody listens."""
    # Ctrl-C in a terminal reaches the whole group; who started this one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work = Work(Connection.from_json(connection), writers, options, writing)
    group = ThreadGroup(work, _Teller(pipe))
    group.start()
    with suppress(EOFError, OSError):
        pipe.recv()
    group.end()
    while not group.ended(time.monotonic() + _POLL_SECONDS):
        continue
    pipe.close()
