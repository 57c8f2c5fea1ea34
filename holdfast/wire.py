"""One connection below the client library: one write, then the replies, read where they arrive.

The library has opened the connection and logged in. From then on its layers would cost several
times what the exchange itself does (metrics hooks, event dispatch, encoders for each command), so
this module alone writes to the socket and parses. The one rule: a connection whose exchange did not
end exactly where it should is closed and never used again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any, Final

from holdfast.connection import Address
from holdfast.drivers import AsyncDialled, Dialled
from holdfast.resp import INCOMPLETE, Malformed, new_reader

_BUFFER_BYTES: Final = 65536


class Broken(Exception):
    """The exchange failed and the connection is closed.

    Attributes:
        sent: true where the server may have got the request.
    """

    def __init__(self, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


class Link:
    """A connection for one exchange at a time.

    Attributes:
        address: of the server.
        closed: it is of no use any more.
        idle_since: when it was last used, monotonic seconds; kept by the pool.
        renew_at: when it has to log in again, monotonic seconds; infinite where it need not.
    """

    __slots__ = (
        *("_buffer", "_close", "_reader", "_socket"),
        *("address", "closed", "idle_since", "renew_at"),
    )

    def __init__(self, dialled: Dialled, address: Address) -> None:
        self._socket = dialled.socket
        self._close = dialled.close
        self._reader = new_reader()
        self._buffer = bytearray(_BUFFER_BYTES)
        self.address = address
        self.closed = False
        self.idle_since = 0.0
        self.renew_at = inf

    def exchange(self, payload: bytes, count: int) -> list[Any]:
        """Send packed commands and read their replies; error replies are among them.

        Raises:
            Broken: no connection, no reply in time, or bytes that are no protocol.
        """
        try:
            self._socket.sendall(payload)
            return self._read(count)
        except BaseException as error:
            # KeyboardInterrupt too: the rest of this reply would be taken for the next one's.
            self.close()
            if isinstance(error, TimeoutError):
                raise Broken("no reply in time", sent=True) from error
            if isinstance(error, (OSError, Malformed)):
                raise Broken(f"connection lost: {error}", sent=True) from error
            raise

    def _read(self, count: int) -> list[Any]:
        gets = self._reader.gets
        replies: list[Any] = []
        while len(replies) < count:
            reply = gets()
            if reply is INCOMPLETE:
                self._fill()
            else:
                replies.append(reply)
        if self._reader.has_data():
            raise Malformed("more replies than commands")
        return replies

    def _fill(self) -> None:
        size = self._socket.recv_into(self._buffer)
        if not size:
            raise Broken("the server closed the connection", sent=True)
        self._reader.feed(self._buffer, 0, size)

    def send(self, payload: bytes) -> None:
        """Send without reading, for subscriptions. Raises Broken."""
        try:
            self._socket.sendall(payload)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise Broken(f"connection lost: {error}", sent=True) from error
            raise

    def receive(self, timeout_seconds: float) -> Any:  # noqa: ANN401 - any type that a reply has
        """The next reply, or INCOMPLETE after the timeout; nothing that arrived is lost.

        Raises:
            Broken: the connection is gone.
        """
        reply = self._reader.gets()
        deadline = time.monotonic() + timeout_seconds
        try:
            while reply is INCOMPLETE:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return INCOMPLETE
                self._socket.settimeout(remaining)
                self._fill()
                reply = self._reader.gets()
        except TimeoutError:
            return INCOMPLETE
        except (OSError, Malformed) as error:
            self.close()
            raise Broken(f"connection lost: {error}", sent=True) from error
        except Broken:
            self.close()
            raise
        return reply

    def fileno(self) -> int:
        """For selectors; -1 when closed."""
        return self._socket.fileno()

    def pending(self) -> bool:
        """Whether bytes wait above the operating system's socket, where a selector sees none."""
        return self._reader.has_data() or self._socket.pending() > 0

    def close(self) -> None:
        """Close; harmless when closed."""
        if not self.closed:
            self.closed = True
            self._close()


class _Waiting:
    """An exchange whose replies have not all come."""

    __slots__ = ("count", "future", "replies", "since")

    def __init__(self, future: asyncio.Future[list[Any]], count: int, since: float) -> None:
        self.future = future
        self.count = count
        self.since = since
        self.replies: list[Any] = []


