"""The factory of executors: the one place where connections to a store are made."""

from __future__ import annotations

from holdfast.async_executor import AsyncioExecutor
from holdfast.async_subscriber import AsyncSubscriber, open_async_subscriber
from holdfast.executor import SyncExecutor
from holdfast.options import ClientOptions, Library
from holdfast.roles import Role
from holdfast.source import ConnectionSource, with_logins
from holdfast.subscriber import Subscriber, open_subscriber
from holdfast.subscriptions import RECONNECTED, Reconnected

__all__ = [
    "RECONNECTED",
    "AsyncSubscriber",
    "AsyncioExecutor",
    "ClientOptions",
    "Library",
    "Reconnected",
    "Subscriber",
    "SyncExecutor",
    "open_async_executor",
    "open_async_subscriber",
    "open_executor",
    "open_subscriber",
]


def open_executor(
    source: ConnectionSource,
    *,
    role: Role | str | None = None,
    options: ClientOptions | None = None,
) -> SyncExecutor:
    """A synchronous executor. Nothing is sent yet.

    Args:
        source: gives the Connection; asked again when it changes.
        role: which login to use; None where the Connection has exactly one.
        options: pool, timeouts, deadline; None for the defaults.

    Raises:
        ConfigError: no such role, the client library is not installed, or the secret that the
            role's login refers to cannot be read.
    """
    return SyncExecutor(with_logins(source, role), role=role, options=options or ClientOptions())


def open_async_executor(
    source: ConnectionSource,
    *,
    role: Role | str | None = None,
    options: ClientOptions | None = None,
) -> AsyncioExecutor:
    """An executor for asyncio, bound to the event loop of its first operation.

    Args and errors as for :func:`open_executor`.
    """
    return AsyncioExecutor(with_logins(source, role), role=role, options=options or ClientOptions())
