"""Which config directives are one and the same, and when two values mean the same.

A server rewrites its config file in words of its own (CONFIG REWRITE, each Sentinel state
change): aliases become the current name, sizes change their unit, values equal to the default
vanish, sections are spread over lines. So lines are compared by meaning, never as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from provider.servers.words import split

Words: TypeAlias = tuple[str, ...]
"""One config line: the directive's name and its arguments."""

Identity: TypeAlias = tuple[str, ...]
"""What a line sets: two lines of one identity set the same thing."""

SENTINEL: Final = "sentinel"
REPLICAOF: Final = "replicaof"
USER: Final = "user"

_ALIASES: Final = {
    "slaveof": REPLICAOF,
    "masterauth": "primaryauth",
    "masteruser": "primaryuser",
    "lua-time-limit": "busy-reply-threshold",
    "hash-max-ziplist-entries": "hash-max-listpack-entries",
    "hash-max-ziplist-value": "hash-max-listpack-value",
    "zset-max-ziplist-entries": "zset-max-listpack-entries",
    "zset-max-ziplist-value": "zset-max-listpack-value",
    "list-max-ziplist-size": "list-max-listpack-size",
    "cluster-slave-validity-factor": "cluster-replica-validity-factor",
    "cluster-slave-no-failover": "cluster-replica-no-failover",
}
_SENTINEL_ALIASES: Final = {
    "known-slave": "known-replica",
    "master-reboot-down-after-period": "primary-reboot-down-after-period",
}

MULTI_WORD: Final = frozenset(
    {
        REPLICAOF,
        USER,
        "bind",
        "client-output-buffer-limit",
        "latency-tracking-info-percentiles",
        "loadmodule",
        "oom-score-adj-values",
        "rename-command",
        "save",
    }
)
"""Directives with several arguments; every other one has exactly one, spaces included."""

_SIZES: Final = frozenset(
    {
        "active-defrag-ignore-bytes",
        "auto-aof-rewrite-min-size",
        "client-output-buffer-limit",
        "client-query-buffer-limit",
        "cluster-link-sendbuf-limit",
        "hash-max-listpack-value",
        "hll-sparse-max-bytes",
        "maxmemory",
        "maxmemory-clients",
        "proto-max-bulk-len",
        "repl-backlog-size",
        "slot-migration-max-failover-repl-bytes",
        "stream-node-max-bytes",
        "zset-max-listpack-value",
    }
)
"""What CONFIG REWRITE writes with a unit, in Redis 7.0, Valkey 8.0 and 9.1."""
_UNITS: Final = {
    "": 1,
    "b": 1,
    "k": 1000,
    "kb": 1024,
    "m": 1000**2,
    "mb": 1024**2,
    "g": 1000**3,
    "gb": 1024**3,
}
_SIZE: Final = re.compile(r"(\d+)([kmg]?b?)", re.ASCII | re.IGNORECASE)

_PER_SERVICE: Final = frozenset(
    {
        "monitor",
        "down-after-milliseconds",
        "failover-timeout",
        "parallel-syncs",
        "auth-user",
        "auth-pass",
        "notification-script",
        "client-reconfig-script",
        "primary-reboot-down-after-period",
        "config-epoch",
        "leader-epoch",
    }
)
_PER_LINE: Final = frozenset({"known-replica", "known-sentinel", "rename-command"})
SERVER_OWNED: Final = frozenset(
    {
        "known-replica",
        "known-sentinel",
        "myid",
        "current-epoch",
        "config-epoch",
        "leader-epoch",
    }
)
"""``sentinel`` lines that the Sentinel writes and nobody else."""

_SENTINEL_DEFAULTS: Final = {
    "down-after-milliseconds": "30000",
    "failover-timeout": "180000",
    "parallel-syncs": "1",
    "primary-reboot-down-after-period": "0",
    "deny-scripts-reconfig": "yes",
    "resolve-hostnames": "no",
    "announce-hostnames": "no",
}


