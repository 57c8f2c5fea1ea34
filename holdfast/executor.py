"""The executor of the synchronous client."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from holdfast.access import Access
from holdfast.connection import Address, Connection
from holdfast.errors import ConfigError
from holdfast.login import TokenUnavailable
from holdfast.operation import Operation
from holdfast.options import ClientOptions
from holdfast.pool import Pool
from holdfast.recovery import Pause, Reload, Relocate, Send, recover
from holdfast.resp import ErrorReply, pack
from holdfast.retry import Failure, Kind, failure_of_reply
from holdfast.roles import Role
from holdfast.routes import Ask, Location, Routes, routes_for
from holdfast.source import ConnectionSource
from holdfast.wire import Broken, Link

T = TypeVar("T")

RENEW_AGAIN_SECONDS: Final = 60.0
"""Until a login that could not be renewed is tried again; an hour at least is left for it."""

_log = logging.getLogger(__name__)


class _Store:
    """Everything that belongs to one value of the Connection."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.connection = access.connection
        self.routes = routes_for(access.connection)
        self.pools: dict[Address, Pool] = {}

    def close(self) -> None:
        for pool in list(self.pools.values()):
            pool.close()


def _nothing(_: object) -> None:
    return None


def renew(access: Access, link: Link) -> None:
    """Log a connection in again, between two exchanges.

    A refusal is logged and leaves the login that there was: the service grants it some time more.

    Raises:
        Broken: the connection is lost.
    """
    link.renew_at = time.monotonic() + RENEW_AGAIN_SECONDS
    try:
        payload = access.authentication()
    except TokenUnavailable as error:
        _log.warning("kept the login to %s: %s", link.address, error)
        return
    reply = link.exchange(payload, 1)[0]
    if isinstance(reply, ErrorReply):
        access.refused()
        _log.warning("kept the login to %s: the new one was refused", link.address)
        return
    link.renew_at = time.monotonic() + access.renew_after_seconds


