"""Links to the nodes of a store by role, opened for probes and kept for the rest of a run."""

from __future__ import annotations

import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from holdfast.connection import Address, Connection, User
from holdfast.errors import AccessDenied, ConfigError, StoreUnavailable
from holdfast.login import Login, TokenUnavailable, login_for
from holdfast.roles import Role
from holdfast.tls import build_context
from holdfast.verify.probe import Link, Refused
from holdfast.verify.result import NotChecked

SOCKET_TIMEOUT_SECONDS: Final = 5.0


class Access:
    """Opens, lends and closes links. Thread-safe.

    Args:
        connection: the store, with the roles that the caller holds.
        timeout_seconds: for a connection and for each reply.
    """

    def __init__(
        self, connection: Connection, *, timeout_seconds: float = SOCKET_TIMEOUT_SECONDS
    ) -> None:
        self.connection = connection
        self.timeout_seconds = timeout_seconds
        self._context = build_context(connection.tls)
        self._idle: defaultdict[tuple[Address, Role], list[Link]] = defaultdict(list)
        self._ports: set[int] = set()
        self._logins: dict[Role, Login] = {}
        self._lock = threading.Lock()
        self._making = threading.Lock()

    @property
    def ports(self) -> frozenset[int]:
        """Every port of this side that was used so far: what the servers' logs know us by."""
        with self._lock:
            return frozenset(self._ports)

    def holds(self, role: Role) -> bool:
        """Whether the Connection has a login for the role."""
        return role in self.connection.users

    def first_held(self, *roles: Role) -> Role:
        """The first of the roles that is held. Raises NotChecked where none is."""
        for role in roles:
            if self.holds(role):
                return role
        self.credentials(roles[0])
        raise NotChecked(_no_role(*roles))

    def credentials(self, role: Role) -> tuple[str, str]:
        """Name and password of a role, or its token where it logs in by IAM.

        Raises:
            NotChecked: the Connection has no such role, or what its login takes is not to be had
                here: AWS credentials, or the secret that it refers to.
        """
        if role not in self.connection.users:
            raise NotChecked(_no_role(role))
        try:
            login = self._login(role)
            return login.name, login.secret()
        except (ConfigError, StoreUnavailable, TokenUnavailable) as error:
            raise NotChecked(f"the login of {role} is not to be had here: {error}") from None

    def _login(self, role: Role) -> Login:
        with self._making:
            if role not in self._logins:
                user = self.connection.users[role]
                if user.secret_arn is not None:
                    user = _resolved(user)
                known = replace(self.connection, users={role: user})
                self._logins[role] = login_for(known, role)
            return self._logins[role]

    def open(
        self,
        address: Address,
        *,
        context: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> Link:
        """A link without a login; the caller closes it.

        Raises:
            StoreUnavailable: nothing answers there.
            TlsFailed: the handshake did not succeed.
        """
        link = Link.open(
            address,
            self._context if context is None else context,
            names=self.connection.dial,
            timeout_seconds=self.timeout_seconds,
            server_name=server_name,
        )
        with self._lock:
            self._ports.add(link.local_port)
        return link

    def login(self, address: Address, role: Role) -> Link:
        """A new link, logged in; the caller closes it.

        Raises:
            AccessDenied: the server refuses the login.
            NotChecked: the role is not held.
        """
        name, password = self.credentials(role)
        link = self.open(address)
        try:
            link.call("AUTH", name, password)
        except Refused as refusal:
            link.close()
            raise AccessDenied(f"{address} refuses the login of {role}: {refusal.code}") from None
        except BaseException:
            link.close()
            raise
        return link

    @contextmanager
    def borrow(self, address: Address, role: Role) -> Iterator[Link]:
        """A logged-in link that is kept for the next borrower unless something went wrong."""
        with self._lock:
            idle = self._idle[address, role]
            link = idle.pop() if idle else None
        if link is None:
            link = self.login(address, role)
        try:
            yield link
        except Refused as refusal:
            if refusal.code == "READONLY":
                # Its name may lead to another server by now: nothing to this one is kept.
                link.close()
                self._forget(address)
            else:
                self._give_back(address, role, link)
            raise
        except BaseException:
            link.close()
            raise
        self._give_back(address, role, link)

    def _forget(self, address: Address) -> None:
        with self._lock:
            for (known, _), links in self._idle.items():
                if known == address:
                    for link in links:
                        link.close()
                    links.clear()

    def _give_back(self, address: Address, role: Role, link: Link) -> None:
        with self._lock:
            self._idle[address, role].append(link)

    def close(self) -> None:
        """Close every link that is not lent."""
        with self._lock:
            for links in self._idle.values():
                for link in links:
                    link.close()
            self._idle.clear()


def _resolved(user: User) -> User:
    try:
        from holdfast.aws.secret_value import resolve_user  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise NotChecked(f"the AWS SDK is not installed ({error.name} is missing)") from None
    return resolve_user(user)


def _no_role(*roles: Role) -> str:
    return f"the connection holds no {' or '.join(roles)} role"
