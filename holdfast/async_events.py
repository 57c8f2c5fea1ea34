"""Events of sessions for asyncio: one connection a store, read by one task for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from holdfast.commands.events import parse_note, read_seq
from holdfast.commands.scope import Scope
from holdfast.errors import ConfigError
from holdfast.model import Event, Head, Session, TurnResult
from holdfast.notes import Inbox

if TYPE_CHECKING:
    from holdfast.operation import AsyncExecutor

_SLICE_SECONDS: Final = 0.1
"""The reader lets others change the subscriptions this often."""


class AsyncSubscriber(Protocol):
    """A connection in subscriber mode, as the transport gives it; one user at a time."""

    async def subscribe(self, *channels: str) -> None:
        """Subscribe, and return when the server has confirmed it."""
        ...

    async def unsubscribe(self, *channels: str) -> None:
        """Unsubscribe."""
        ...

    async def next(self, timeout_seconds: float) -> object:
        """(channel, payload), or None after the timeout, or another value after a reconnect."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


class AsyncEventHub:
    """The subscriber connection of an asynchronous store."""

    def __init__(
        self,
        open_subscriber: Callable[[], Awaitable[AsyncSubscriber]],
        executor: AsyncExecutor,
        scope: Scope,
    ) -> None:
        self._open = open_subscriber
        self._executor = executor
        self._scope = scope
        self._subscriber: AsyncSubscriber | None = None
        # Fair: whoever changes the subscriptions has its turn after the reader's present slice.
        self._connection = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._channels: dict[str, int] = {}
        self._subscriptions: list[AsyncSubscription] = []

    def subscribe(self, sessions: Sequence[Session | Head | TurnResult | str]) -> AsyncSubscription:
        """A subscription that begins when its context is entered."""
        inbox = Inbox(sessions)
        channels = sorted({self._scope.keys.channel(sid) for sid in inbox.session_ids})
        return AsyncSubscription(self, inbox, channels)

    async def begin(self, subscription: AsyncSubscription, channels: Sequence[str]) -> None:
        """Start listening. Raises SessionNotFound for a session that is not there."""
        async with self._connection:
            if self._subscriber is None:
                self._subscriber = await self._open()
            await self._add([c for c in channels if c not in self._channels], self._subscriber)
            for channel in channels:
                self._channels[channel] = self._channels.get(channel, 0) + 1
            self._subscriptions.append(subscription)
        try:
            # After the subscription, so that no turn falls between the two.
            for session_id in subscription.inbox.session_ids:
                subscription.inbox.begin(session_id, await self.read_seq(session_id))
        except BaseException:
            await subscription.close()
            raise

    async def unsubscribe(self, subscription: AsyncSubscription, channels: Sequence[str]) -> None:
        """Stop listening for one subscription; the connection closes after the last."""
        async with self._connection:
            if subscription not in self._subscriptions:
                return
            self._subscriptions.remove(subscription)
            unused = []
            for channel in channels:
                self._channels[channel] -= 1
                if not self._channels[channel]:
                    del self._channels[channel]
                    unused.append(channel)
            if self._subscriber is None:
                return
            if self._channels:
                await self._subscriber.unsubscribe(*unused)
            else:
                await self._subscriber.close()
                self._subscriber = None

    async def wait(self, subscription: AsyncSubscription, timeout_seconds: float | None) -> bool:
        """Wait until the subscription has work: true; false after the timeout."""
        if subscription.inbox.has_work:
            return True
        if self._reader is None or self._reader.done():
            if subscription not in self._subscriptions:
                raise ConfigError("subscription", "closed", "an open one", "subscribe again")
            self._reader = asyncio.create_task(self._read(), name="holdfast-events")
            self._reader.add_done_callback(self._ended)
        reader = self._reader
        subscription.news.clear()
        try:
            async with asyncio.timeout(timeout_seconds):
                await subscription.news.wait()
        except TimeoutError:
            return subscription.inbox.has_work
        if reader.done() and not subscription.inbox.has_work:
            reader.result()
        return True

    async def read_seq(self, session_id: str) -> int | None:
        """The session's newest seq from the store; None where it is gone."""
        return await self._executor.run(read_seq(self._scope, session_id))

    async def close(self) -> None:
        """End every subscription."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.wait((reader,))
        async with self._connection:
            self._subscriptions.clear()
            self._channels.clear()
            if self._subscriber is not None:
                await self._subscriber.close()
                self._subscriber = None

    async def _add(self, channels: Sequence[str], subscriber: AsyncSubscriber) -> None:
        try:
            await subscriber.subscribe(*channels)
        except BaseException:
            # Nobody listens to them: the connection must not try them again for ever.
            await subscriber.unsubscribe(*channels)
            raise

    async def _read(self) -> None:
        while self._subscriptions:
            async with self._connection:
                if self._subscriber is None:
                    return
                message = await self._subscriber.next(_SLICE_SECONDS)
            self._hand_out(message)

    def _ended(self, reader: asyncio.Task[None]) -> None:
        """Wake whoever waits: there they find out why the reader ended."""
        if not reader.cancelled():
            reader.exception()
        for subscription in self._subscriptions:
            subscription.news.set()

    def _hand_out(self, message: object) -> None:
        if isinstance(message, tuple):
            note = parse_note(self._scope.keys.tenant, message[1])
            if note is not None:
                for subscription in self._subscriptions:
                    subscription.inbox.put(note)
                    subscription.news.set()
        elif message is not None:
            for subscription in self._subscriptions:
                subscription.inbox.missed()
                subscription.news.set()


class AsyncSubscription:
    """Events of some sessions: an async context manager, and an iterator that never ends."""

    def __init__(self, hub: AsyncEventHub, inbox: Inbox, channels: Sequence[str]) -> None:
        self._hub = hub
        self._channels = channels
        self.inbox: Final = inbox
        self.news: Final = asyncio.Event()

    async def next(self, timeout_seconds: float | None = None) -> Event | None:
        """The next event; None after ``timeout_seconds`` (None: wait for ever)."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout_seconds is None else loop.time() + timeout_seconds
        left = timeout_seconds
        while await self._hub.wait(self, left):
            session_id = self.inbox.question()
            if session_id is None:
                event = self.inbox.next_event()
            else:
                event = self.inbox.answer(session_id, await self._hub.read_seq(session_id))
            if event is not None:
                return event
            if deadline is not None:
                left = max(0.0, deadline - loop.time())
        return None

    async def close(self) -> None:
        """Stop listening."""
        await self._hub.unsubscribe(self, self._channels)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Events, for ever."""
        while True:
            event = await self.next()
            if event is not None:
                yield event

    async def __aenter__(self) -> Self:
        """Start listening."""
        await self._hub.begin(self, self._channels)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        await self.close()
