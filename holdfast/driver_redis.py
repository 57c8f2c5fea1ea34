"""Connections by redis-py."""

from __future__ import annotations

from typing import Any, Final

from redis.asyncio.connection import SSLConnection as AsyncSslConnection
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.exceptions import AuthenticationError, RedisError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from holdfast.driver_base import AsyncSharedContext, LibraryDriver, SharedContext, arguments
from holdfast.drivers import Endpoint


def _arguments(endpoint: Endpoint) -> dict[str, Any]:
    return {
        **arguments(endpoint),
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


class _Connection(SharedContext, SSLConnection):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(**_arguments(endpoint), retry=Retry(NoBackoff(), 0))
        self.endpoint = endpoint


class _AsyncConnection(AsyncSharedContext, AsyncSslConnection):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(**_arguments(endpoint), retry=AsyncRetry(NoBackoff(), 0))
        self.endpoint = endpoint


DRIVER: Final = LibraryDriver(
    open_sync=_Connection,
    open_async=_AsyncConnection,
    errors=(RedisError, OSError),
    denied=(AuthenticationError,),
)
