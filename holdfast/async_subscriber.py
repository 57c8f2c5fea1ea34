"""The subscriber of the asyncio client: connections that only listen."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from holdfast.async_executor import AsyncioExecutor
from holdfast.connection import Address
from holdfast.pool import PING
from holdfast.resp import pack
from holdfast.retry import Failure, Kind
from holdfast.subscriptions import Message, Reconnected, Subscriptions
from holdfast.wire import AsyncLink, Broken


class AsyncSubscriber:
    """Listens to channels, for one task at a time. One connection, in a cluster one a shard.

    A lost connection is made anew in :meth:`next`, which then gives ``RECONNECTED`` once: what was
    published in between is not coming.
    """

    def __init__(self, executor: AsyncioExecutor) -> None:
        self._executor = executor
        self._subscriptions = Subscriptions(executor.connection.topology)
        self._links: dict[Address, AsyncLink] = {}
        self._asked_at: dict[Address, float] = {}
        self._refused: Failure | None = None
        self._news = asyncio.Event()
        self._connection = executor.connection

    async def subscribe(self, *channels: str) -> None:
        """Subscribe, and return when the server has confirmed it.

        Raises:
            StoreUnavailable, AccessDenied, TlsFailed: as an operation would.
        """
        added = self._subscriptions.want(channels)
        try:
            await self._establish()
        except BaseException:
            # Else every later read would meet the same refusal.
            await self.unsubscribe(*added)
            raise

    async def unsubscribe(self, *channels: str) -> None:
        """Stop listening to some channels. What they published before may still come."""
        for address, names in self._subscriptions.drop(channels).items():
            link = self._links.get(address)
            if link is not None and not link.closed:
                link.write(pack([(self._subscriptions.unsubscribe_command, *names)]))

    async def next(self, timeout_seconds: float) -> Message | Reconnected | None:
        """The next message, RECONNECTED after a break, or None after the timeout.

        While the store cannot be reached this takes longer: up to the client's deadline.

        Raises:
            StoreUnavailable, AccessDenied, TlsFailed: the connection could not be made anew.
        """
        arrived = self._subscriptions.arrived
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while not arrived:
            if self._subscriptions.missing:
                await self._establish()
                continue
            self._check_health(loop.time())
            if self._subscriptions.missing:
                continue
            remaining = deadline - loop.time()
            if remaining <= 0:
                # One turn of the loop, so that what the socket holds already is seen.
                await asyncio.sleep(0)
                break
            await self._wait(remaining)
        return arrived.popleft() if arrived else None

    async def close(self) -> None:
        """Close the connections."""
        links, self._links = list(self._links.values()), {}
        for link in links:
            link.close()
        await asyncio.sleep(0)

    async def _wait(self, seconds: float) -> None:
        """Until something was heard, at most as long as the next look at the health."""
        self._news.clear()
        seconds = min(seconds, self._executor.options.socket_timeout_seconds)
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    async def _establish(self) -> None:
        if self._subscriptions.missing:
            await self._executor.insist(self._attempt)
        self._subscriptions.settled()

    async def _attempt(self) -> list[Any] | Failure:
        """Subscribe what is missing; every channel that fails is missing again."""
        self._refused = None
        for channel in self._subscriptions.missing:
            link = await self._link_for(channel)
            if isinstance(link, Failure):
                return link
            try:
                link.write(pack([(self._subscriptions.subscribe_command, channel)]))
            except Broken as error:
                self._links.pop(link.address, None)
                return Failure(Kind.BROKEN, str(error), link.address)
        return await self._confirmed()

    async def _confirmed(self) -> list[Any] | Failure:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._executor.options.socket_timeout_seconds
        while self._subscriptions.missing:
            if self._refused is not None:
                return self._refused
            if not self._links:
                return Failure(Kind.BROKEN, "connection lost")
            remaining = deadline - loop.time()
            if remaining <= 0:
                # Which of them is silent is not known; all are given up.
                for link in list(self._links.values()):
                    link.close()
                return Failure(Kind.BROKEN, "a subscription was not confirmed in time")
            await self._wait(remaining)
        return []

    async def _link_for(self, channel: str) -> AsyncLink | Failure:
        self._move()
        address = self._executor.where(channel)
        if address is not None and address in self._links:
            return self._links[address]
        opened: list[AsyncLink] = []
        link = await self._executor.dial(channel, partial(self._heard, opened))
        if isinstance(link, AsyncLink):
            if link.address in self._links:
                link.close()
                return self._links[link.address]
            opened.append(link)
            self._links[link.address] = link
            self._asked_at.pop(link.address, None)
        return link

    def _heard(self, opened: list[AsyncLink], reply: Any) -> None:  # noqa: ANN401 - any reply
        """Work in what a connection got (called by the event loop); None is its end."""
        if not opened:
            return
        link = opened[0]
        if reply is not None:
            self._refused = self._subscriptions.take(reply, link.address, self._executor.routes)
        elif self._links.get(link.address) is link:
            del self._links[link.address]
            self._subscriptions.lost(link.address)
        self._news.set()

    def _move(self) -> None:
        """Leave logins by a former Connection: a listener sends nothing that could be refused."""
        newest = self._executor.look()
        if newest is not self._connection:
            self._connection = newest
            for link in list(self._links.values()):
                link.close("the Connection has changed")

    def _check_health(self, now: float) -> None:
        """A server that vanished sends no end: after long silence it is asked for a sign."""
        self._move()
        options = self._executor.options
        for address, link in list(self._links.items()):
            asked = self._asked_at.get(address)
            if asked is not None and asked > link.active_at:
                if now - asked > options.socket_timeout_seconds:
                    link.close("no sign of life")
            elif now - link.active_at > options.health_check_seconds:
                self._asked_at[address] = now
                link.write(PING)


async def open_async_subscriber(executor: AsyncioExecutor) -> AsyncSubscriber:
    """A subscriber with connections of its own beside the executor's. Nothing is sent yet."""
    return AsyncSubscriber(executor)
