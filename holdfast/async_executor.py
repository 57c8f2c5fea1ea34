"""The executor of the asyncio client."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from math import inf
from typing import Any, TypeVar

from holdfast.access import Access
from holdfast.async_pool import AsyncPool
from holdfast.connection import Address, Connection
from holdfast.errors import ConfigError
from holdfast.executor import RENEW_AGAIN_SECONDS
from holdfast.login import TokenUnavailable
from holdfast.operation import Operation
from holdfast.options import ClientOptions
from holdfast.recovery import Pause, Reload, Relocate, Send, recover
from holdfast.resp import ErrorReply, pack
from holdfast.retry import Failure, Kind, failure_of_reply
from holdfast.roles import Role
from holdfast.routes import Ask, Location, Routes, routes_for
from holdfast.source import ConnectionSource, is_remote
from holdfast.wire import AsyncLink, Broken

T = TypeVar("T")

_log = logging.getLogger(__name__)


class _Store:
    """Everything that belongs to one value of the Connection."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.connection = access.connection
        self.routes = routes_for(access.connection)
        self.pools: dict[Address, AsyncPool] = {}

    def close(self) -> None:
        for pool in self.pools.values():
            pool.close()

    def retire(self) -> None:
        for pool in self.pools.values():
            pool.retire()


def _nothing(_: object) -> None:
    return None


