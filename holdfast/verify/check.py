"""What a check is, and what it works with."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import holdfast
from holdfast.connection import Address, Connection
from holdfast.keys import RESERVED_TENANT, History, KeySpace
from holdfast.model import Session
from holdfast.options import ClientOptions
from holdfast.roles import Role
from holdfast.store import SessionStore
from holdfast.ttl import Ttl
from holdfast.verify.access import Access
from holdfast.verify.cleanup import Cleanup
from holdfast.verify.denials import Denials, log_of
from holdfast.verify.nodes import Nodes
from holdfast.verify.result import Group, NotChecked

_POLL_SECONDS: Final = 0.05
_CLIENT_DEADLINE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that should hold.

    Attributes:
        group: the section of the report.
        name: a phrase that says what holds, at most 60 characters.
        run: makes the check and returns what it saw. Raises CheckFailed, NotChecked, or an error
            of the client.
        shown: what it saw is worth reading even when all is well.
        last: runs after all others have ended.
    """

    group: Group
    name: str
    run: Callable[[Context], str]
    shown: bool = False
    last: bool = False


@dataclass
class Context:
    """Everything a check works with; shared by the checks of a run, which run at the same time.

    Attributes:
        connection: the store, with the roles that the caller holds.
        access: raw links to its nodes.
        nodes: its members when the run began.
        cleanup: where every created key is registered.
        denials: the refusals that the checks provoke on purpose.
        stop: set when the run is to end early.
        run_id: part of every name that the run invents.
    """

    connection: Connection
    access: Access
    nodes: Nodes
    cleanup: Cleanup
    denials: Denials
    stop: threading.Event
    run_id: str = field(default_factory=lambda: secrets.token_hex(6))
    _stores: dict[tuple[str, int], SessionStore] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def keys(self) -> KeySpace:
        """The keys of the reserved tenant."""
        return KeySpace(self.connection.app, RESERVED_TENANT, self.connection.buckets)

    def store(self, tenant: str = RESERVED_TENANT, *, client: int = 0) -> SessionStore:
        """The client as an application has it: role svc, opened once for each tenant and number.

        Raises:
            NotChecked: svc is not held.
        """
        self.access.credentials(Role.SVC)
        with self._lock:
            store = self._stores.get((tenant, client))
            if store is None:
                store = holdfast.connect(
                    self.connection.for_role(Role.SVC),
                    tenant=tenant,
                    options=ClientOptions(deadline_seconds=_CLIENT_DEADLINE_SECONDS),
                    _verify=True,
                )
                self._stores[tenant, client] = self._open.enter_context(store)
            return store

    def session(
        self,
        *,
        user: str | None = None,
        ttl: Ttl | None = None,
        history: History = History.LIST,
    ) -> Session:
        """A new session of the reserved tenant, registered for removal; a chat by default."""
        store = self.store()
        session = store.create(user=user, ttl=ttl or Ttl.chat(), history=history)
        self.cleanup.session(session.session_id, partial(store.end, session.session_id))
        return session

    def call(self, address: Address, role: Role, *command: str | int) -> Any:  # noqa: ANN401
        """One command to one node as one role; the reply as the protocol has it."""
        with self.access.borrow(address, role) as link:
            return link.call(*command)

    def on_key(self, key: str, *command: str | int) -> Any:  # noqa: ANN401
        """One command as admin to the primary that serves a key."""
        return self.call(self.nodes.primary_of(key), Role.ADMIN, *command)

    def info(self, address: Address, section: str) -> Mapping[str, str]:
        """A section of INFO, as the role that watches.

        Raises:
            NotChecked: neither monitor nor admin is held.
        """
        role = self.access.first_held(Role.MONITOR, Role.ADMIN)
        return parse_info(self.call(address, role, "INFO", section))

    def wait_until(self, holds: Callable[[], bool], *, timeout_seconds: float) -> bool:
        """Poll until ``holds`` or the time is over.

        Raises:
            NotChecked: the run was interrupted.
        """
        deadline = time.monotonic() + timeout_seconds
        while not holds():
            if time.monotonic() >= deadline:
                return False
            self.pause(_POLL_SECONDS)
        return True

    def look_at_log(self, address: Address) -> None:
        """Note what a node's ACL log shows; to be called after every provoked denial."""
        log = log_of(self.access, address)
        if log is not None:
            self.denials.observe(address, log)

    def pause(self, seconds: float) -> None:
        """Let the clock move. Raises NotChecked where the run was interrupted."""
        if self.stop.wait(seconds):
            raise NotChecked("the run was stopped")

    def close(self) -> None:
        """Close every connection."""
        self._open.close()
        self.access.close()


def parse_info(text: str) -> dict[str, str]:
    """INFO's lines as a mapping."""
    lines = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, separator, value in lines if separator}
