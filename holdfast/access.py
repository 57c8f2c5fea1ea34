"""What it takes to get in: one Connection, one role, one TLS context; shared by all connections."""

from __future__ import annotations

import ssl
import time
from functools import cached_property
from typing import Final

from holdfast.connection import Address, Connection, Tls
from holdfast.drivers import Driver, Endpoint, driver_for
from holdfast.login import Login, TokenUnavailable, login_for
from holdfast.options import ClientOptions
from holdfast.resp import pack
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
        ConfigError: the login is by IAM, and what that takes is not installed.
        Unsupported: the login is a reference to a secret that was not read.
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
        self._login: Login = login_for(
            connection.for_role(self.role), self.role, earlier._login if earlier else None
        )
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

    @property
    def ready(self) -> bool:
        """Whether :meth:`endpoint` answers at once; else :meth:`prepare` is to be called first."""
        return self._login.ready()

    def prepare(self) -> None:
        """Get what a login takes, which may wait for a network. Raises TokenUnavailable."""
        self._login.secret()

    @property
    def renew_after_seconds(self) -> float:
        """After so long a connection has to log in again; infinite where it need not."""
        return self._login.renew_after_seconds

    def authentication(self) -> bytes:
        """The AUTH that logs an open connection in again. Raises TokenUnavailable."""
        return pack([("AUTH", self._login.name, self._login.secret())])

    def refused(self) -> None:
        """A server did not take that AUTH."""
        self._login.refused()

    def endpoint(self, address: Address, *, sentinel: bool = False) -> Endpoint:
        """How to connect to a server or a Sentinel that is known by its announced name.

        Raises:
            TokenUnavailable: there are no credentials for a login by IAM.
        """
        options = self.options
        connect_timeout_seconds = options.connect_timeout_seconds
        if time.monotonic() < self._silent_until.get(address, 0.0):
            connect_timeout_seconds = min(connect_timeout_seconds, _AGAIN_SECONDS)
        return Endpoint(
            address,
            self.connection.dial.get(address.host, address.host),
            self._login.name,
            self._login.secret(),
            self.context,
            options.sentinel_timeout_seconds if sentinel else connect_timeout_seconds,
            options.sentinel_timeout_seconds if sentinel else options.socket_timeout_seconds,
        )

    def failure(self, error: BaseException, address: Address) -> Failure:
        """Classify what the library raised while a connection was opened."""
        if isinstance(error, TokenUnavailable):
            return Failure(Kind.LOGIN if error.lasting else Kind.BROKEN, str(error), address)
        untrusted = refusal(error)
        if untrusted is not None:
            text = getattr(untrusted, "verify_message", None) or str(untrusted)
            return Failure(Kind.UNTRUSTED, f"TLS failed: {text}", address)
        if isinstance(error, self.driver.denied):
            self._login.refused()
            return Failure(Kind.LOGIN, f"login as {self._login.name!r} refused: {error}", address)
        now = time.monotonic()
        if now >= self._silent_until.get(address, 0.0):
            # Not prolonged by the short attempts: a server that is slow and no more gets a full
            # one again.
            self._silent_until[address] = now + _SILENT_SECONDS
        return Failure(Kind.BROKEN, str(error) or type(error).__name__, address)
