"""The wire protocol (RESP2): commands to bytes, bytes to replies.

hiredis does both in C; libvalkey is the same for who installed valkey-py alone. Without either,
plain Python does, for instance on PyPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, Protocol

from holdfast.operation import Arg


class ErrorReply(Exception):
    """What the server answered instead of a value; the text begins with the error's code."""

    @property
    def text(self) -> str:
        """The error as the server wrote it."""
        return str(self.args[0])


class Malformed(Exception):
    """The bytes are not of the protocol: the connection is of no use any more."""


class _Incomplete:
    """Marks that more bytes are needed; None and False are replies themselves."""

    def __repr__(self) -> str:
        return "INCOMPLETE"


INCOMPLETE: Final = _Incomplete()


class Reader(Protocol):
    """An incremental parser."""

    def feed(self, data: bytes | bytearray, start: int = ..., length: int = ..., /) -> None:
        """Add what came from the network."""
        ...

    def gets(self) -> Any:  # noqa: ANN401 - any type that a reply has
        """The next reply, or INCOMPLETE."""
        ...

    def has_data(self) -> bool:
        """Whether bytes are left that belong to no reply yet."""
        ...


def pack_plain(command: tuple[Arg, ...]) -> bytes:
    """One command in plain Python."""
    parts = [b"*%d\r\n" % len(command)]
    for word in command:
        if isinstance(word, bytes):
            data = word
        elif isinstance(word, float):
            data = repr(word).encode()
        else:
            data = str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class PlainReader:
    """The parser in plain Python."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray, start: int = 0, length: int | None = None, /) -> None:
        """Add what came from the network."""
        end = len(data) if length is None else start + length
        self._buffer += memoryview(data)[start:end]

    def has_data(self) -> bool:
        """Whether bytes are left that belong to no reply yet."""
        return bool(self._buffer)

    def gets(self) -> Any:  # noqa: ANN401 - any type that a reply has
        """The next reply, or INCOMPLETE. Raises Malformed."""
        reply, end = self._parse(0)
        if reply is not INCOMPLETE:
            del self._buffer[:end]
        return reply

    def _parse(self, start: int) -> tuple[Any, int]:
        end = self._buffer.find(b"\r\n", start)
        if end < 0:
            return INCOMPLETE, start
        kind, line = self._buffer[start : start + 1], bytes(self._buffer[start + 1 : end])
        end += 2
        if kind == b"+":
            return line, end
        if kind == b"-":
            return ErrorReply(line.decode(errors="replace")), end
        try:
            number = int(line)
        except ValueError:
            raise Malformed(repr(bytes(kind))) from None
        if kind == b":":
            return number, end
        if kind == b"$":
            return self._bulk(end, number)
        if kind == b"*":
            return self._array(end, number)
        raise Malformed(repr(bytes(kind)))

    def _bulk(self, start: int, length: int) -> tuple[Any, int]:
        if length < 0:
            return None, start
        end = start + length
        if len(self._buffer) < end + 2:
            return INCOMPLETE, start
        return bytes(self._buffer[start:end]), end + 2

    def _array(self, start: int, length: int) -> tuple[Any, int]:
        if length < 0:
            return None, start
        items = []
        for _ in range(length):
            item, start = self._parse(start)
            if item is INCOMPLETE:
                return INCOMPLETE, start
            items.append(item)
        return items, start


def _library() -> Any:  # noqa: ANN401 - two modules that are alike but share no type
    for name in ("hiredis", "libvalkey"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


_LIBRARY: Final = _library()
_pack_one: Final[Callable[[Any], bytes]] = _LIBRARY.pack_command if _LIBRARY else pack_plain


def new_reader() -> Reader:
    """A parser for one connection. ``gets`` raises Malformed for bytes of another protocol."""
    if _LIBRARY is None:
        return PlainReader()
    reader: Reader = _LIBRARY.Reader(
        protocolError=Malformed, replyError=ErrorReply, notEnoughData=INCOMPLETE
    )
    return reader


def pack(commands: Sequence[tuple[Arg, ...]]) -> bytes:
    """Commands as the bytes of one write."""
    if len(commands) == 1:
        return _pack_one(commands[0])
    return b"".join(map(_pack_one, commands))
