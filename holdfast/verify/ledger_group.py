"""Writers of the ledger at work in this process: threads, and asyncio tasks in threads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import holdfast
from holdfast.connection import Connection
from holdfast.keys import RESERVED_TENANT
from holdfast.options import ClientOptions
from holdfast.verify.ledger_writers import Notes, Plan, Writing, follow, follow_async, write

PAUSE_SECONDS: Final = 0.01
"""Between the turns of a writer: eight of them keep a small machine busy, not overloaded."""


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


@dataclass(frozen=True, slots=True)
class Work:
    """What a group of writers needs. It holds passwords, which the Connection masks.

    Attributes:
        connection: how the store is reached; only the role svc.
        writers: each writer's name and kind.
        options: of the clients.
        writing: how each writer goes about it.
    """

    connection: Connection
    writers: Mapping[str, WriterKind]
    options: ClientOptions | None = None
    writing: Writing = write


class ThreadGroup:
    """Writers in threads of this process, from :meth:`start` on."""

    def __init__(self, work: Work, notes: Notes) -> None:
        self._work = work
        self._notes = notes
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Let the writers begin."""
        for writer, kind in self._work.writers.items():
            if not kind.asynchronous:
                self._spawn(writer, partial(self._follow, writer, kind))
        for kind in KINDS:
            names = [writer for writer, of in self._work.writers.items() if of == kind]
            if kind.asynchronous and names:
                # A client of its own for each kind: a turn that waits for replicas holds up
                # those behind it on the same connection.
                self._spawn(kind.label, partial(asyncio.run, self._tasks(names, kind)))

    def end(self) -> None:
        """Ask the writers to end their turns."""
        self._stop.set()

    def ended(self, deadline: float) -> bool:
        """Wait for the writers until then (monotonic seconds); whether all ended."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _spawn(self, name: str, work: partial[None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _running(self) -> bool:
        return not self._stop.is_set()

    def _follow(self, writer: str, kind: WriterKind) -> None:
        with holdfast.connect(
            self._work.connection,
            tenant=RESERVED_TENANT,
            options=self._work.options,
            _verify=True,
        ) as store:
            follow(self._plan(writer, kind), store)

    async def _tasks(self, writers: list[str], kind: WriterKind) -> None:
        async with holdfast.connect_async(
            self._work.connection,
            tenant=RESERVED_TENANT,
            options=self._work.options,
            _verify=True,
        ) as store:
            await asyncio.gather(
                *(follow_async(self._plan(writer, kind), store) for writer in writers)
            )

    def _plan(self, writer: str, kind: WriterKind) -> Plan:
        return self._work.writing(
            writer,
            self._notes,
            confirm=kind.confirm,
            pause_seconds=PAUSE_SECONDS,
            running=self._running,
        )
