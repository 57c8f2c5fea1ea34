"""How a role proves who it is: by a password, or by a token that is made when it is needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from holdfast.connection import Connection
from holdfast.errors import ConfigError, Unsupported
from holdfast.roles import Role


class TokenUnavailable(OSError):
    """No token could be made.

    Attributes:
        lasting: another attempt will not do better: there are no credentials to make one with.
    """

    def __init__(self, text: str, *, lasting: bool) -> None:
        super().__init__(text)
        self.lasting = lasting


class Login(Protocol):
    """A name, and what proves it. Thread-safe."""

    @property
    def name(self) -> str:
        """What the server knows the user as."""
        ...

    @property
    def renew_after_seconds(self) -> float:
        """After so long a connection has to log in again; infinite where it need not."""
        ...

    def ready(self) -> bool:
        """Whether :meth:`secret` answers at once; else it may wait for a network."""
        ...

    def secret(self) -> str:
        """What AUTH is given now. Raises TokenUnavailable."""
        ...

    def refused(self) -> None:
        """The server did not take it: the next one has to be a new one."""
        ...


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """A password: the same until the Connection changes."""

    name: str
    password: str = field(repr=False)
    renew_after_seconds: float = inf

    def ready(self) -> bool:
        """Always."""
        return True

    def secret(self) -> str:
        """The password."""
        return self.password

    def refused(self) -> None:
        """Nothing to forget: a new one comes with a new Connection."""


def login_for(connection: Connection, role: Role, earlier: Login | None = None) -> Login:
    """The login of a role.

    Args:
        connection: holds the role.
        role: whose.
        earlier: the login before a change of the Connection; kept, with the token it has, where it
            is for the same user of the same cache.

    Raises:
        ConfigError: it logs in by IAM, and what that takes is not installed or not to be told.
        Unsupported: it is a reference to a secret that was not read.
    """
    user = connection.users[role]
    if user.password is not None:
        return PasswordLogin(user.name, user.password)
    if user.iam:
        return _iam_login(connection, user.name, earlier)
    raise Unsupported(
        f"users.{role}",
        "a reference to a secret that was not read",
        "a password, or IAM",
        "open the store by holdfast.connect, which reads it",
    )


def _iam_login(connection: Connection, name: str, earlier: Login | None) -> Login:
    try:
        from holdfast.aws.iam import IamLogin, cache_of  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            f"users.{name}",
            "a login by IAM",
            "the AWS SDK, which signs its tokens",
            f"pip install 'holdfast[aws]' ({error.name} is missing)",
        ) from None
    login = IamLogin(cache_of(connection), name)
    return earlier if isinstance(earlier, IamLogin) and earlier.same_as(login) else login
