"""The session store for synchronous programs. Safe to share between threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from holdfast.cache import Cache
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
from holdfast.ttl import Ttl

if TYPE_CHECKING:
    from holdfast.events import EventHub, Subscription
    from holdfast.operation import Executor

MAX_READS: Final = 20
"""How often a load begins anew because a turn was stored while it read."""


class SessionStore:
    """Sessions of one tenant. Made by :func:`holdfast.connect`; a context manager.

    Every method raises :class:`~holdfast.errors.StoreUnavailable` for an outage (an outage is never
    an empty session), :class:`~holdfast.errors.AccessDenied` where the role may not do it, and
    :class:`~holdfast.errors.ConfigError` for bad input, before anything is sent. Those that take a
    session id raise :class:`~holdfast.errors.SessionNotFound` for one that this tenant does not
    have, :class:`~holdfast.errors.SessionExpired` past its deadline and
    :class:`~holdfast.errors.SessionTorn` where eviction took part of it.
    """

    def __init__(self, executor: Executor, scope: Scope, hub: EventHub) -> None:
        self._executor = executor
        self._scope = scope
        self._hub = hub
        self.cache: Final = Cache(executor, scope)

    @property
    def tenant(self) -> str:
        """Whose sessions these are."""
        return self._scope.keys.tenant

    def create(
        self,
        *,
        user: str | None = None,
        ttl: Ttl = Ttl.chat(),  # noqa: B008 - an immutable value
        fields: Mapping[str, str] = {},
        history: History = History.LIST,
        history_limit: int = 50,
    ) -> Session:
        """Create a session with an id that nobody can guess.

        Args:
            user: whom :meth:`list_sessions` shows it to; None leaves it out of every list.
            ttl: how long it lives; a chat of 30 minutes idle by default.
            fields: metadata.
            history: a list (default), or a timeline that :meth:`history` reads by time.
            history_limit: how many of the newest messages are kept, 1 to 10,000.
        """
        return self._executor.run(
            session.create(
                self._scope,
                user=user,
                ttl=ttl,
                fields=fields,
                history=history,
                history_limit=history_limit,
            )
        )

    def load(self, session_id: str) -> Session:
        """Read a session: one round trip, and one more whenever a turn came in between."""
        for _ in range(MAX_READS):
            found = self._executor.run(session.load(self._scope, session_id))
            if found is not None:
                return found
        raise unstable()

    def append(
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
        """Store a turn, whole or not at all: one round trip.

        Args:
            at: what the turn follows: the loaded session, or the result of the turn before. A
                session id alone needs ``expected_seq`` or ``lease``.
            messages: JSON values, or bytes that are JSON already; at most 1,000.
            turn_id: from :func:`holdfast.new_turn_id`; minted here by default. Mint it yourself to
                be able to send the same turn again after :class:`StoreUnavailable`: a repeat of one
                of the last 16 turns is stored once.
            expected_seq: with a session id, the newest turn the writer knows of.
            lease: refuse the turn if somebody took this lease over.
            fields: metadata to change with the turn; None removes a field.
            tools: tool calls that start or finish with the turn, at most 128.
            confirm: how many replicas shall have the turn before it counts as confirmed; waited for
                in the same round trip, ``options.confirm_seconds`` at most.

        Raises:
            Unconfirmed: the turn is stored, on fewer replicas than ``confirm`` so far.
            Unsupported: ``confirm`` on a target that cannot wait for replicas.
            TurnConflict: somebody else stored a turn first.
            RolledBack: a failover lost turns that were acknowledged.
            Fenced: the lease was taken over.
            ToolCallError: a tool change is refused; then the turn is, too.
            StoreFull: the server is out of memory.
        """
        return self._executor.run(
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

    def set_fields(self, session_id: str, fields: Mapping[str, str | None]) -> int:
        """Set metadata (None removes a field), leave other fields; the new deadline in ms."""
        return self._executor.run(session.set_fields(self._scope, session_id, fields))

    def touch(self, session_id: str) -> int:
        """Count as activity; the new deadline in ms. A token's never moves."""
        return self._executor.run(session.set_fields(self._scope, session_id, {}))

    def end(self, session_id: str) -> bool:
        """Delete a session, also a torn or expired one; false where there was none."""
        return self._executor.run(session.end(self._scope, session_id))

    def start_tool(
        self,
        session_id: str,
        call_id: str,
        name: str,
        arguments: Message,
        *,
        lease: Lease | None = None,
    ) -> ToolCall:
        """Note a tool call before it runs. The same call id again answers what is stored.

        Raises:
            ToolCallError: 128 calls are pending. Finished ones make room, the oldest first.
            Fenced: the lease was taken over.
        """
        change = ToolStart(call_id, name, arguments)
        return self._executor.run(tools.change_tool(self._scope, session_id, change, lease=lease))

    def finish_tool(
        self,
        session_id: str,
        call_id: str,
        result: Message,
        *,
        failed: bool = False,
        lease: Lease | None = None,
    ) -> ToolCall:
        """Note a tool call's result. The same result again is harmless.

        Raises:
            ToolCallError: the call was never started, or has finished with another result.
            Fenced: the lease was taken over.
        """
        change = ToolFinish(call_id, result, failed)
        return self._executor.run(tools.change_tool(self._scope, session_id, change, lease=lease))

    def history(
        self,
        session_id: str,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int = 50,
    ) -> tuple[TimedMessage, ...]:
        """The newest ``limit`` messages of a span of a timeline, oldest first.

        Both ends (server time, ms since the epoch) belong to the span; None leaves it open.

        Raises:
            ConfigError: the session keeps a list, not a timeline.
        """
        return self._executor.run(
            session.timeline(
                self._scope, session_id, since_ms=since_ms, until_ms=until_ms, limit=limit
            )
        )

    def list_sessions(self, user: str, *, limit: int = 20, cursor: str | None = None) -> Page:
        """A user's sessions, the most recently active first: two round trips a page.

        Args:
            user: as given at creation. Unknown users have no sessions.
            limit: at most so many on the page, 1 to 100. Up to 1,000 sessions a user are listed.
            cursor: of the page before.
        """
        found = self._executor.run(users.index_page(self._scope, user, limit=limit, cursor=cursor))
        if not found.entries:
            return Page((), None)
        listed = self._executor.run(users.summaries(self._scope, found))
        if listed.stale:
            self._executor.run(users.forget(found, listed.stale))
        return listed.page

    def acquire_lease(self, session_id: str, *, ttl_ms: int = DEFAULT_LEASE_MS) -> Lease:
        """Become the one who works on a session, for ``ttl_ms`` (30 s by default, a day at most).

        Raises:
            LeaseHeld: somebody else is; says for how long yet.
        """
        return self._executor.run(leases.acquire(self._scope, session_id, ttl_ms=ttl_ms))

    def renew_lease(self, lease: Lease, *, ttl_ms: int | None = None) -> Lease:
        """Keep a lease for ``ttl_ms`` from now (as long as it was taken for by default).

        Raises:
            Fenced: it was taken over or released. One that merely ran out is renewed.
        """
        return self._executor.run(leases.renew(self._scope, lease, ttl_ms=ttl_ms))

    def release_lease(self, lease: Lease) -> bool:
        """Give a lease back; false where it was no longer held."""
        return self._executor.run(leases.release(self._scope, lease))

    @contextmanager
    def lease(self, session_id: str, *, ttl_ms: int = DEFAULT_LEASE_MS) -> Iterator[Lease]:
        """A lease that is released at the end of the block. Renew it in time yourself.

        An outage at the release is logged, not raised: the work is done, and the lease runs out.
        """
        lease = self.acquire_lease(session_id, ttl_ms=ttl_ms)
        try:
            yield lease
        finally:
            try:
                self.release_lease(lease)
            except StoreUnavailable as error:
                log_unreleased(lease, error)

    def publish(self, session_id: str, hint: str = "") -> None:
        """Send a hint of up to 1,024 bytes to whoever subscribes to the session.

        Hints may be lost: never put the only copy of anything into one.
        """
        self._executor.run(session.publish(self._scope, session_id, hint))

    def subscribe(self, *sessions: Session | Head | TurnResult | str) -> Subscription:
        """Events of sessions, until the returned subscription is closed (a context manager).

        Given what was loaded, a first event of kind ``gap`` comes only if the session has moved on
        since; given an id alone, always, with its present seq.
        """
        return self._hub.subscribe(sessions)

    def close(self) -> None:
        """Close every connection."""
        try:
            self._hub.close()
        finally:
            self._executor.close()

    def __enter__(self) -> Self:
        """Nothing to do: connections are opened when they are needed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        self.close()


def unstable() -> StoreUnavailable:
    """A load never found the session at rest."""
    return StoreUnavailable(
        f"the session changed during each of {MAX_READS} reads", attempts=MAX_READS
    )
