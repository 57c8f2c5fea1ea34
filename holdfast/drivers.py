"""The two client libraries under one interface: they open connections, log in and close them.

Everything else (what is sent, retried, read) is Holdfast's own, so that both behave alike. The
library's retries, health checks, client names and notifications are off: a connection costs the TLS
handshake and one round trip for AUTH.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple, Protocol

from holdfast.connection import Address
from holdfast.errors import ConfigError
from holdfast.options import Library

# A peer that vanished without a word is noticed after idle + interval * probes.
KEEPALIVE_IDLE_SECONDS: Final = 30
KEEPALIVE_INTERVAL_SECONDS: Final = 5
KEEPALIVE_PROBES: Final = 3


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server or Sentinel and how to get in.

    Attributes:
        address: the announced name, which the certificate must hold, and the port.
        host: the host that is dialled; differs from the name where clients do not depend on DNS.
        user: login.
        password: its password.
        context: for TLS; shared by all connections.
        connect_timeout_seconds: for TCP and for the handshake, each.
        socket_timeout_seconds: for every reply.
    """

    address: Address
    host: str
    user: str
    password: str = field(repr=False)
    context: ssl.SSLContext = field(repr=False)
    connect_timeout_seconds: float
    socket_timeout_seconds: float


class Dialled(NamedTuple):
    """An open, logged-in connection: its socket, and how the library closes it."""

    socket: ssl.SSLSocket
    close: Callable[[], None]


class AsyncDialled(NamedTuple):
    """An open, logged-in connection: its transport, and what must live as long as it does."""

    transport: asyncio.Transport
    owner: object


class Driver(Protocol):
    """What Holdfast needs of a client library."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What :meth:`connect` raises where the server or the network is at fault."""
        ...

    @property
    def denied(self) -> tuple[type[Exception], ...]:
        """Those of them that mean: the server refuses the login."""
        ...

    def connect(self, endpoint: Endpoint) -> Dialled:
        """Open a connection and log in."""
        ...

    async def connect_async(self, endpoint: Endpoint) -> AsyncDialled:
        """The same on the running event loop."""
        ...


@cache
def driver_for(library: Library) -> Driver:
    """The driver of a library.

    Raises:
        ConfigError: the library is not installed.
    """
    try:
        if library is Library.VALKEY:
            from holdfast.driver_valkey import DRIVER  # noqa: PLC0415 - an extra
        else:
            from holdfast.driver_redis import DRIVER  # noqa: PLC0415 - loaded by who uses it
    except ImportError as error:
        raise ConfigError(
            "options.library",
            str(library),
            "an installed client library",
            f"pip install 'holdfast[{library}]' ({error})",
        ) from error
    return DRIVER
