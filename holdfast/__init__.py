"""The session store of an AI-agent fleet: the client.

::

    with holdfast.connect(tenant="acme") as store:
        session = store.create(user="ann")
        turn = store.append(session, [{"role": "user", "content": "Hello"}])
        session = store.load(session.session_id)

What a program does not use is not imported: neither a client library nor asyncio comes in before
:func:`connect` or :func:`connect_async` is called.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from holdfast.connection import (
    Address,
    Capability,
    Capacity,
    Cold,
    Connection,
    Tls,
    TlsVersion,
    Topology,
    User,
)
from holdfast.errors import (
    AccessDenied,
    CacheComputeTimeout,
    ConfigError,
    ConnectionFormatError,
    Fenced,
    HoldfastError,
    InvalidSessionId,
    LeaseHeld,
    RolledBack,
    SessionError,
    SessionExpired,
    SessionNotFound,
    SessionTorn,
    StoreFull,
    StoreUnavailable,
    TlsFailed,
    ToolCallError,
    TurnConflict,
    Unconfirmed,
    Unsupported,
    VerificationFailed,
)
from holdfast.ids import new_turn_id
from holdfast.keys import History
from holdfast.model import (
    Event,
    EventKind,
    Head,
    Lease,
    Message,
    Page,
    Session,
    SessionSummary,
    TimedMessage,
    ToolCall,
    ToolFinish,
    ToolStart,
    ToolState,
    TurnResult,
)
from holdfast.opening import connect, connect_async
from holdfast.options import ClientOptions, Library
from holdfast.roles import Role
from holdfast.source import ConnectionSource, EnvironmentSource, FileSource, StaticSource
from holdfast.ttl import Ttl, TtlKind

if TYPE_CHECKING:
    from holdfast.async_cache import AsyncCache
    from holdfast.async_events import AsyncSubscription
    from holdfast.async_store import AsyncSessionStore
    from holdfast.cache import Cache
    from holdfast.events import Subscription
    from holdfast.store import SessionStore

__all__ = [
    "AccessDenied",
    "Address",
    "AsyncCache",
    "AsyncSessionStore",
    "AsyncSubscription",
    "Cache",
    "CacheComputeTimeout",
    "Capability",
    "Capacity",
    "ClientOptions",
    "Cold",
    "ConfigError",
    "Connection",
    "ConnectionFormatError",
    "ConnectionSource",
    "EnvironmentSource",
    "Event",
    "EventKind",
    "Fenced",
    "FileSource",
    "Head",
    "History",
    "HoldfastError",
    "InvalidSessionId",
    "Lease",
    "LeaseHeld",
    "Library",
    "Message",
    "Page",
    "Role",
    "RolledBack",
    "Session",
    "SessionError",
    "SessionExpired",
    "SessionNotFound",
    "SessionStore",
    "SessionSummary",
    "SessionTorn",
    "StaticSource",
    "StoreFull",
    "StoreUnavailable",
    "Subscription",
    "TimedMessage",
    "Tls",
    "TlsFailed",
    "TlsVersion",
    "ToolCall",
    "ToolCallError",
    "ToolFinish",
    "ToolStart",
    "ToolState",
    "Topology",
    "Ttl",
    "TtlKind",
    "TurnConflict",
    "TurnResult",
    "Unconfirmed",
    "Unsupported",
    "User",
    "VerificationFailed",
    "connect",
    "connect_async",
    "new_turn_id",
]

_ON_USE = {
    "AsyncCache": "async_cache",
    "AsyncSessionStore": "async_store",
    "AsyncSubscription": "async_events",
    "Cache": "cache",
    "SessionStore": "store",
    "Subscription": "events",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class of one of the modules above
    if name in _ON_USE:
        return getattr(import_module(f"holdfast.{_ON_USE[name]}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
