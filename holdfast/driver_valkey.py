"""Connections by valkey-py: our TLS context, and a dialled host beside the verified name."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final, cast

from valkey.asyncio.connection import SSLConnection as AsyncSslConnection
from valkey.asyncio.retry import Retry as AsyncRetry
from valkey.backoff import NoBackoff
from valkey.connection import SSLConnection
from valkey.exceptions import AuthenticationError, ValkeyError
from valkey.retry import Retry

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


def _arguments(endpoint: Endpoint) -> dict[str, Any]:
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
        "lib_name": None,
        "lib_version": None,
    }


class _Connection(SSLConnection):
    """The library's connection with our context in place of one built for each connection."""

    def __init__(self, endpoint: Endpoint) -> None:
        initialise: Any = super().__init__  # not annotated
        initialise(**_arguments(endpoint), retry=Retry(NoBackoff(), 0))
        self._endpoint = endpoint

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
        # By now the library has set the longer timeout for replies, but a frozen server accepts
        # TCP and never answers the handshake: that must cost no more than a connect.
        sock.settimeout(self._endpoint.connect_timeout_seconds)
        wrapped = self._endpoint.context.wrap_socket(
            sock, server_hostname=self._endpoint.address.host
        )
        wrapped.settimeout(self._endpoint.socket_timeout_seconds)
        return wrapped


class _AsyncConnection(AsyncSslConnection):
    """The same for asyncio."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(**_arguments(endpoint), retry=AsyncRetry(NoBackoff(), 0))
        self._endpoint = endpoint

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {
            "host": self._endpoint.host,
            "port": self._endpoint.address.port,
            "ssl": self._endpoint.context,
            "server_hostname": self._endpoint.address.host,
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


class ValkeyDriver:
    """See :class:`holdfast.drivers.Driver`."""

    errors: tuple[type[Exception], ...] = (ValkeyError, OSError)
    denied: tuple[type[Exception], ...] = (AuthenticationError,)

    def connect(self, endpoint: Endpoint) -> Dialled:
        """Open a connection and log in."""
        connection: Any = _Connection(endpoint)  # its methods are not annotated
        try:
            connection.connect()
            return Dialled(cast(ssl.SSLSocket, connection._sock), connection.disconnect)
        except BaseException:
            connection.disconnect()
            raise

    async def connect_async(self, endpoint: Endpoint) -> AsyncDialled:
        """The same on the running event loop."""
        connection: Any = _AsyncConnection(endpoint)
        try:
            await connection.connect()
            return cast(AsyncDialled, connection.take_transport())
        except BaseException:
            await connection.disconnect()
            raise