class AsyncLink(asyncio.Protocol):
    """A connection that carries many exchanges at once, answered in the order they were sent.

    A caller who is cancelled leaves no trace: his replies are read and dropped. One watchdog a
    connection looks at the oldest exchange, instead of a timer for each.
    """

    def __init__(
        self,
        dialled: AsyncDialled,
        address: Address,
        timeout_seconds: float,
        on_push: Callable[[Any], None] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = dialled.transport
        # From Python 3.12 on a stream writer closes its transport when it is collected.
        self._owner = dialled.owner
        self._reader = new_reader()
        self._waiting: deque[_Waiting] = deque()
        self._outgoing: list[bytes] = []
        self._timeout_seconds = timeout_seconds
        self._watchdog: asyncio.TimerHandle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._streams = dialled.transport.get_protocol()
        self._on_push = on_push
        self.address = address
        self._retired = False
        self.closed = False
        self.reason = "closed"
        self.active_at = self._loop.time()
        self._transport.set_protocol(self)

    @property
    def load(self) -> int:
        """How many exchanges are under way."""
        return len(self._waiting)

    def exchange(self, payload: bytes, count: int) -> asyncio.Future[list[Any]]:
        """Send packed commands; the future gives their replies, error replies among them.

        Raises:
            Broken: the connection is closed. The future raises it too.
        """
        if self.closed:
            raise Broken(self.reason, sent=False)
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        self.active_at = now = self._loop.time()
        self._waiting.append(_Waiting(future, count, now))
        if len(self._waiting) == 1:
            self._transport.write(payload)
        else:
            # What other tasks send in this turn of the loop leaves in the same write: one TLS
            # record and one system call for all of them.
            if not self._outgoing:
                self._loop.call_soon(self._flush)
            self._outgoing.append(payload)
        if self._watchdog is None:
            self._watchdog = self._loop.call_later(self._timeout_seconds, self._watch)
        return future

    def _flush(self) -> None:
        payload = b"".join(self._outgoing)
        self._outgoing.clear()
        if payload and not self.closed:
            self._transport.write(payload)

    def write(self, payload: bytes) -> None:
        """Send without waiting for replies, for subscriptions. Raises Broken."""
        if self.closed:
            raise Broken(self.reason, sent=False)
        self._outgoing.append(payload)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Give the replies to those who wait for them (called by the event loop)."""
        reader, waiting = self._reader, self._waiting
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not INCOMPLETE:
                if not waiting:
                    self._push(reply)
                    continue
                first = waiting[0]
                first.replies.append(reply)
                if len(first.replies) == first.count:
                    waiting.popleft()
                    if not first.future.done():
                        first.future.set_result(first.replies)
            if self._retired and not waiting:
                self.close()
        except Malformed as error:
            self.close(f"connection lost: {error}")

    def _push(self, reply: Any) -> None:  # noqa: ANN401 - any type that a reply has
        if self._on_push is None:
            raise Malformed("more replies than commands")
        self.active_at = self._loop.time()
        self._on_push(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is under way (called by the event loop)."""
        # The library's streams wait for this call before they count as closed.
        self._streams.connection_lost(exc)
        self.close(f"connection lost: {exc}" if exc else "the server closed the connection")

    def _watch(self) -> None:
        self._watchdog = None
        if not self._waiting:
            return
        late = self._waiting[0].since + self._timeout_seconds
        if late <= self._loop.time():
            self.close("no reply in time")
        else:
            self._watchdog = self._loop.call_at(late, self._watch)

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something then, unless the connection is closed before."""
        if not self.closed:
            self._alarm = self._loop.call_later(seconds, act)

    def retire(self) -> None:
        """Close as soon as nothing is under way."""
        self._retired = True
        if not self._waiting:
            self.close()

    def close(self, reason: str = "closed") -> None:
        """Close and fail what is under way; harmless when closed."""
        if self.closed:
            return
        self.closed = True
        self.reason = reason
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._transport.abort()
        while self._waiting:
            future = self._waiting.popleft().future
            if not future.done():
                future.set_exception(Broken(reason, sent=True))
        if self._on_push is not None:
            self._on_push(None)
