"""Who starts as the primary, as a table: one rule that stands twice.

Servers on this machine are started by ``provider/servers/startorder.py``, pods by
``k8s/scripts/start-valkey.sh``: a shell cannot import Python. The unit tests of both run this
table, and so do those of the two that look into a data folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_RDB: Final = b"REDIS0011" + b"\xfa\x05redis\x056.2.0" + b"\xfa\x08aof-base\xc0\x01"
_VALKEY_RDB: Final = (
    b"VALKEY080" + b"\xfa\x0avalkey-ver\x059.1.2" + b"\xfa\x08used-mem\xc2\x00\x01\x02\x03"
)
_END: Final = b"\xff" + bytes(8)
_KEY: Final = b"\xfe\x00\xfb\x01\x00\x00\x01k\x01v"


@dataclass(frozen=True, slots=True)
class StartCase:
    """A group before a start, its nodes by number.

    Attributes:
        name: what is special.
        answers: whom each Sentinel names, None where it does not answer.
        holds_keys: whether each node's data folder has keys.
        primaries: who may start as the primary; nobody else may.
        in_step: which nodes run, and followed the primary until it ended. They may have more than
            its file: a server answers before it writes while the disk is slow.
    """

    name: str
    answers: tuple[int | None, ...]
    holds_keys: tuple[bool, ...]
    primaries: frozenset[int]
    in_step: tuple[bool, ...] = (False, False, False)


START_CASES: Final = (
    StartCase("all name the first", (0, 0, 0), (True, True, True), frozenset({0})),
    StartCase("all name another", (2, 2, 2), (True, True, True), frozenset({2})),
    StartCase("two of three name another", (1, 0, 1), (True, True, True), frozenset({1})),
    StartCase("one Sentinel is silent", (None, 1, 1), (True, True, True), frozenset({1})),
    StartCase("the named one alone has keys", (1, 1, 1), (False, True, False), frozenset({1})),
    StartCase("the named one lost its keys", (0, 0, 0), (False, True, True), frozenset({1, 2})),
    StartCase(
        "the named one and another lost them", (1, 1, 1), (True, False, False), frozenset({0})
    ),
    StartCase("nobody has keys", (0, 0, 0), (False, False, False), frozenset({0})),
    StartCase(
        "nobody has keys, another is named", (2, 2, None), (False, False, False), frozenset({2})
    ),
    StartCase(
        "the named one alone ended",
        (0, 0, 0),
        (True, True, True),
        frozenset({1, 2}),
        in_step=(False, True, True),
    ),
    StartCase(
        "the named one alone ended, one Sentinel is silent",
        (None, 1, 1),
        (True, True, True),
        frozenset({0, 2}),
        in_step=(True, False, True),
    ),
    StartCase(
        "the named one ended, and another is not in step",
        (0, 0, 0),
        (True, True, True),
        frozenset({0}),
        in_step=(False, True, False),
    ),
    StartCase(
        "the named one ended, and another has no keys",
        (0, 0, 0),
        (True, True, False),
        frozenset({0}),
        in_step=(False, True, True),
    ),
    StartCase(
        "the named one lost its keys, the others run",
        (0, 0, 0),
        (False, True, True),
        frozenset({1, 2}),
        in_step=(False, True, True),
    ),
)


@dataclass(frozen=True, slots=True)
class FolderCase:
    """Files below ``appendonlydir``, beside its manifest, and whether a server has keys on them."""

    name: str
    files: tuple[tuple[str, bytes], ...]
    holds_keys: bool


FOLDER_CASES: Final = (
    FolderCase("nothing", (), holds_keys=False),
    FolderCase("an empty base", (("a.1.base.rdb", _RDB + _END),), holds_keys=False),
    FolderCase(
        "an empty base of Valkey", (("a.1.base.rdb", _VALKEY_RDB + _END),), holds_keys=False
    ),
    FolderCase(
        "an empty base and an empty log",
        (("a.1.base.rdb", _RDB + _END), ("a.1.incr.aof", b"")),
        holds_keys=False,
    ),
    FolderCase("a base with a key", (("a.1.base.rdb", _RDB + _KEY + _END),), holds_keys=True),
    FolderCase(
        "an empty base and a log",
        (("a.1.base.rdb", _RDB + _END), ("a.1.incr.aof", b"*1\r\n$4\r\nPING\r\n")),
        holds_keys=True,
    ),
    FolderCase("a base that was cut short", (("a.1.base.rdb", _RDB[:-3]),), holds_keys=True),
    FolderCase(
        "what a killed server was writing", (("temp-7.rdb", _RDB + _KEY),), holds_keys=False
    ),
)
