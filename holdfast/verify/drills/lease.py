"""One drill at a time on a store: a lease that the store itself keeps."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from types import TracebackType
from typing import Final, Self

from holdfast.connection import Connection
from holdfast.errors import HoldfastError, VerificationFailed
from holdfast.keys import RESERVED_TENANT, KeySpace
from holdfast.roles import Role
from holdfast.verify.access import Access
from holdfast.verify.nodes import discover

TTL_SECONDS: Final = 60
_RENEW_SECONDS: Final = 10.0
_GIVE_BACK_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.2


class DrillLease:
    """Held from ``with`` to its end. A drill that is killed holds it for a minute more.

    Raises:
        VerificationFailed: somebody else holds it; says who.
    """

    def __init__(self, connection: Connection) -> None:
        self._access = Access(connection)
        keys = KeySpace(connection.app, RESERVED_TENANT, connection.buckets)
        self._key = keys.cache("drill-lease")
        self._token = f"{socket.gethostname()}, process {os.getpid()}, {secrets.token_hex(4)}"
        self._done = threading.Event()
        self._renewal = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Self:
        """Take it, and renew it until the end."""
        try:
            self._take()
        except BaseException:
            self._access.close()
            raise
        self._renewal.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back; should the store not let it go for a while, it runs out by itself."""
        self._done.set()
        self._renewal.join()
        deadline = time.monotonic() + _GIVE_BACK_SECONDS
        try:
            # Replicas that have just come back may not count yet: the primary refuses writes.
            while not self._given_back() and time.monotonic() < deadline:
                time.sleep(_PAUSE_SECONDS)
        finally:
            self._access.close()

    def _given_back(self) -> bool:
        try:
            if self._ask("GET", self._key) == self._token:
                self._ask("UNLINK", self._key)
        except HoldfastError:
            return False
        return True

    def _take(self) -> None:
        if self._ask("SET", self._key, self._token, "NX", "PX", TTL_SECONDS * 1000) is None:
            holder = str(self._ask("GET", self._key) or "somebody else").rpartition(",")[0]
            message = (
                f"another drill is under way on this store ({holder}); wait for its end, or "
                f"{TTL_SECONDS} s if it was killed"
            )
            raise VerificationFailed(message)

    def _renew(self) -> None:
        while not self._done.wait(_RENEW_SECONDS):
            try:
                # Not PEXPIRE: a failover may have lost it.
                self._ask("SET", self._key, self._token, "PX", TTL_SECONDS * 1000)
            except HoldfastError:
                # The drill has the store down; the next round comes in time.
                continue

    def _ask(self, *command: str | int) -> object:
        primary = discover(self._access).primary_of(self._key)
        with self._access.borrow(primary, Role.ADMIN) as link:
            answer: object = link.call(*command)
            return answer
