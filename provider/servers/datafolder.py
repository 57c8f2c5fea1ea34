"""What a data folder holds: keys or not, and in which RDB format. Read without a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_MAGICS: Final = (b"REDIS", b"VALKEY")
_HEADER_LENGTH: Final = 9
"""``REDIS0011`` and ``VALKEY080``."""

_AUX, _MODULE_AUX, _FUNCTION, _END = 0xFA, 0xF7, 0xF5, 0xFF
_LENGTH_32, _LENGTH_64 = 0x80, 0x81
_INTEGER_BYTES: Final = {0xC0: 1, 0xC1: 2, 0xC2: 4}
_MAX_AUX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A look at a data folder.

    Attributes:
        holds_keys: whether a server that starts on it has keys.
        rdb_version: highest RDB format version of its files, 0 without any.
        changed: newest modification time among its files, seconds since the epoch, 0 if empty.
    """

    holds_keys: bool = False
    rdb_version: int = 0
    changed: float = 0.0


def look(folder: Path) -> DataFolder:
    """Read the headers of the AOF and RDB files. A folder that is missing is empty."""
    holds_keys, rdb_version, changed = False, 0, 0.0
    for file in _files(folder):
        try:
            stat = file.stat()
            with file.open("rb") as stream:
                version, keys = _read_rdb(stream)
        except FileNotFoundError:
            # A running server replaces its files while we look.
            continue
        changed = max(changed, stat.st_mtime)
        if version is None:
            holds_keys = holds_keys or (file.suffix == ".aof" and stat.st_size > 0)
        else:
            rdb_version = max(rdb_version, version)
            holds_keys = holds_keys or keys
    return DataFolder(holds_keys, rdb_version, changed)


def _files(folder: Path) -> Iterator[Path]:
    for pattern in ("*.rdb", "*.aof", "*/*.rdb", "*/*.aof"):
        # temp-*.rdb is what a killed server was still writing: no server loads it.
        yield from (file for file in folder.glob(pattern) if not file.name.startswith("temp-"))


def _read_rdb(stream: BinaryIO) -> tuple[int | None, bool]:
    """Format version (None: no RDB) and whether keys follow the header fields."""
    header = stream.read(_HEADER_LENGTH)
    magic = next((m for m in _MAGICS if header.startswith(m)), None)
    if magic is None or not header[len(magic) :].isdigit():
        return None, False
    version = int(header[len(magic) :])
    while (opcode := stream.read(1)) == bytes([_AUX]):
        if not (_skip_string(stream) and _skip_string(stream)):
            return version, True
    # Whatever is not the end is taken for data: to be wrong on that side loses nothing.
    return version, opcode != bytes([_END])


def _skip_string(stream: BinaryIO) -> bool:
    """Skip one encoded string; False if its form is not known."""
    first = stream.read(1)
    if not first:
        return False
    byte = first[0]
    if byte in _INTEGER_BYTES:
        length = _INTEGER_BYTES[byte]
    elif byte < 0x40:  # noqa: PLR2004 - the two top bits say how long the length is
        length = byte
    elif byte < _LENGTH_32:
        length = (byte & 0x3F) << 8 | int.from_bytes(stream.read(1), "big")
    elif byte == _LENGTH_32:
        length = int.from_bytes(stream.read(4), "big")
    else:
        return False
    return length <= _MAX_AUX_BYTES and len(stream.read(length)) == length
