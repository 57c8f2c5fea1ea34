"""The administrator's connections to servers and Sentinels: TLS verified, no retries.

Smaller than a client library on purpose: nothing but the login and the commands named here is
sent, and an old and a new password or CA can be tried while they change.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from holdfast.connection import Address, Tls
from holdfast.errors import AccessDenied, ConfigError, HoldfastError, StoreUnavailable, TlsFailed
from holdfast.resp import INCOMPLETE, ErrorReply, Malformed, Reader, new_reader, pack
from holdfast.tls import build_context, refusal

COMMAND_SECONDS: Final = 10.0
"""Long enough for an ACL LOAD or a CONFIG REWRITE on a busy machine."""

PROBE_SECONDS: Final = 2.0
_READ_BYTES: Final = 65536
_DENIED: Final = ("WRONGPASS", "NOAUTH", "NOPERM")
_BUSY: Final = ("LOADING", "BUSY", "MASTERDOWN")


class Refused(HoldfastError):
    """The server answered with an error; the message is the server's."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user and the password."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Access:
    """How to reach the nodes of a group as the administrator.

    Attributes:
        logins: tried in order; two while a password changes.
        ca_pem: certificates that may have signed a server's; several while the CA changes.
    """

    logins: tuple[Login, ...]
    ca_pem: str = field(repr=False)

    def tls_context(self) -> ssl.SSLContext:
        """Trusts these CAs and no others, checks the server's name."""
        return build_context(Tls(self.ca_pem))


class Admin:
    """One open connection. Use it as a context manager."""

    def __init__(self, connected: ssl.SSLSocket, address: Address) -> None:
        self._socket = connected
        self._address = address
        self._reader: Reader = new_reader()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def call(self, *words: str | int) -> Any:  # noqa: ANN401 - replies are what the server sends
        """Send a command and return its reply, bytes decoded.

        Raises:
            Refused: the server answers with an error.
            AccessDenied: the login is refused, or may not do this.
            StoreUnavailable: the connection broke, or the server is loading its data.
        """
        command = tuple(str(word).encode("utf-8", "surrogateescape") for word in words)
        try:
            self._socket.sendall(pack([command]))
            while (reply := self._reader.gets()) is INCOMPLETE:
                data = self._socket.recv(_READ_BYTES)
                if not data:
                    raise StoreUnavailable(f"{self._address} closed the connection")
                self._reader.feed(data)
        except (OSError, Malformed) as error:
            raise _explained(self._address, error) from error
        if isinstance(reply, ErrorReply):
            raise _answered(self._address, reply)
        return _text(reply)

    def info(self, section: str) -> dict[str, str]:
        """One section of INFO."""
        pairs = (line.partition(":") for line in str(self.call("INFO", section)).splitlines())
        return {name: value for name, separator, value in pairs if separator}


def connect(
    address: Address,
    access: Access,
    *,
    context: ssl.SSLContext | None = None,
    timeout_seconds: float = COMMAND_SECONDS,
) -> Admin:
    """Open a connection and log in.

    Raises:
        TlsFailed: the certificate is not of the CA, or not for this address.
        AccessDenied: no login is accepted.
        StoreUnavailable: nobody listens, or there was no answer in time.
    """
    context = context or access.tls_context()
    denied = AccessDenied(f"{address}: no login to try")
    for login in access.logins:
        try:
            plain = socket.create_connection((address.host, address.port), timeout=timeout_seconds)
            try:
                # An address is verified against the certificate's IP addresses.
                connected = context.wrap_socket(plain, server_hostname=address.host)
            except BaseException:
                plain.close()
                raise
        except OSError as error:
            raise _explained(address, error) from error
        admin = Admin(connected, address)
        try:
            admin.call("AUTH", login.username, login.password)
        except AccessDenied:
            admin.close()
            denied = AccessDenied(f"{address}: the login of {login.username!r} is refused")
        except BaseException:
            admin.close()
            raise
        else:
            return admin
    raise denied


def _explained(address: Address, error: Exception) -> HoldfastError:
    refused = refusal(error)
    if refused:
        return TlsFailed(f"{address}: {refused}")
    return StoreUnavailable(f"{address}: {error}")


def _answered(address: Address, reply: ErrorReply) -> HoldfastError:
    if reply.text.startswith(_DENIED):
        return AccessDenied(f"{address}: {reply.text}")
    if reply.text.startswith(_BUSY):
        return StoreUnavailable(f"{address}: {reply.text}")
    return Refused(reply.text)


def _text(reply: Any) -> Any:  # noqa: ANN401 - replies are what the server sends
    if isinstance(reply, bytes):
        return reply.decode("utf-8", "surrogateescape")
    if isinstance(reply, list):
        return [_text(item) for item in reply]
    return reply


def config_set(admin: Admin, settings: Sequence[str]) -> tuple[str, ...]:
    """Set directives, all or none.

    Args:
        admin: the connection.
        settings: names and values in turns.

    Returns:
        Empty on success; the names, where the server says that only a restart can change one.

    Raises:
        ConfigError: the server refuses a value.
    """
    try:
        admin.call("CONFIG", "SET", *settings)
    except Refused as error:
        reason = str(error)
        if "immutable config" in reason or "protected config" in reason:
            return tuple(settings[::2])
        names = ", ".join(settings[::2])
        raise ConfigError("directives", names, "values that the server takes", reason) from error
    return ()
