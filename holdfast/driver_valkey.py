"""Connections by valkey-py."""

from __future__ import annotations

from typing import Any, Final

from valkey.asyncio.connection import SSLConnection as AsyncSslConnection
from valkey.asyncio.retry import Retry as AsyncRetry
from valkey.backoff import NoBackoff
from valkey.connection import SSLConnection
from valkey.exceptions import AuthenticationError, ValkeyError
from valkey.retry import Retry

from holdfast.driver_base import AsyncSharedContext, LibraryDriver, SharedContext, arguments
from holdfast.drivers import Endpoint


def _arguments(endpoint: Endpoint) -> dict[str, Any]:
    return {**arguments(endpoint), "lib_name": None, "lib_version": None}


class _Connection(SharedContext, SSLConnection):
    def __init__(self, endpoint: Endpoint) -> None:
        initialise: Any = super().__init__  # not annotated
        initialise(**_arguments(endpoint), retry=Retry(NoBackoff(), 0))
        self.endpoint = endpoint


class _AsyncConnection(AsyncSharedContext, AsyncSslConnection):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(**_arguments(endpoint), retry=AsyncRetry(NoBackoff(), 0))
        self.endpoint = endpoint


DRIVER: Final = LibraryDriver(
    open_sync=_Connection,
    open_async=_AsyncConnection,
    errors=(ValkeyError, OSError),
    denied=(AuthenticationError,),
)
