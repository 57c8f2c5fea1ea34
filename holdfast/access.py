"""What it takes to get in: one Connection, one role, one TLS context; shared by all connections."""

from __future__ import annotations

import ssl
import time
from functools import cached_property
from typing import Final

from holdfast.connection import Address, Connection, Tls
from holdfast.drivers import Driver, Endpoint, driver_for
from holdfast.errors import Unsupported
from holdfast.options import ClientOptions
from holdfast.retry import Failure, Kind
from holdfast.roles import Role
from holdfast.tls import build_context, refusal

_SILENT_SECONDS: Final = 2.0
"""How long a server that could not be reached is tried with short attempts."""

_AGAIN_SECONDS: Final = 0.3
"""A frozen server is tried again and again until the Sentinels name another. Each attempt at full
length would make the client late by that much."""


class Access:
    """The way in for one role, as one value of a Connection has it.

    Args:
        connection: narrow, or holding the role.
        role: None where the Connection has exactly one.
        options: timeouts and library.
        earlier: the access before a change; its TLS context is kept where TLS is the same.

    Raises:
        ConfigError: no such role, or several and none was named.
        Unsupported: the login is no password.
    """

    def __init__(
        self,
        connection: Connection,
        role: Role | str | None,
        options: ClientOptions,
        earlier: Access | None = None,
    ) -> None:
        self.connection = connection
        self.options = options
        self.role = Role(role) if role is not None else connection.sole_role
        user = connection.for_role(self.role).users[self.role]
        if user.password is None:
            raise Unsupported(
                f"users.{self.role}",
                "a login without password",
                "a password",
                "resolve the secret first and put its value into the Connection",
            )
        self._user, self._password = user.name, user.password
        self._tls: Tls = connection.tls
        self._earlier_context = (
            earlier.context if earlier is not None and earlier._tls == connection.tls else None
        )
        self.driver: Driver = driver_for(options.library)
        self._silent_until: dict[Address, float] = {}

    @cached_property
    def context(self) -> ssl.SSLContext:
        """Built at the first use, then shared."""
        return self._earlier_context or build_context(self._tls)

    def endpoint(self, address: Address, *, sentinel: bool = False) -> Endpoint:
        """How to connect to a server or a Sentinel that is known by its announced name."""
        options = self.options
        connect_timeout_seconds = options.connect_timeout_seconds
        if time.monotonic() < self._silent_until.get(address, 0.0):
            connect_timeout_seconds = min(connect_timeout_seconds, _AGAIN_SECONDS)
        return Endpoint(
            address,
            self.connection.dial.get(address.host, address.host),
            self._user,
            self._password,
            self.context,
            options.sentinel_timeout_seconds if sentinel else connect_timeout_seconds,
            options.sentinel_timeout_seconds if sentinel else options.socket_timeout_seconds,
        )

    def failure(self, error: BaseException, address: Address) -> Failure:
        """Classify what the library raised while a connection was opened."""
        untrusted = refusal(error)
        if untrusted is not None:
            text = getattr(untrusted, "verify_message", None) or str(untrusted)
            return Failure(Kind.UNTRUSTED, f"TLS failed: {text}", address)
        if isinstance(error, self.driver.denied):
            return Failure(Kind.LOGIN, f"login as {self._user!r} refused: {error}", address)
        now = time.monotonic()
        if now >= self._silent_until.get(address, 0.0):
            # Not prolonged by the short attempts: a server that is slow and no more gets a full
            # one again.
            self._silent_until[address] = now + _SILENT_SECONDS
        return Failure(Kind.BROKEN, str(error) or type(error).__name__, address)
