"""Events of sessions: one subscriber connection a store, shared by all subscriptions.

There is no thread of ours. Whoever waits for an event reads the connection, for all subscriptions;
the others wait to be told. Nobody waiting means that nothing is read: the server then closes the
connection in the end, and the next reader learns of a gap.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from holdfast.commands.events import parse_note, read_seq
from holdfast.commands.scope import Scope
from holdfast.errors import ConfigError
from holdfast.model import Event, Head, Session, TurnResult
from holdfast.notes import Inbox

if TYPE_CHECKING:
    from holdfast.operation import Executor

_SLICE_SECONDS: Final = 0.1
"""The reader lets others change the subscriptions this often."""


class Subscriber(Protocol):
    """A connection in subscriber mode, as the transport gives it; not thread-safe."""

    def subscribe(self, *channels: str) -> None:
        """Subscribe, and return when the server has confirmed it."""
        ...

    def unsubscribe(self, *channels: str) -> None:
        """Unsubscribe."""
        ...

    def next(self, timeout_seconds: float) -> object:
        """(channel, payload), or None after the timeout, or another value after a reconnect."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class EventHub:
    """The subscriber connection of a store. Thread-safe."""

    def __init__(
        self, open_subscriber: Callable[[], Subscriber], executor: Executor, scope: Scope
    ) -> None:
        self._open = open_subscriber
        self._executor = executor
        self._scope = scope
        self._subscriber: Subscriber | None = None
        self._state = threading.Condition()
        self._busy = False
        self._changes_waiting = 0
        self._channels: dict[str, int] = {}
        self._subscriptions: list[Subscription] = []

    def subscribe(self, sessions: Sequence[Session | Head | TurnResult | str]) -> Subscription:
        """Start listening. Raises SessionNotFound for a session that is not there."""
        inbox = Inbox(sessions)
        channels = sorted({self._scope.keys.channel(sid) for sid in inbox.session_ids})
        subscription = Subscription(self, inbox, channels)
        with self._exclusive():
            if self._subscriber is None:
                self._subscriber = self._open()
            self._add([c for c in channels if c not in self._channels], self._subscriber)
            for channel in channels:
                self._channels[channel] = self._channels.get(channel, 0) + 1
            self._subscriptions.append(subscription)
        try:
            # After the subscription, so that no turn falls between the two.
            for session_id in inbox.session_ids:
                inbox.begin(session_id, self.read_seq(session_id))
        except BaseException:
            subscription.close()
            raise
        return subscription

    def unsubscribe(self, subscription: Subscription, channels: Sequence[str]) -> None:
        """Stop listening for one subscription; the connection closes after the last."""
        with self._exclusive():
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
                self._subscriber.unsubscribe(*unused)
            else:
                self._subscriber.close()
                self._subscriber = None

    def wait(self, inbox: Inbox, deadline: float | None) -> bool:
        """Read until ``inbox`` has work: true; false at the deadline (monotonic seconds)."""
        looked = False
        with self._state:
            while not inbox.has_work:
                left = _SLICE_SECONDS if deadline is None else deadline - time.monotonic()
                if left <= 0 and looked:
                    return False
                looked = True
                if self._busy or self._changes_waiting:
                    self._state.wait(max(left, 0))
                elif self._subscriber is None:
                    raise ConfigError("subscription", "closed", "an open one", "subscribe again")
                else:
                    self._read(self._subscriber, max(0, min(left, _SLICE_SECONDS)))
            return True

    def read_seq(self, session_id: str) -> int | None:
        """The session's newest seq from the store; None where it is gone."""
        return self._executor.run(read_seq(self._scope, session_id))

    def close(self) -> None:
        """End every subscription."""
        with self._exclusive():
            self._subscriptions.clear()
            self._channels.clear()
            if self._subscriber is not None:
                self._subscriber.close()
                self._subscriber = None

    def _add(self, channels: Sequence[str], subscriber: Subscriber) -> None:
        try:
            subscriber.subscribe(*channels)
        except BaseException:
            # Nobody listens to them: the connection must not try them again for ever.
            subscriber.unsubscribe(*channels)
            raise

    def _read(self, subscriber: Subscriber, seconds: float) -> None:
        """Read one message without holding the lock, then hand it out."""
        self._busy = True
        self._state.release()
        try:
            message = subscriber.next(seconds)
        finally:
            self._state.acquire()
            self._busy = False
            self._state.notify_all()
        if isinstance(message, tuple):
            note = parse_note(self._scope.keys.tenant, message[1])
            if note is not None:
                for subscription in self._subscriptions:
                    subscription.inbox.put(note)
        elif message is not None:
            for subscription in self._subscriptions:
                subscription.inbox.missed()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """The connection for oneself: the reader gives way within a slice."""
        with self._state:
            self._changes_waiting += 1
            try:
                while self._busy:
                    self._state.wait()
                yield
            finally:
                self._changes_waiting -= 1
                self._state.notify_all()


class Subscription:
    """Events of some sessions: an iterator that never ends by itself, and a context manager."""

    def __init__(self, hub: EventHub, inbox: Inbox, channels: Sequence[str]) -> None:
        self._hub = hub
        self._channels = channels
        self.inbox: Final = inbox

    def next(self, timeout_seconds: float | None = None) -> Event | None:
        """The next event; None after ``timeout_seconds`` (None: wait for ever)."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while self._hub.wait(self.inbox, deadline):
            session_id = self.inbox.question()
            if session_id is None:
                event = self.inbox.next_event()
            else:
                event = self.inbox.answer(session_id, self._hub.read_seq(session_id))
            if event is not None:
                return event
        return None

    def close(self) -> None:
        """Stop listening."""
        self._hub.unsubscribe(self, self._channels)

    def __iter__(self) -> Iterator[Event]:
        """Events, for ever."""
        while True:
            event = self.next()
            if event is not None:
                yield event

    def __enter__(self) -> Self:
        """The subscription itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self.close()
