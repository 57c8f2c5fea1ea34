"""Connections that are open already: a request must never pay for one."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable

from holdfast.resp import ErrorReply, pack
from holdfast.wire import Broken, Link

PING = pack([("PING",)])


class Pool:
    """The connections to one server, newest used first, opened when needed; thread-safe.

    Args:
        dial: opens one more.
        size: how many there may be at once.
        health_check_seconds: one that was idle for longer is tried with a PING before use.
        renew: logs one in again whose time for it has come. Raises Broken where it is lost.
    """

    def __init__(
        self,
        dial: Callable[[], Link],
        *,
        size: int,
        health_check_seconds: float,
        renew: Callable[[Link], object] | None = None,
    ) -> None:
        self._dial = dial
        self._renew = renew
        self._health_check_seconds = health_check_seconds
        self._idle: deque[Link] = deque()
        self._places = threading.BoundedSemaphore(size)
        self._process = os.getpid()
        self.closed = False

    def take(self, until: float, *, may_open: bool) -> Link | None:
        """A connection for one exchange; give it back with :meth:`give`.

        Args:
            until: how long to wait while all are in use, by ``time.monotonic``.
            may_open: whether a new one may be opened.

        Returns:
            None where a new one would be needed and ``may_open`` says no.

        Raises:
            Broken: all are in use until then.
            Whatever the client library raises when it connects.
        """
        self._leave_to_parent()
        if not self._places.acquire(blocking=False) and not self._places.acquire(
            timeout=max(until - time.monotonic(), 0.0)
        ):
            raise Broken("all connections of the pool are in use", sent=False)
        try:
            link = self._healthy()
            if link is None and may_open:
                link = self._dial()
        except BaseException:
            self._places.release()
            raise
        if link is None:
            self._places.release()
        return link

    def give(self, link: Link) -> None:
        """Take a connection back; a closed one only frees its place."""
        if not link.closed:
            if self.closed:
                link.close()
            else:
                link.idle_since = time.monotonic()
                self._idle.append(link)
        self._places.release()

    def _healthy(self) -> Link | None:
        while True:
            try:
                link = self._idle.pop()
            except IndexError:
                return None
            now = time.monotonic()
            try:
                if now >= link.renew_at and self._renew is not None:
                    # Here nothing is under way on it, and no transaction can be open.
                    self._renew(link)
                if now - link.idle_since < self._health_check_seconds:
                    return link
                if not isinstance(link.exchange(PING, 1)[0], ErrorReply):
                    return link
                link.close()
            except Broken:
                # What ended this one has most likely ended those that were idle for longer.
                self.drop_idle()

    def drop_idle(self) -> None:
        """Close what is not in use."""
        while True:
            try:
                self._idle.pop().close()
            except IndexError:
                return

    def close(self) -> None:
        """Close what is idle now and, when they come back, those in use."""
        self.closed = True
        self.drop_idle()

    def _leave_to_parent(self) -> None:
        if self._process != os.getpid():
            # After a fork the sockets are the parent's too: two writers on one TLS session.
            # Not closed properly, because that would end the parent's session.
            self._process = os.getpid()
            self._idle = deque()
