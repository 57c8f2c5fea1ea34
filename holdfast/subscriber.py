"""The subscriber of the synchronous client: connections that only listen."""

from __future__ import annotations

import select
import time
from typing import Any, Final

from holdfast.connection import Address
from holdfast.executor import SyncExecutor
from holdfast.pool import PING
from holdfast.resp import INCOMPLETE, pack
from holdfast.retry import Failure, Kind
from holdfast.subscriptions import Message, Reconnected, Subscriptions
from holdfast.wire import Broken, Link

_READ_SECONDS: Final = 0.05


class Subscriber:
    """Listens to channels; not thread-safe. One connection, in a cluster one a shard.

    A lost connection is made anew in :meth:`next`, which then gives ``RECONNECTED`` once: what was
    published in between is not coming.
    """

    def __init__(self, executor: SyncExecutor) -> None:
        self._executor = executor
        self._subscriptions = Subscriptions(executor.connection.topology)
        self._links: dict[Address, Link] = {}
        self._heard_at: dict[Address, float] = {}
        self._asked_at: dict[Address, float] = {}
        self._connection = executor.connection

    def subscribe(self, *channels: str) -> None:
        """Subscribe, and return when the server has confirmed it.

        Raises:
            StoreUnavailable, AccessDenied, TlsFailed: as an operation would.
        """
        added = self._subscriptions.want(channels)
        try:
            self._establish()
        except BaseException:
            # Else every later read would meet the same refusal.
            self.unsubscribe(*added)
            raise

    def unsubscribe(self, *channels: str) -> None:
        """Stop listening to some channels. What they published before may still come."""
        for address, names in self._subscriptions.drop(channels).items():
            link = self._links.get(address)
            if link is None:
                continue
            try:
                link.send(pack([(self._subscriptions.unsubscribe_command, *names)]))
            except Broken:
                self._lose(address)

    def next(self, timeout_seconds: float) -> Message | Reconnected | None:
        """The next message, RECONNECTED after a break, or None after the timeout.

        While the store cannot be reached this takes longer: up to the client's deadline.

        Raises:
            StoreUnavailable, AccessDenied, TlsFailed: the connection could not be made anew.
        """
        arrived = self._subscriptions.arrived
        deadline = time.monotonic() + timeout_seconds
        while not arrived:
            if self._subscriptions.missing:
                self._establish()
                continue
            remaining = deadline - time.monotonic()
            self._read(max(remaining, 0.0))
            if remaining <= 0:
                break
        return arrived.popleft() if arrived else None

    def close(self) -> None:
        """Close the connections."""
        for link in self._links.values():
            link.close()
        self._links.clear()

    def _establish(self) -> None:
        if self._subscriptions.missing:
            self._executor.insist(self._attempt)
        self._subscriptions.settled()

    def _attempt(self) -> list[Any] | Failure:
        """Subscribe what is missing; every channel that fails is missing again."""
        for channel in self._subscriptions.missing:
            link = self._link_for(channel)
            if isinstance(link, Failure):
                return link
            try:
                link.send(pack([(self._subscriptions.subscribe_command, channel)]))
            except Broken as error:
                self._lose(link.address)
                return Failure(Kind.BROKEN, str(error), link.address)
        return self._confirmed()

    def _confirmed(self) -> list[Any] | Failure:
        patience = self._executor.options.socket_timeout_seconds
        deadline = time.monotonic() + patience
        while self._subscriptions.missing:
            if not self._links:
                return Failure(Kind.BROKEN, "connection lost")
            failure = self._read(min(_READ_SECONDS, patience))
            if failure is not None:
                return failure
            if time.monotonic() > deadline:
                # Which of them is silent is not known; all are given up.
                for address in list(self._links):
                    self._lose(address)
                return Failure(Kind.BROKEN, "a subscription was not confirmed in time")
        return []

    def _link_for(self, channel: str) -> Link | Failure:
        self._move()
        address = self._executor.where(channel)
        if address in self._links:
            return self._links[address]
        link = self._executor.dial(channel)
        if isinstance(link, Link):
            if link.address in self._links:
                link.close()
                return self._links[link.address]
            self._links[link.address] = link
            self._heard_at[link.address] = time.monotonic()
            self._asked_at.pop(link.address, None)
        return link

    def _read(self, timeout_seconds: float) -> Failure | None:
        """Work in what is there, or what comes within the timeout."""
        problem = None
        for link in self._readable(timeout_seconds):
            try:
                reply = link.receive(_READ_SECONDS)
            except Broken:
                self._lose(link.address)
                continue
            if reply is not INCOMPLETE:
                self._heard_at[link.address] = time.monotonic()
                problem = (
                    self._subscriptions.take(reply, link.address, self._executor.routes) or problem
                )
        self._check_health()
        return problem

    def _readable(self, timeout_seconds: float) -> list[Link]:
        links = list(self._links.values())
        ready = [link for link in links if link.pending()]
        if ready:
            return ready
        poller = select.poll()
        by_number = {link.fileno(): link for link in links}
        for number in by_number:
            poller.register(number, select.POLLIN)
        return [by_number[number] for number, _ in poller.poll(timeout_seconds * 1000)]

    def _move(self) -> None:
        """Leave logins by a former Connection: a listener sends nothing that could be refused."""
        newest = self._executor.look()
        if newest is not self._connection:
            self._connection = newest
            for address in list(self._links):
                self._lose(address)

    def _check_health(self) -> None:
        """A server that vanished sends no end: after long silence it is asked for a sign."""
        self._move()
        options, now = self._executor.options, time.monotonic()
        for address, link in list(self._links.items()):
            if now >= link.renew_at:
                # A subscribed connection may send no AUTH; another one is made in its place.
                self._lose(address)
                continue
            heard = self._heard_at[address]
            asked = self._asked_at.get(address)
            if asked is not None and asked > heard:
                if now - asked > options.socket_timeout_seconds:
                    self._lose(address)
            elif now - heard > options.health_check_seconds:
                self._asked_at[address] = now
                try:
                    link.send(PING)
                except Broken:
                    self._lose(address)

    def _lose(self, address: Address) -> None:
        link = self._links.pop(address, None)
        if link is not None:
            link.close()
        self._subscriptions.lost(address)


def open_subscriber(executor: SyncExecutor) -> Subscriber:
    """A subscriber with connections of its own beside the executor's. Nothing is sent yet."""
    return Subscriber(executor)