class AsyncioExecutor:
    """Runs operations over few connections that each carry many at once.

    See :class:`holdfast.operation.AsyncExecutor`. Bound to the event loop of its first operation.
    """

    def __init__(
        self,
        source: ConnectionSource,
        *,
        role: Role | str | None,
        options: ClientOptions,
    ) -> None:
        self._source = source
        self._role = role
        self._options = options
        self._locating = asyncio.Lock()
        self._closed = False
        self._renewals: set[asyncio.Task[None]] = set()
        self._store = _Store(Access(source.current(), role, options))

    @property
    def connection(self) -> Connection:
        """The Connection in use."""
        return self._store.connection

    @property
    def options(self) -> ClientOptions:
        """How the client behaves."""
        return self._options

    @property
    def routes(self) -> Routes:
        """Where operations go at present."""
        return self._store.routes

    def look(self) -> Connection:
        """The newest Connection: the source is asked, as before an operation."""
        return self._store.connection if self._closed else self._current().connection

    def where(self, key: str) -> Address | None:
        """The server for a key or channel as known now, without asking."""
        return self._store.routes.where(key)

    async def run(self, operation: Operation[T]) -> T:
        """Send and parse.

        Raises:
            StoreUnavailable, AccessDenied, TlsFailed, StoreFull, Unsupported: see their docs.
            ConfigError: the client is closed.
            SessionError: as ``operation.parse`` finds.
        """
        started = time.monotonic()
        commands = operation.commands
        outcome = await self._attempt(operation.key, pack(commands), len(commands), None)
        if not isinstance(outcome, Failure):
            return operation.parse(outcome)
        return await self._recover(operation, outcome, started, None)

    async def insist(self, attempt: Callable[[], Awaitable[list[Any] | Failure]]) -> None:
        """Repeat something that is no operation by the same rules, until it gives no Failure."""
        started = time.monotonic()
        outcome = await attempt()
        if isinstance(outcome, Failure):
            await self._recover(Operation((), "", _nothing), outcome, started, attempt)

    async def dial(self, key: str, on_push: Callable[[Any], None]) -> AsyncLink | Failure:
        """A connection of the caller's own, to the server that serves ``key`` (or a channel)."""
        store = self._current()
        problem = await self._locate(store, store.routes.version)
        if problem is not None:
            return problem
        address = store.routes.where(key)
        if address is None:
            return Failure(Kind.ELSEWHERE, "no node serves the slot of this key")
        return await self._dial(store, address, on_push=on_push)

    async def _recover(
        self,
        operation: Operation[T],
        failure: Failure,
        started: float,
        attempt: Callable[[], Awaitable[list[Any] | Failure]] | None,
    ) -> T:
        steps = recover(
            operation, failure, options=self._options, started=started, clock=time.monotonic
        )
        answer: Any = None
        try:
            while True:
                match steps.send(answer):
                    case Send() if attempt is not None:
                        answer = await attempt()
                    case Send(key, payload, count, address):
                        answer = await self._attempt(key, payload, count, address)
                    case Pause(seconds):
                        await asyncio.sleep(seconds)
                        answer = None
                    case Relocate():
                        answer = await self._locate(self._store, self._store.routes.version)
                    case Reload():
                        answer = await self._refresh()
        except StopIteration as end:
            result: T = end.value
            return result

    async def _attempt(
        self, key: str, payload: bytes, count: int, address: Address | None
    ) -> list[Any] | Failure:
        store = self._current()
        target = address or store.routes.where(key)
        pool = store.pools.get(target) if target is not None else None
        link = pool.ready() if pool is not None else None
        if link is None:
            place = await self._connected(store, key, address)
            if isinstance(place, Failure):
                return place
            link = place
        try:
            replies = await link.exchange(payload, count)
        except Broken as error:
            return Failure(Kind.BROKEN, str(error), link.address, sent=error.sent)
        for reply in replies:
            if reply.__class__ is ErrorReply:
                return self._judge(store, reply, link)
        return replies

    def _judge(self, store: _Store, reply: ErrorReply, link: AsyncLink) -> Failure:
        failure = store.routes.judge(reply.text, link.address)
        if failure.kind is Kind.ELSEWHERE:
            link.close("this server is not the primary")
        elif failure.kind is Kind.LOGIN:
            link.close("the login is no longer valid")
        return failure

    async def _connected(
        self, store: _Store, key: str, address: Address | None
    ) -> AsyncLink | Failure:
        routes = store.routes
        asked = False
        while True:
            target = address or routes.where(key)
            if target is not None:
                pool = store.pools.get(target) or self._pool(store, target)
                if asked or routes.confirmed(time.monotonic()):
                    return await pool.take()
                # An open connection may do; only a new one needs a fresh answer.
                link = await pool.tried()
                if link is not None:
                    return link
            elif asked:
                return Failure(Kind.ELSEWHERE, "no node serves the slot of this key")
            problem = await self._locate(store, routes.version)
            if problem is not None:
                return problem
            asked = True

    def _pool(self, store: _Store, address: Address) -> AsyncPool:
        pool = store.pools[address] = AsyncPool(
            partial(self._dial, store, address),
            size=self._options.pool_size,
            health_check_seconds=self._options.health_check_seconds,
        )
        return pool

    async def _dial(
        self,
        store: _Store,
        address: Address,
        *,
        sentinel: bool = False,
        on_push: Callable[[Any], None] | None = None,
    ) -> AsyncLink | Failure:
        access = store.access
        try:
            if not access.ready:
                await asyncio.to_thread(access.prepare)
            endpoint = access.endpoint(address, sentinel=sentinel)
            dialled = await access.driver.connect_async(endpoint)
        except (*access.driver.errors,) as error:
            return access.failure(error, address)
        link = AsyncLink(dialled, address, endpoint.socket_timeout_seconds, on_push)
        if access.renew_after_seconds < inf:
            # A subscribed connection may send no AUTH: its subscriber makes another one.
            old = partial(self._renew, access, link) if on_push is None else link.close
            link.after(access.renew_after_seconds, old)
        return link

    def _renew(self, access: Access, link: AsyncLink) -> None:
        task = asyncio.get_running_loop().create_task(self._log_in_again(access, link))
        self._renewals.add(task)
        task.add_done_callback(self._renewals.discard)

    async def _log_in_again(self, access: Access, link: AsyncLink) -> None:
        """AUTH takes its turn among the exchanges, each of which is complete in itself."""
        seconds = RENEW_AGAIN_SECONDS
        try:
            if not access.ready:
                await asyncio.to_thread(access.prepare)
            reply = (await link.exchange(access.authentication(), 1))[0]
        except Broken:
            return
        except TokenUnavailable as error:
            _log.warning("kept the login to %s: %s", link.address, error)
        else:
            if isinstance(reply, ErrorReply):
                access.refused()
                _log.warning("kept the login to %s: the new one was refused", link.address)
            else:
                seconds = access.renew_after_seconds
        link.after(seconds, partial(self._renew, access, link))

    async def _locate(self, store: _Store, seen: int) -> Failure | None:
        """Ask where operations go, unless another task has just done so."""
        async with self._locating:
            if store.routes.version != seen:
                return store.routes.problem
            before = store.routes.primary
            problem = await self._drive(store, store.routes.locate(time.monotonic()))
            after = store.routes.primary
        if before is not None and after != before:
            gone = store.pools.pop(before, None)
            if gone is not None:
                gone.close()
        return problem

    async def _drive(self, store: _Store, location: Location) -> Failure | None:
        answer: Any = None
        try:
            while True:
                answer = await self._ask(store, location.send(answer))
        except StopIteration as end:
            problem: Failure | None = end.value
            return problem

    async def _ask(self, store: _Store, question: Ask) -> Any:  # noqa: ANN401 - reply or Failure
        link = await self._dial(store, question.address, sentinel=question.sentinel)
        if isinstance(link, Failure):
            return link
        try:
            reply = (await link.exchange(pack([question.command]), 1))[0]
        except Broken as error:
            return Failure(Kind.BROKEN, str(error), question.address)
        finally:
            link.close()
        if isinstance(reply, ErrorReply):
            return failure_of_reply(reply.text, question.address)
        return reply

    async def _refresh(self) -> bool:
        if is_remote(self._source):
            return await asyncio.to_thread(self._source.refresh)
        return self._source.refresh()

    def _current(self) -> _Store:
        connection = self._source.current()
        store = self._store
        if self._closed:
            raise ConfigError("client", "closed", "an open one", "connect again")
        if connection is not store.connection:
            earlier = store
            store = self._store = _Store(
                Access(connection, self._role, self._options, store.access)
            )
            earlier.retire()
        return store

    async def close(self) -> None:
        """Close every connection."""
        self._closed = True
        for task in self._renewals:
            task.cancel()
        self._store.close()
        # The transports close in the loop's next turns; a loop that ends before would warn.
        await asyncio.sleep(0)
