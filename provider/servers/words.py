"""Words of a config line, split and quoted as the server does it (sdssplitargs, sdscatrepr).

Bytes that are no UTF-8 survive a round trip as surrogates.
"""

from __future__ import annotations

import re
from typing import Final

_SPACES: Final = b" \t\r\n\x0b\x0c"
_ENDS: Final = b" \t\r\n\0"
_ESCAPES: Final = {ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("b"): 8, ord("a"): 7}
_UNESCAPES: Final = {value: chr(key) for key, value in _ESCAPES.items()}
_PLAIN: Final = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,=-~*&<>()[]|^$!?;{}"
)
_FIRST_PRINTABLE: Final = 0x20
_LAST_PRINTABLE: Final = 0x7E
_HEX: Final = re.compile(rb"\\x([0-9a-fA-F]{2})")


def split(line: str) -> list[str]:
    """Split a line into its words.

    Raises:
        ValueError: a quote is not closed, or something follows a closing quote. The message does
            not repeat the line: it may hold a password.
    """
    data = line.encode("utf-8", "surrogateescape")
    words: list[str] = []
    at = 0
    while True:
        while at < len(data) and data[at] in _SPACES:
            at += 1
        if at >= len(data) or data[at] == 0:
            return words
        word, at = _word(data, at)
        words.append(word.decode("utf-8", "surrogateescape"))


def _word(data: bytes, at: int) -> tuple[bytes, int]:
    word = bytearray()
    while at < len(data) and data[at] not in _ENDS:
        if data[at] in b"\"'":
            at = _quoted(data, at + 1, data[at], word)
        else:
            word.append(data[at])
            at += 1
    return bytes(word), at


def _quoted(data: bytes, at: int, quote: int, word: bytearray) -> int:
    while at < len(data) and data[at] != quote:
        if data[at] == ord("\\") and at + 1 < len(data):
            at = _escaped(data, at, quote, word)
        else:
            word.append(data[at])
            at += 1
    if at >= len(data):
        raise ValueError("a quote is not closed")
    if at + 1 < len(data) and data[at + 1] not in _SPACES + b"\0":
        raise ValueError("a space must follow a closing quote")
    return at + 1


def _escaped(data: bytes, at: int, quote: int, word: bytearray) -> int:
    follower = data[at + 1]
    if quote == ord("'"):
        # Single quotes know one escape: \'
        if follower != quote:
            word.append(data[at])
            return at + 1
        word.append(follower)
        return at + 2
    hexadecimal = _HEX.match(data, at)
    if hexadecimal:
        word.append(int(hexadecimal[1], 16))
        return hexadecimal.end()
    word.append(_ESCAPES.get(follower, follower))
    return at + 2


def quote(word: str) -> str:
    """Write one word so that :func:`split` and the server read it back unchanged."""
    data = word.encode("utf-8", "surrogateescape")
    if data and all(byte in _PLAIN for byte in data):
        return word
    return '"' + "".join(map(_escape, data)) + '"'


def _escape(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    if byte in _UNESCAPES:
        return "\\" + _UNESCAPES[byte]
    if _FIRST_PRINTABLE <= byte <= _LAST_PRINTABLE:
        return chr(byte)
    return f"\\x{byte:02x}"


def join(words: list[str] | tuple[str, ...]) -> str:
    """Write words as one line."""
    return " ".join(map(quote, words))
