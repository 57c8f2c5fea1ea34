"""The session store for asyncio. Belongs to the event loop that it is used in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from holdfast.async_cache import AsyncCache
from holdfast.commands import leases, session, tools, turn, users
from holdfast.commands.scope import Scope
from holdfast.errors import StoreUnavailable
from holdfast.keys import History
from holdfast.leasing import DEFAULT_LEASE_MS, log_unreleased
from holdfast.model import (
    Head,
    Lease,
    Message,
    Page,
    Session,
    TimedMessage,
    ToolCall,
    ToolFinish,
    ToolStart,
    TurnResult,
)
from holdfast.store import MAX_READS, unstable
from holdfast.ttl import Ttl

if TYPE_CHECKING:
    from holdfast.async_events import AsyncEventHub, AsyncSubscription
    from holdfast.operation import AsyncExecutor


class AsyncSessionStore:
    """Sessions of one tenant. Made by :func:`holdfast.connect_async`; an async context manager.

    Every method is that of :class:`~holdfast.SessionStore`, awaited: arguments, limits and errors
    are described there.
    """

    def __init__(self, executor: AsyncExecutor, scope: Scope, hub: AsyncEventHub) -> None:
        self._executor = executor
        self._scope = scope
        self._hub = hub
        self.cache: Final = AsyncCache(executor, scope)

    @property
    def tenant(self) -> str:
        """Whose sessions these are."""
        return self._scope.keys.tenant

    async def create(
        self,
        *,
        user: str | None = None,
        ttl: Ttl = Ttl.chat(),  # noqa: B008 - an immutable value
        fields: Mapping[str, str] = {},
        history: History = History.LIST,
        history_limit: int = 50,
    ) -> Session:
        """Create a session with an id that nobody can guess."""
        return await self._executor.run(
            session.create(
                self._scope,
                user=user,
                ttl=ttl,
                fields=fields,
                history=history,
                history_limit=history_limit,
            )
        )

    async def load(self, session_id: str) -> Session:
        """Read a session: one round trip, and one more whenever a turn came in between."""
        for _ in range(MAX_READS):
            found = await self._executor.run(session.load(self._scope, session_id))
            if found is not None:
                return found
        raise unstable()

    async def append(
        self,
        at: Session | Head | TurnResult | str,
        messages: Sequence[Message],
        *,
        turn_id: str | None = None,
        expected_seq: int | None = None,
        lease: Lease | None = None,
        fields: Mapping[str, str | None] | None = None,
        tools: Sequence[ToolStart | ToolFinish] = (),
        confirm: int = 0,
    ) -> TurnResult:
        """Store a turn, whole or not at all: one round trip."""
        return await self._executor.run(
            turn.append(
                self._scope,
                at,
                messages,
                turn_id=turn_id,
                expected_seq=expected_seq,
                lease=lease,
                fields=fields,
                tools=tools,
                confirm=confirm,
            )
        )

    async def set_fields(self, session_id: str, fields: Mapping[str, str | None]) -> int:
        """Set metadata (None removes a field), leave other fields; the new deadline in ms."""
        return await self._executor.run(session.set_fields(self._scope, session_id, fields))

    async def touch(self, session_id: str) -> int:
        """Count as activity; the new deadline in ms. A token's never moves."""
        return await self._executor.run(session.set_fields(self._scope, session_id, {}))

    async def end(self, session_id: str) -> bool:
        """Delete a session, also a torn or expired one; false where there was none."""
        return await self._executor.run(session.end(self._scope, session_id))

    async def start_tool(
        self,
        session_id: str,
        call_id: str,
        name: str,
        arguments: Message,
        *,
        lease: Lease | None = None,
    ) -> ToolCall:
        """Note a tool call before it runs. The same call id again answers what is stored."""
        change = ToolStart(call_id, name, arguments)
        return await self._executor.run(
            tools.change_tool(self._scope, session_id, change, lease=lease)
        )

    async def finish_tool(
        self,
        session_id: str,
        call_id: str,
        result: Message,
        *,
        failed: bool = False,
        lease: Lease | None = None,
    ) -> ToolCall:
        """Note a tool call's result. The same result again is harmless."""
        change = ToolFinish(call_id, result, failed)
        return await self._executor.run(
            tools.change_tool(self._scope, session_id, change, lease=lease)
        )

    async def history(
        self,
        session_id: str,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int = 50,
    ) -> tuple[TimedMessage, ...]:
        """The newest ``limit`` messages of a span of a timeline, oldest first."""
        return await self._executor.run(
            session.timeline(
                self._scope, session_id, since_ms=since_ms, until_ms=until_ms, limit=limit
            )
        )

    async def list_sessions(self, user: str, *, limit: int = 20, cursor: str | None = None) -> Page:
        """A user's sessions, the most recently active first: two round trips a page."""
        found = await self._executor.run(
            users.index_page(self._scope, user, limit=limit, cursor=cursor)
        )
        if not found.entries:
            return Page((), None)
        listed = await self._executor.run(users.summaries(self._scope, found))
        if listed.stale:
            await self._executor.run(users.forget(found, listed.stale))
        return listed.page

    async def acquire_lease(self, session_id: str, *, ttl_ms: int = DEFAULT_LEASE_MS) -> Lease:
        """Become the one who works on a session, for ``ttl_ms`` (30 s by default)."""
        return await self._executor.run(leases.acquire(self._scope, session_id, ttl_ms=ttl_ms))

    async def renew_lease(self, lease: Lease, *, ttl_ms: int | None = None) -> Lease:
        """Keep a lease for ``ttl_ms`` from now (as long as it was taken for by default)."""
        return await self._executor.run(leases.renew(self._scope, lease, ttl_ms=ttl_ms))

    async def release_lease(self, lease: Lease) -> bool:
        """Give a lease back; false where it was no longer held."""
        return await self._executor.run(leases.release(self._scope, lease))

    @asynccontextmanager
    async def lease(
        self, session_id: str, *, ttl_ms: int = DEFAULT_LEASE_MS
    ) -> AsyncIterator[Lease]:
        """A lease that is released at the end of the block. Renew it in time yourself."""
        lease = await self.acquire_lease(session_id, ttl_ms=ttl_ms)
        try:
            yield lease
        finally:
            try:
                await self.release_lease(lease)
            except StoreUnavailable as error:
                log_unreleased(lease, error)

    async def publish(self, session_id: str, hint: str = "") -> None:
        """Send a hint of up to 1,024 bytes to whoever subscribes to the session."""
        await self._executor.run(session.publish(self._scope, session_id, hint))

    def subscribe(self, *sessions: Session | Head | TurnResult | str) -> AsyncSubscription:
        """Events of sessions, until the returned subscription is closed (a context manager)."""
        return self._hub.subscribe(sessions)

    async def close(self) -> None:
        """Close every connection."""
        try:
            await self._hub.close()
        finally:
            await self._executor.close()

    async def __aenter__(self) -> Self:
        """Nothing to do: connections are opened when they are needed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        await self.close()
