"""Opening a store: from a Connection, however it is given, to a store object."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from holdfast.commands.scope import Scope
from holdfast.connection import Cold, Connection
from holdfast.errors import ConfigError, Unsupported
from holdfast.keys import RESERVED_TENANT
from holdfast.options import ClientOptions
from holdfast.roles import Role
from holdfast.source import ConnectionSource, as_source

if TYPE_CHECKING:
    from holdfast.async_store import AsyncSessionStore
    from holdfast.store import SessionStore

Source = Connection | ConnectionSource | str | PathLike[str] | None
"""A Connection, something that gives one, a file's path, the ARN of a secret in AWS Secrets
Manager, or None for ``HOLDFAST_CONNECTION``."""


def connect(
    source: Source = None,
    *,
    tenant: str,
    role: Role | str | None = None,
    options: ClientOptions | None = None,
    _verify: bool = False,
) -> SessionStore:
    """Open the store for a synchronous program. Nothing is sent before the first call.

    Args:
        source: a Connection, a :class:`~holdfast.ConnectionSource`, the path of a JSON file, the
            ARN of a secret (``arn:aws:secretsmanager:...``), or None for the variable
            ``HOLDFAST_CONNECTION``.
        tenant: whose sessions; no method reaches another tenant's.
        role: as whom; needed only where the Connection holds several roles (default then: svc).
        options: timeouts, pool and library.
        _verify: for the tools that check a store, which alone may use the reserved tenant.

    Raises:
        ConfigError: the source cannot be read, or the tenant or role is wrong.
        Unsupported: the store wants a cold store, which this version does not have.
    """
    from holdfast.client import open_executor, open_subscriber  # noqa: PLC0415 - import on use
    from holdfast.events import EventHub  # noqa: PLC0415 - import on use
    from holdfast.store import SessionStore  # noqa: PLC0415 - import on use

    options = options or ClientOptions()
    found, chosen, scope = _prepare(source, tenant, role, options, verify=_verify)
    executor = open_executor(found, role=chosen, options=options)
    hub = EventHub(lambda: open_subscriber(executor), executor, scope)
    return SessionStore(executor, scope, hub)


def connect_async(
    source: Source = None,
    *,
    tenant: str,
    role: Role | str | None = None,
    options: ClientOptions | None = None,
    _verify: bool = False,
) -> AsyncSessionStore:
    """Open the store for asyncio; the arguments and errors are those of :func:`connect`."""
    from holdfast.async_events import AsyncEventHub  # noqa: PLC0415 - import on use
    from holdfast.async_store import AsyncSessionStore  # noqa: PLC0415 - import on use
    from holdfast.client import (  # noqa: PLC0415 - import on use
        open_async_executor,
        open_async_subscriber,
    )

    options = options or ClientOptions()
    found, chosen, scope = _prepare(source, tenant, role, options, verify=_verify)
    executor = open_async_executor(found, role=chosen, options=options)
    hub = AsyncEventHub(lambda: open_async_subscriber(executor), executor, scope)
    return AsyncSessionStore(executor, scope, hub)


def _prepare(
    source: Source,
    tenant: str,
    role: Role | str | None,
    options: ClientOptions,
    *,
    verify: bool,
) -> tuple[ConnectionSource, Role, Scope]:
    if tenant == RESERVED_TENANT and not verify:
        raise ConfigError(
            "tenant", tenant, "another name: this one is reserved for checks", "rename it"
        )
    found = as_source(source)
    connection = found.current()
    if connection.cold is not Cold.NONE:
        raise Unsupported(
            "connection.cold", connection.cold.value, "none: no cold store yet", "set it to none"
        )
    if role is None:
        role = Role.SVC if Role.SVC in connection.users else connection.sole_role
    scope = Scope.of(connection, tenant, confirm_ms=options.confirm_ms)
    return found, _role(role, connection), scope


def _role(role: Role | str, connection: Connection) -> Role:
    if role not in set(Role):
        known = ", ".join(sorted(connection.users))
        raise ConfigError("role", role, f"a role of this Connection ({known})", "ask for one")
    return connection.for_role(role).sole_role
