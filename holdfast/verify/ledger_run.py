"""Writers at work on a store, and the reading of it afterwards."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import holdfast
from holdfast.connection import Connection
from holdfast.errors import SessionNotFound, SessionTorn
from holdfast.keys import RESERVED_TENANT
from holdfast.options import ClientOptions
from holdfast.roles import Role
from holdfast.verify.cleanup import Cleanup
from holdfast.verify.ledger import Entry, Placement, place
from holdfast.verify.ledger_writers import Book, Plan, follow, follow_async, write

DEFAULT_WRITERS: Final = 8
PAUSE_SECONDS: Final = 0.01
"""Between the turns of a writer: eight of them keep a small machine busy, not overloaded."""

JOIN_SECONDS: Final = 40.0
"""Longer than a client's deadline and the attempt that it may begin just before."""

_POLL_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class WriterKind:
    """How a writer works: its programming interface, and how many replicas it asks for."""

    asynchronous: bool
    confirm: int

    @property
    def label(self) -> str:
        """Part of the writer's name."""
        return f"{'async' if self.asynchronous else 'sync'}-confirm-{self.confirm}"


KINDS: Final = (
    WriterKind(asynchronous=False, confirm=0),
    WriterKind(asynchronous=True, confirm=1),
    WriterKind(asynchronous=True, confirm=0),
    WriterKind(asynchronous=False, confirm=1),
)
"""The writers take turns, so that one run shows what ``confirm`` changes."""


class Ledger:
    """Writers of all kinds, at work from :meth:`start` to :meth:`stop`.

    Args:
        connection: how the writers reach the store; needs the role svc.
        cleanup: where every session is registered for removal.
        writers: how many.
        options: of the writers' clients.
        reading: how the store is read afterwards, if not as the writers reach it.
    """

    def __init__(
        self,
        connection: Connection,
        cleanup: Cleanup,
        *,
        writers: int = DEFAULT_WRITERS,
        options: ClientOptions | None = None,
        reading: Connection | None = None,
    ) -> None:
        self.book: Final = Book(self._opened)
        self._connection = connection.for_role(Role.SVC)
        self._reader = holdfast.connect(
            (reading or connection).for_role(Role.SVC), tenant=RESERVED_TENANT, _verify=True
        )
        self._cleanup = cleanup
        self._options = options
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        kinds = [KINDS[number % len(KINDS)] for number in range(writers)]
        self._writers = {f"{kind.label}-{n}": kind for n, kind in enumerate(kinds)}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every answer so far."""
        return self.book.entries

    def start(self) -> None:
        """Let the writers begin."""
        for writer, kind in self._writers.items():
            if not kind.asynchronous:
                self._spawn(writer, partial(self._work, writer, kind))
        for kind in KINDS:
            names = [writer for writer, of in self._writers.items() if of == kind]
            if kind.asynchronous and names:
                # A client of its own for each kind: a turn that waits for replicas holds up
                # those behind it on the same connection.
                self._spawn(kind.label, partial(asyncio.run, self._tasks(names, kind)))

    def _spawn(self, name: str, work: partial[None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _opened(self, session_id: str) -> None:
        self._cleanup.session(session_id, partial(self._reader.end, session_id))

    def _running(self) -> bool:
        return not self._stop.is_set()

    def _work(self, writer: str, kind: WriterKind) -> None:
        with holdfast.connect(
            self._connection, tenant=RESERVED_TENANT, options=self._options, _verify=True
        ) as store:
            follow(self._plan(writer, kind), store)

    async def _tasks(self, writers: list[str], kind: WriterKind) -> None:
        async with holdfast.connect_async(
            self._connection, tenant=RESERVED_TENANT, options=self._options, _verify=True
        ) as store:
            await asyncio.gather(
                *(follow_async(self._plan(writer, kind), store) for writer in writers)
            )

    def _plan(self, writer: str, kind: WriterKind) -> Plan:
        return write(
            writer,
            self.book,
            confirm=kind.confirm,
            pause_seconds=PAUSE_SECONDS,
            running=self._running,
        )

    def behind(self, since: float) -> tuple[str, ...]:
        """Writers that had no turn acknowledged since then (monotonic seconds)."""
        return tuple(w for w in self._writers if self.book.acknowledged_at(w) < since)

    def stop(self) -> bool:
        """Let the writers end their turns; whether all did."""
        self._stop.set()
        deadline = time.monotonic() + JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """Close the client that reads and removes; the writers close theirs."""
        self._reader.close()

    def read(self) -> Placement:
        """Read every session and place every turn. The writers have to be stopped.

        Raises:
            StoreUnavailable: the store does not answer; nothing is known then.
        """
        return place(self.entries, self._stored())

    def _stored(self) -> Iterator[str]:
        for session_id in self.book.sessions:
            try:
                session = self._reader.load(session_id)
            except (SessionNotFound, SessionTorn):
                # What was acknowledged in it counts as lost.
                continue
            yield from (str(message) for message in session.messages)