class SyncExecutor:
    """Runs operations over pooled connections; see :class:`holdfast.operation.Executor`.

    Threads may share it. Nothing is opened before the first operation.
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
        self._lock = threading.Lock()
        self._locating = threading.Lock()
        self._closed = False
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

    def run(self, operation: Operation[T]) -> T:
        """Send and parse.

        Raises:
            StoreUnavailable, AccessDenied, TlsFailed, StoreFull, Unsupported: see their docs.
            ConfigError: the client is closed.
            SessionError: as ``operation.parse`` finds.
        """
        started = time.monotonic()
        commands = operation.commands
        until = started + self._options.deadline_seconds
        outcome = self._attempt(operation.key, pack(commands), len(commands), None, until)
        if not isinstance(outcome, Failure):
            return operation.parse(outcome)
        return self._recover(operation, outcome, started, None)

    def insist(self, attempt: Callable[[], list[Any] | Failure]) -> None:
        """Repeat something that is no operation by the same rules, until it gives no Failure."""
        started = time.monotonic()
        outcome = attempt()
        if isinstance(outcome, Failure):
            self._recover(Operation((), "", _nothing), outcome, started, attempt)

    def dial(self, key: str) -> Link | Failure:
        """A connection of the caller's own, to the server that serves ``key`` (or a channel)."""
        store = self._current()
        problem = self._locate(store, store.routes.version)
        if problem is not None:
            return problem
        address = store.routes.where(key)
        if address is None:
            return Failure(Kind.ELSEWHERE, "no node serves the slot of this key")
        try:
            return self._dial(store, address)
        except (*store.access.driver.errors,) as error:
            return store.access.failure(error, address)

    def _recover(
        self,
        operation: Operation[T],
        failure: Failure,
        started: float,
        attempt: Callable[[], list[Any] | Failure] | None,
    ) -> T:
        steps = recover(
            operation, failure, options=self._options, started=started, clock=time.monotonic
        )
        answer: Any = None
        until = started + self._options.deadline_seconds
        try:
            while True:
                match steps.send(answer):
                    case Send() if attempt is not None:
                        answer = attempt()
                    case Send(key, payload, count, address):
                        answer = self._attempt(key, payload, count, address, until)
                    case Pause(seconds):
                        time.sleep(seconds)
                        answer = None
                    case Relocate():
                        answer = self._locate(self._store, self._store.routes.version)
                    case Reload():
                        answer = self._source.refresh()
        except StopIteration as end:
            result: T = end.value
            return result

    def _attempt(
        self, key: str, payload: bytes, count: int, address: Address | None, until: float
    ) -> list[Any] | Failure:
        store = self._current()
        try:
            place = self._connected(store, key, address, until)
            if isinstance(place, Failure):
                return place
            pool, link = place
        except Broken as error:
            return Failure(Kind.BROKEN, str(error), address)
        try:
            replies = link.exchange(payload, count)
            for reply in replies:
                if reply.__class__ is ErrorReply:
                    return self._judge(store, reply, link, pool)
        except Broken as error:
            pool.drop_idle()
            return Failure(Kind.BROKEN, str(error), link.address, sent=error.sent)
        finally:
            pool.give(link)
        return replies

    def _judge(self, store: _Store, reply: ErrorReply, link: Link, pool: Pool) -> Failure:
        failure = store.routes.judge(reply.text, link.address)
        if failure.kind in (Kind.ELSEWHERE, Kind.LOGIN):
            link.close()
        if failure.kind is Kind.ELSEWHERE and store.routes.follows_name:
            # The name leads to another server by now, or soon will; these are of the old one.
            pool.drop_idle()
        return failure

    def _connected(
        self, store: _Store, key: str, address: Address | None, until: float
    ) -> tuple[Pool, Link] | Failure:
        routes = store.routes
        asked = False
        while True:
            target = address or routes.where(key)
            if target is not None:
                pool = store.pools.get(target) or self._pool(store, target)
                try:
                    link = pool.take(
                        until,
                        may_open=asked or routes.confirmed(time.monotonic()),
                    )
                except (*store.access.driver.errors,) as error:
                    return store.access.failure(error, target)
                if link is not None:
                    return pool, link
            elif asked:
                return Failure(Kind.ELSEWHERE, "no node serves the slot of this key")
            problem = self._locate(store, routes.version)
            if problem is not None:
                return problem
            asked = True

    def _pool(self, store: _Store, address: Address) -> Pool:
        with self._lock:
            pool = store.pools.get(address)
            if pool is None:
                pool = store.pools[address] = Pool(
                    partial(self._dial, store, address),
                    size=self._options.pool_size,
                    health_check_seconds=self._options.health_check_seconds,
                    renew=partial(renew, store.access),
                )
            return pool

    def _dial(self, store: _Store, address: Address) -> Link:
        access = store.access
        link = Link(access.driver.connect(access.endpoint(address)), address)
        link.renew_at = time.monotonic() + access.renew_after_seconds
        return link

    def _locate(self, store: _Store, seen: int) -> Failure | None:
        """Ask where operations go, unless another thread has just done so."""
        with self._locating:
            if store.routes.version != seen:
                return store.routes.problem
            before = store.routes.primary
            problem = self._drive(store, store.routes.locate(time.monotonic()))
            after = store.routes.primary
        if before is not None and after != before:
            # What is idle there belongs to a server that is no longer the primary.
            with self._lock:
                gone = store.pools.pop(before, None)
            if gone is not None:
                gone.close()
        return problem

    def _drive(self, store: _Store, location: Location) -> Failure | None:
        answer: Any = None
        try:
            while True:
                answer = self._ask(store, location.send(answer))
        except StopIteration as end:
            problem: Failure | None = end.value
            return problem

    def _ask(self, store: _Store, question: Ask) -> Any:  # noqa: ANN401 - a reply or a Failure
        access = store.access
        try:
            dialled = access.driver.connect(
                access.endpoint(question.address, sentinel=question.sentinel)
            )
        except (*access.driver.errors,) as error:
            return access.failure(error, question.address)
        link = Link(dialled, question.address)
        try:
            reply = link.exchange(pack([question.command]), 1)[0]
        except Broken as error:
            return Failure(Kind.BROKEN, str(error), question.address)
        finally:
            link.close()
        if isinstance(reply, ErrorReply):
            return failure_of_reply(reply.text, question.address)
        return reply

    def _current(self) -> _Store:
        connection = self._source.current()
        store = self._store
        if connection is not store.connection or self._closed:
            with self._lock:
                if self._closed:
                    raise ConfigError("client", "closed", "an open one", "connect again")
                store = self._store
                if connection is not store.connection:
                    access = Access(connection, self._role, self._options, store.access)
                    self._store = _Store(access)
                    store.close()
                    store = self._store
        return store

    def close(self) -> None:
        """Close every connection; those in use when their operation ends."""
        with self._lock:
            self._closed = True
            self._store.close()
