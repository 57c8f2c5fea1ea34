"""What both libraries' connections need of us: our TLS context, and a host beside the name.

redis-py and valkey-py grew from one code base, so one set of overrides fits both. Each library's
module adds its own arguments and exceptions.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from holdfast.drivers import (
    KEEPALIVE_IDLE_SECONDS,
    KEEPALIVE_INTERVAL_SECONDS,
    KEEPALIVE_PROBES,
    AsyncDialled,
    Dialled,
    Endpoint,
)

_KEEPALIVE: Final = {
    socket.TCP_KEEPIDLE: KEEPALIVE_IDLE_SECONDS,
    socket.TCP_KEEPINTVL: KEEPALIVE_INTERVAL_SECONDS,
    socket.TCP_KEEPCNT: KEEPALIVE_PROBES,
}


def arguments(endpoint: Endpoint) -> dict[str, Any]:
    """What both libraries are told about a connection."""
    return {
        "host": endpoint.host,
        "port": endpoint.address.port,
        "username": endpoint.user,
        "password": endpoint.password,
        "socket_connect_timeout": endpoint.connect_timeout_seconds,
        "socket_timeout": endpoint.socket_timeout_seconds,
        "socket_keepalive": True,
        "socket_keepalive_options": _KEEPALIVE,
        # RESP2 is one round trip to log in and gives both libraries the same replies.
        "protocol": 2,
    }


class SharedContext:
    """Stands before a library's connection: our context in place of one for each connection."""

    endpoint: Endpoint

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
        # By now the library has set the longer timeout for replies, but a frozen server accepts
        # TCP and never answers the handshake: that must cost no more than a connect.
        sock.settimeout(self.endpoint.connect_timeout_seconds)
        wrapped = self.endpoint.context.wrap_socket(
            sock, server_hostname=self.endpoint.address.host
        )
        wrapped.settimeout(self.endpoint.socket_timeout_seconds)
        return wrapped


class AsyncSharedContext:
    """The same for asyncio, and a transport that can be taken from the library's streams."""

    endpoint: Endpoint
    _reader: asyncio.StreamReader | None
    _writer: asyncio.StreamWriter | None

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {
            "host": self.endpoint.host,
            "port": self.endpoint.address.port,
            "ssl": self.endpoint.context,
            "server_hostname": self.endpoint.address.host,
        }

    async def disconnect(self, *_: object, **__: object) -> None:
        """Close at once: a farewell by TLS could take longer than the loop lives."""
        writer = self._writer
        # Cleared, or the library would warn of a connection that was never closed.
        self._reader = self._writer = None
        if writer is not None:
            writer.transport.abort()

    def take_transport(self) -> AsyncDialled:
        """Hand the logged-in transport over; the library's streams are out of use from then on."""
        writer = self._writer
        if writer is None:  # the library has connected, or it would have raised
            raise ConnectionError("not connected")
        self._reader = self._writer = None
        return AsyncDialled(cast(asyncio.Transport, writer.transport), writer)


@dataclass(frozen=True, slots=True)
class LibraryDriver:
    """See :class:`holdfast.drivers.Driver`.

    Attributes:
        open_sync: makes a connection that is not yet connected.
        open_async: the same for asyncio. Neither library annotates its connections in full.
        errors: what connecting raises where the server or the network is at fault.
        denied: those of them that mean: the server refuses the login.
    """

    open_sync: Callable[[Endpoint], Any]
    open_async: Callable[[Endpoint], Any]
    errors: tuple[type[Exception], ...]
    denied: tuple[type[Exception], ...]

    def connect(self, endpoint: Endpoint) -> Dialled:
        """Open a connection and log in."""
        connection = self.open_sync(endpoint)
        try:
            connection.connect()
            return Dialled(cast(ssl.SSLSocket, connection._sock), connection.disconnect)
        except BaseException:
            connection.disconnect()
            raise

    async def connect_async(self, endpoint: Endpoint) -> AsyncDialled:
        """The same on the running event loop."""
        connection = self.open_async(endpoint)
        try:
            await connection.connect()
            return cast(AsyncDialled, connection.take_transport())
        except BaseException:
            await connection.disconnect()
            raise
