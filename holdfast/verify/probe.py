"""The kit's own small socket code for probes: one connection, no retries, nothing hidden.

The client of this package retries, asks Sentinels and translates errors. A probe wants to see the
very first answer of one node, so it speaks to the socket itself.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import TracebackType
from typing import Any, Final, Self

from holdfast.connection import Address
from holdfast.errors import HoldfastError, StoreUnavailable, TlsFailed
from holdfast.resp import INCOMPLETE, ErrorReply, Malformed, new_reader, pack

_CHUNK_BYTES: Final = 65536


class Refused(HoldfastError):
    """An error reply of the server; the message is the reply."""

    @property
    def code(self) -> str:
        """Its first word, e.g. ``NOPERM``."""
        return str(self).partition(" ")[0]


def dial(address: Address, names: Mapping[str, str], *, timeout_seconds: float) -> socket.socket:
    """A TCP connection to the address, or to the host that stands in for its name.

    Raises:
        StoreUnavailable: nothing answers there.
    """
    host = names.get(address.host, address.host)
    try:
        return socket.create_connection((host, address.port), timeout=timeout_seconds)
    except OSError as error:
        raise StoreUnavailable(
            f"{address}: no connection ({error.strerror or error or type(error).__name__})"
        ) from None


class Link:
    """One TLS connection that speaks RESP2. Not for use by two threads at once."""

    def __init__(self, address: Address, sock: ssl.SSLSocket) -> None:
        self.address = address
        self._socket = sock
        self._reader = new_reader()

    @classmethod
    def open(
        cls,
        address: Address,
        context: ssl.SSLContext,
        *,
        names: Mapping[str, str],
        timeout_seconds: float,
        server_name: str | None = None,
    ) -> Self:
        """Connect and shake hands.

        Args:
            address: where to.
            context: what is verified.
            names: announced name -> host to dial.
            timeout_seconds: for the connection and later for each reply.
            server_name: the name to verify; the address's host by default.

        Raises:
            StoreUnavailable: nothing answers there.
            TlsFailed: the handshake did not succeed.
        """
        plain = dial(address, names, timeout_seconds=timeout_seconds)
        try:
            secured = context.wrap_socket(plain, server_hostname=server_name or address.host)
        except ssl.SSLError as error:
            plain.close()
            raise TlsFailed(f"{address}: {_tls_reason(error)}") from None
        except OSError as error:
            plain.close()
            raise StoreUnavailable(
                f"{address}: the TLS handshake broke off ({error or type(error).__name__})"
            ) from None
        return cls(address, secured)

    @property
    def local_port(self) -> int:
        """The port of this side."""
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def peer_serial(self) -> int:
        """Serial number of the certificate that the server showed."""
        certificate = self._socket.getpeercert() or {}
        return int(str(certificate["serialNumber"]), 16)

    def call(self, *command: str | int) -> Any:  # noqa: ANN401 - replies are of any shape
        """Send a command and wait for its reply.

        Raises:
            Refused: the server answered with an error.
            StoreUnavailable: the connection broke or the reply did not come in time.
        """
        reply = self.attempt([command])[0]
        if isinstance(reply, Refused):
            raise reply
        return reply

    def attempt(self, commands: Sequence[Sequence[str | int]]) -> list[Any]:
        """Send commands together; error replies are returned as Refused, in their places.

        Raises:
            StoreUnavailable: the connection broke or a reply did not come in time.
        """
        packed = pack([tuple(command) for command in commands])
        replies: list[Any] = []
        try:
            self._socket.sendall(packed)
            while len(replies) < len(commands):
                reply = self._reader.gets()
                if reply is not INCOMPLETE:
                    replies.append(_reply(reply))
                    continue
                received = self._socket.recv(_CHUNK_BYTES)
                if not received:
                    raise StoreUnavailable(f"{self.address}: the server closed the connection")
                self._reader.feed(received)
        except Malformed as error:
            raise StoreUnavailable(f"{self.address}: no reply of the protocol ({error})") from None
        except OSError as error:
            raise StoreUnavailable(
                f"{self.address}: no reply ({error or type(error).__name__})"
            ) from None
        return replies

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the socket."""
        self.close()


def _reply(reply: Any) -> Any:  # noqa: ANN401 - replies are of any shape
    if isinstance(reply, ErrorReply):
        return Refused(reply.text)
    if isinstance(reply, bytes):
        return reply.decode("utf-8", errors="backslashreplace")
    if isinstance(reply, list):
        return [_reply(item) for item in reply]
    return reply


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"
    return f"TLS: {error.reason or error}"


