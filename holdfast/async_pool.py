"""Connections of the asyncio client to one server: few, and each carries many exchanges at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from holdfast.pool import PING
from holdfast.resp import ErrorReply
from holdfast.retry import Failure
from holdfast.wire import AsyncLink, Broken

_BUSY: Final = 32
"""With so many exchanges under way on the least busy connection, another one is opened."""


class AsyncPool:
    """The connections to one server, the least busy used first, opened when needed.

    Args:
        dial: opens one more, or says why it cannot.
        size: how many there may be at once.
        health_check_seconds: one that was idle for longer is tried with a PING before use.
    """

    def __init__(
        self,
        dial: Callable[[], Awaitable[AsyncLink | Failure]],
        *,
        size: int,
        health_check_seconds: float,
    ) -> None:
        self._dial = dial
        self._size = size
        self._health_check_seconds = health_check_seconds
        self._links: list[AsyncLink] = []
        self._opening = asyncio.Lock()
        self._openings = 0
        self._problem: Failure | None = None
        self._closed = False

    def ready(self) -> AsyncLink | None:
        """A connection that can be used at once, or None where one is to be tried or opened."""
        link = self._best()
        if link is None or self._doubtful(link):
            return None
        if link.load < _BUSY or self._opening.locked() or len(self._links) >= self._size:
            return link
        return None

    async def tried(self) -> AsyncLink | None:
        """An open connection that is not busy, asked for a sign of life after a long idle time."""
        link = self._best()
        if link is None or link.load >= _BUSY:
            return None
        if not self._doubtful(link):
            return link
        try:
            reply = (await link.exchange(PING, 1))[0]
        except Broken:
            return None
        if isinstance(reply, ErrorReply):
            link.close("the login is no longer valid")
            return None
        return link

    async def take(self) -> AsyncLink | Failure:
        """A connection, opened where none will do."""
        seen = self._openings
        async with self._opening:
            if self._openings != seen and self._problem is not None:
                # Else a thousand tasks would wait for a frozen server one after another.
                return self._problem
            link = await self.tried()
            if link is not None:
                return link
            best = self._best()
            if best is not None and len(self._links) >= self._size:
                return best
            opened = await self._dial()
            self._openings += 1
            if isinstance(opened, Failure):
                self._problem = opened
                return opened
            self._problem = None
            self._links.append(opened)
            if self._closed:
                opened.close("the client was closed meanwhile")
            return opened

    def close(self) -> None:
        """Close all; what is under way fails and is sent again elsewhere."""
        self._closed = True
        for link in self._links:
            link.close("the connection is given up: another server is the primary")

    def retire(self) -> None:
        """Close each connection as soon as nothing is under way on it."""
        self._closed = True
        for link in self._links:
            link.retire()

    def _best(self) -> AsyncLink | None:
        links = self._links
        if len(links) == 1 and not links[0].closed:
            return links[0]
        self._links = links = [link for link in links if not link.closed]
        return min(links, key=_load, default=None)

    def _doubtful(self, link: AsyncLink) -> bool:
        idle = asyncio.get_running_loop().time() - link.active_at
        return not link.load and idle > self._health_check_seconds


def _load(link: AsyncLink) -> int:
    return link.load
