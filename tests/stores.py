"""A store on real servers for tests, the same face for the synchronous and the asynchronous one."""

from __future__ import annotations

import asyncio
import inspect
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import hiredis

import holdfast
from holdfast import ClientOptions, SessionStore
from holdfast.connection import Connection
from holdfast.keys import KeySpace, SessionKeys
from holdfast.options import Library
from holdfast.roles import Role
from tests.servers import APP, Servers


class Blocking:
    """An asynchronous object whose coroutines are run to their end at once."""

    def __init__(self, target: object, runner: asyncio.Runner) -> None:
        self._target = target
        self._runner = runner

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the object has
        value = getattr(self._target, name)
        if inspect.iscoroutinefunction(value):

            def run(*args: object, **named: object) -> object:
                return self._runner.run(value(*args, **named))

            return run
        return Blocking(value, self._runner) if name == "cache" else value


@dataclass(frozen=True)
class Lab:
    """A store of a tenant of its own, and the server as its administrator sees it."""

    store: SessionStore
    servers: Servers
    tenant: str
    open: Callable[..., SessionStore]

    @property
    def space(self) -> KeySpace:
        return KeySpace(APP, self.tenant)

    def keys(self, session_id: str) -> SessionKeys:
        return self.space.session(session_id)

    def admin(self, *words: str | bytes | int) -> Any:  # noqa: ANN401 - any reply
        """One command as admin, to whichever server has the data."""
        for node in self.servers.servers:
            try:
                return self.servers.call(node.name, *words)
            except hiredis.ReplyError as error:
                if not str(error).startswith(("MOVED", "READONLY")):
                    raise
        message = "no server takes the command"
        raise RuntimeError(message)

    def field(self, session_id: str, name: str) -> str:
        return str(self.admin("HGET", self.keys(session_id).session, name))

    def set_field(self, session_id: str, name: str, value: str | int) -> None:
        self.admin("HSET", self.keys(session_id).session, name, value)

    def ttl_ms(self, key: str) -> int:
        return int(self.admin("PTTL", key))

    def now_ms(self) -> int:
        seconds, microseconds = self.admin("TIME")
        return int(seconds) * 1000 + int(microseconds) // 1000


@contextmanager
def open_lab(servers: Servers, *, api: str, library: str) -> Iterator[Lab]:
    """A lab on running servers; ``api`` is ``sync`` or ``async``."""
    tenant = f"t{secrets.token_hex(6)}"
    # No test here is about these; a machine that stalls must not look like a store that is down.
    options = ClientOptions(
        library=Library(library),
        connect_timeout_seconds=5,
        socket_timeout_seconds=10,
        deadline_seconds=30,
    )
    opened: list[Any] = []

    with asyncio.Runner() as runner:

        def connect(
            *, name: str = tenant, role: Role = Role.SVC, connection: Connection | None = None
        ) -> SessionStore:
            source = (connection or servers.connection).for_role(role)
            if api == "sync":
                store: Any = holdfast.connect(source, tenant=name, options=options)
            else:
                store = Blocking(
                    holdfast.connect_async(source, tenant=name, options=options), runner
                )
            opened.append(store)
            return cast("SessionStore", store)

        try:
            yield Lab(connect(), servers, tenant, connect)
        finally:
            for store in opened:
                store.close()
