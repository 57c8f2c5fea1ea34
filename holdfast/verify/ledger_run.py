"""Writers at work on a store, and the reading of it afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
from holdfast.verify.ledger_group import KINDS, ThreadGroup, Work
from holdfast.verify.ledger_process import ProcessGroup
from holdfast.verify.ledger_writers import Book, Writing, write

DEFAULT_WRITERS: Final = 8
JOIN_SECONDS: Final = 40.0
"""Longer than a client's deadline and the attempt that it may begin just before."""


class Ledger:
    """Writers of all kinds, at work from :meth:`start` to :meth:`stop`.

    Args:
        connection: how the writers reach the store; needs the role svc.
        cleanup: where every session is registered for removal.
        writers: how many.
        processes: in how many processes they work; 1 is this one.
        options: of the writers' clients.
        writing: how a writer goes about it.
        reading: how the store is read afterwards, if not as the writers reach it.
    """

    def __init__(
        self,
        connection: Connection,
        cleanup: Cleanup,
        *,
        writers: int = DEFAULT_WRITERS,
        processes: int = 1,
        options: ClientOptions | None = None,
        writing: Writing = write,
        reading: Connection | None = None,
    ) -> None:
        self.book: Final = Book(self._opened)
        self._reader = holdfast.connect(
            (reading or connection).for_role(Role.SVC), tenant=RESERVED_TENANT, _verify=True
        )
        self._cleanup = cleanup
        kinds = [KINDS[number % len(KINDS)] for number in range(writers)]
        named = [(f"{kind.label}-{n}", kind) for n, kind in enumerate(kinds)]
        self._writers = tuple(writer for writer, _ in named)
        group = ThreadGroup if processes == 1 else ProcessGroup
        shares = [
            named[n * writers // processes : (n + 1) * writers // processes]
            for n in range(processes)
        ]
        self._groups: list[ThreadGroup | ProcessGroup] = [
            group(Work(connection.for_role(Role.SVC), dict(share), options, writing), self.book)
            for share in shares
            if share
        ]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every answer so far."""
        return self.book.entries

    def start(self) -> None:
        """Let the writers begin."""
        for group in self._groups:
            group.start()

    def _opened(self, session_id: str) -> None:
        self._cleanup.session(session_id, partial(self._reader.end, session_id))

    def behind(self, since: float) -> tuple[str, ...]:
        """Writers that had no turn acknowledged since then (monotonic seconds)."""
        return tuple(w for w in self._writers if self.book.acknowledged_at(w) < since)

    def stop(self) -> bool:
        """Let the writers end their turns; whether all did."""
        for group in self._groups:
            group.end()
        deadline = time.monotonic() + JOIN_SECONDS
        # Every one is waited for, also after one that did not end: none is left behind.
        unended = [group for group in self._groups if not group.ended(deadline)]
        return not unended

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
