"""A TCP proxy between client and server that counts, holds and loses what passes.

It does not look into TLS: a round trip is a burst of the client after which the server says
something.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Final, Self

from holdfast.connection import Address


class Proxy:
    """Listens on a port of its own and passes everything on to ``target``.

    Args:
        target: where to.
        host: where to listen.

    Attributes:
        connections: how many were made so far.
        round_trips: how often a client spoke and was, or would have been, answered.
        uploaded_bytes: from clients to the server.
        lost: how many answers were thrown away.
    """

    def __init__(self, target: Address, *, host: str = "127.0.0.1") -> None:
        self._target = target
        self._listener = socket.create_server((host, 0))
        self.address: Final = Address(host, self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._lose = 0
        self._open = threading.Event()
        self._open.set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.connections = 0
        self.round_trips = 0
        self.uploaded_bytes = 0
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_replies(self, count: int) -> None:
        """Throw away the next answers and cut their connections: the request has arrived."""
        with self._lock:
            self._lose = count

    def hold(self) -> None:
        """Keep answers back until :meth:`release`; requests still pass."""
        self._open.clear()

    def release(self) -> None:
        """Let answers pass again, those that were held first."""
        self._open.set()

    def cut(self) -> None:
        """Cut every connection."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _end(*pair)

    def reset_counts(self) -> None:
        """Count from here."""
        with self._lock:
            self.connections = self.round_trips = self.uploaded_bytes = self.lost = 0

    def close(self) -> None:
        """End the proxy and all that it carries."""
        _end(self._listener)
        self.release()
        self.cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((self._target.host, self._target.port))
            except OSError:
                # Nobody is there: the client sees what it would see without the proxy.
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._pairs.append((client, server))
            spoke = threading.Event()
            threading.Thread(target=self._up, args=(client, server, spoke), daemon=True).start()
            threading.Thread(target=self._down, args=(client, server, spoke), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket, spoke: threading.Event) -> None:
        try:
            while data := client.recv(65536):
                with self._lock:
                    self.uploaded_bytes += len(data)
                    if not spoke.is_set():
                        spoke.set()
                        self.round_trips += 1
                server.sendall(data)
        except OSError:
            return
        finally:
            _end(client, server)

    def _down(self, client: socket.socket, server: socket.socket, spoke: threading.Event) -> None:
        try:
            while data := server.recv(65536):
                self._open.wait()
                with self._lock:
                    answers = spoke.is_set()
                    spoke.clear()
                    if answers and self._lose:
                        self._lose -= 1
                        self.lost += 1
                        return
                client.sendall(data)
        except OSError:
            return
        finally:
            _end(client, server)


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):  # the peer may have ended it first
            end.shutdown(socket.SHUT_RDWR)
        end.close()