def canonical_name(name: str) -> str:
    """The current name of a directive, lower case (``slaveof`` is ``replicaof``)."""
    lower = name.lower()
    if lower in _ALIASES:
        return _ALIASES[lower]
    if lower.startswith(("min-slaves-", "slave-", "repl-slave-")):
        return lower.replace("slave", "replica", 1)
    return lower


def identity(words: Sequence[str]) -> Identity:
    """What this line sets."""
    name = canonical_name(words[0])
    if name == SENTINEL and len(words) > 1:
        option = sentinel_option(words)
        if option in _PER_SERVICE:
            return (name, option, *words[2:3])
        if option in _PER_LINE:
            return (name, option, *words[2:])
        return (name, option)
    if name == "client-output-buffer-limit":
        return (name, _client_class(words[1])) if len(words) > 1 else (name,)
    if name in {USER, "rename-command", "loadmodule"}:
        return (name, *words[1:2])
    return (name,)


def sentinel_option(words: Sequence[str]) -> str:
    """The sub-directive of a ``sentinel`` line by its current name."""
    option = words[1].lower()
    return _SENTINEL_ALIASES.get(option, option)


def _client_class(name: str) -> str:
    return "replica" if name.lower() == "slave" else name.lower()


def lines_of(name: str, value: str | Sequence[str]) -> tuple[Words, ...]:
    """The config lines of a managed directive.

    Args:
        name: the directive, or for Sentinels the words before the value
            (``sentinel down-after-milliseconds <service>``).
        value: one value, or several for one line each. A value is taken as it is, spaces
            included; only directives of several arguments (:data:`MULTI_WORD`, ``sentinel
            monitor``) are split into words.

    Raises:
        ValueError: the name is empty, or a quote in a value is not closed.
    """
    head = tuple(split(name))
    if not head:
        raise ValueError("the name of a directive is empty")
    values = [value] if isinstance(value, str) else list(value)
    several = canonical_name(head[0]) in MULTI_WORD or (
        canonical_name(head[0]) == SENTINEL and len(head) > 1 and sentinel_option(head) == "monitor"
    )
    if several:
        return tuple((*head, *(split(item) or [""])) for item in values)
    return tuple((*head, item) for item in values)


def same_lines(wanted: Iterable[Words], found: Iterable[Words]) -> bool:
    """Whether two sets of lines of one directive mean the same.

    No line found means the default, as far as it is known here: Sentinels drop what equals it.
    """
    wanted, found = list(wanted), list(found)
    if found or not wanted:
        return _meaning(wanted) == _meaning(found)
    line = wanted[-1]
    return (
        canonical_name(line[0]) == SENTINEL
        and len(line) > 1
        and _SENTINEL_DEFAULTS.get(sentinel_option(line)) == line[-1]
    )


def _meaning(lines: list[Words]) -> list[Words]:
    if not lines:
        return []
    name = canonical_name(lines[0][0])
    if name == "save":
        # One line with all pairs means the same as one line a pair.
        return [tuple(word for line in lines for word in line[1:] if word)]
    meanings = [tuple(_word_meaning(name, word) for word in line[1:]) for line in lines]
    # A single-valued directive given twice: the last one counts.
    return meanings if name in {"bind", USER} else meanings[-1:]


def _word_meaning(name: str, word: str) -> str:
    if name == SENTINEL:
        return _SENTINEL_ALIASES.get(word.lower(), _plain(word))
    if name == "client-output-buffer-limit" and word.lower() == "slave":
        return "replica"
    size = _SIZE.fullmatch(word) if name in _SIZES else None
    if size and size[2].lower() in _UNITS:
        return str(int(size[1]) * _UNITS[size[2].lower()])
    return _plain(word)


def _plain(word: str) -> str:
    return word.lower() if word.lower() in {"yes", "no"} else word