class PlainAnswer(IntEnum):
    """What a TLS port does when it is spoken to in plain text."""

    CLOSED = 0
    TLS_ALERT = 1
    SPOKE = 2


def speak_plain(
    address: Address, names: Mapping[str, str], *, timeout_seconds: float
) -> tuple[PlainAnswer, bytes]:
    """Send PING without TLS and report what came back."""
    with dial(address, names, timeout_seconds=timeout_seconds) as plain:
        try:
            plain.sendall(b"*1\r\n$4\r\nPING\r\n")
            answer = plain.recv(_CHUNK_BYTES)
        except ConnectionError:
            return PlainAnswer.CLOSED, b""
        except TimeoutError:
            raise StoreUnavailable(f"{address}: neither answered nor closed") from None
    if not answer:
        return PlainAnswer.CLOSED, b""
    if answer[0] == _ALERT:
        return PlainAnswer.TLS_ALERT, answer
    return PlainAnswer.SPOKE, answer


# The TLS record and handshake numbers of RFC 5246 that the hello below needs.
_HANDSHAKE: Final = 0x16
_ALERT: Final = 0x15
_CLIENT_HELLO: Final = 0x01
_SERVER_HELLO: Final = 0x02
_RECORD_1_0: Final = 0x0301
TLS_1_1: Final = 0x0302
ALERT_HANDSHAKE_FAILURE: Final = 40
ALERT_PROTOCOL_VERSION: Final = 70
_CBC_SHA_CIPHERS: Final = (0xC00A, 0xC009, 0xC014, 0xC013, 0x0035, 0x002F)
_CURVES: Final = (0x0017, 0x0018, 0x001D)


@dataclass(frozen=True, slots=True)
class HelloAnswer:
    """What a server answered to a client hello.

    Attributes:
        version: the protocol version it chose, None where it chose none.
        alert: the alert it sent, None where it sent none.
    """

    version: int | None = None
    alert: int | None = None


def offer_tls_1_1(
    address: Address, names: Mapping[str, str], *, timeout_seconds: float
) -> HelloAnswer:
    """Offer TLS 1.1 and nothing newer, and report the server's own answer.

    The hello is written by hand: whether this machine's OpenSSL still offers TLS 1.1 depends on
    how it was built and configured, and its refusal to offer would look like the server's refusal.

    Raises:
        StoreUnavailable: the server closed without an answer.
    """
    with dial(address, names, timeout_seconds=timeout_seconds) as plain:
        try:
            plain.sendall(_client_hello(address.host))
            header = _exactly(plain, 5)
            kind, _, length = struct.unpack(">BHH", header)
            body = _exactly(plain, min(length, _CHUNK_BYTES))
        except OSError as error:
            raise StoreUnavailable(
                f"{address}: no answer to a TLS 1.1 hello ({error or type(error).__name__})"
            ) from None
    if kind == _ALERT and len(body) >= 2:  # noqa: PLR2004 - level and description
        return HelloAnswer(alert=body[1])
    if kind == _HANDSHAKE and len(body) >= 6 and body[0] == _SERVER_HELLO:  # noqa: PLR2004
        return HelloAnswer(version=struct.unpack(">H", body[4:6])[0])
    raise StoreUnavailable(f"{address}: an answer to a TLS 1.1 hello that is not TLS")


def _exactly(plain: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = plain.recv(size - len(received))
        if not part:
            raise ConnectionResetError("closed without an answer")
        received += part
    return received


def _client_hello(host: str) -> bytes:
    ciphers = b"".join(struct.pack(">H", cipher) for cipher in _CBC_SHA_CIPHERS)
    curves = b"".join(struct.pack(">H", curve) for curve in _CURVES)
    extensions = _extension(0x000A, struct.pack(">H", len(curves)) + curves)
    extensions += _extension(0x000B, b"\x01\x00")
    if not _is_ip(host):
        name = host.encode("idna")
        entry = b"\x00" + struct.pack(">H", len(name)) + name
        extensions += _extension(0x0000, struct.pack(">H", len(entry)) + entry)
    body = struct.pack(">H", TLS_1_1) + os.urandom(32) + b"\x00"
    body += struct.pack(">H", len(ciphers)) + ciphers + b"\x01\x00"
    body += struct.pack(">H", len(extensions)) + extensions
    handshake = bytes([_CLIENT_HELLO]) + len(body).to_bytes(3, "big") + body
    return struct.pack(">BHH", _HANDSHAKE, _RECORD_1_0, len(handshake)) + handshake


def _extension(number: int, content: bytes) -> bytes:
    return struct.pack(">HH", number, len(content)) + content


def _is_ip(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False
