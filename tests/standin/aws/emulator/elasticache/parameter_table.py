"""Parameters of the families, with their defaults and what they take. Data, and pure.

User guide, "Engine specific parameters". A line: name, default, what it takes, then marks:
``fixed`` cannot be set, ``unattached`` only while no store has the group, ``since=`` and
``before=`` a family. ``policies`` and ``events`` have rules of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

_BIG: Final = 2**63 - 1

_TABLE: Final = """
acl-pubsub-default                          allchannels   allchannels,resetchannels
acllog-max-len                              128           1-10000
active-defrag-cycle-max                     75            1-75
active-defrag-cycle-min                     5             1-75
active-defrag-ignore-bytes                  104857600     1048576-
active-defrag-max-scan-fields               1000          1-1000000
active-defrag-threshold-lower               10            1-100
active-defrag-threshold-upper               100           1-100
active-expire-effort                        1             1-10
activedefrag                                no            yes,no
activerehashing                             yes           yes,no       unattached
appendfsync                                 everysec      always,everysec,no  fixed
appendonly                                  no            yes,no       fixed
client-output-buffer-limit-normal-hard-limit    0         0-
client-output-buffer-limit-normal-soft-limit    0         0-
client-output-buffer-limit-normal-soft-seconds  0         0-
client-output-buffer-limit-pubsub-hard-limit    33554432  0-
client-output-buffer-limit-pubsub-soft-limit    8388608   0-
client-output-buffer-limit-pubsub-soft-seconds  60        0-
client-query-buffer-limit                   1073741824    1048576-1073741824
close-on-replica-write                      yes           yes,no
cluster-allow-pubsubshard-when-down         yes           yes,no
cluster-allow-reads-when-down               no            yes,no
cluster-databases                           1             1-10000      unattached since=9
cluster-enabled                             no            yes,no       unattached
cluster-require-full-coverage               no            yes,no
commandlog-execution-slower-than            10000         -1-          since=8
commandlog-large-reply-max-len              128           0-           since=8
commandlog-large-request-max-len            128           0-           since=8
commandlog-reply-larger-than                1048576       -1-          since=8
commandlog-request-larger-than              1048576       -1-          since=8
commandlog-slow-execution-max-len           128           0-           since=8
databases                                   16            1-1200000    unattached
hash-max-listpack-entries                   512           0-
hash-max-listpack-value                     64            0-
hll-sparse-max-bytes                        3000          1-16000
latency-tracking                            no            yes,no
lazyfree-lazy-eviction                      yes           yes,no       fixed before=8
lazyfree-lazy-expire                        yes           yes,no       fixed before=8
lazyfree-lazy-server-del                    yes           yes,no       fixed before=8
lazyfree-lazy-user-del                      yes           yes,no       before=8
lfu-decay-time                              1             0-
lfu-log-factor                              10            1-
list-compress-depth                         0             0-
list-max-listpack-size                      -2            -5-
lua-time-limit                              5000          5000-5000    fixed
maxclients                                  65000         1-65000      fixed
maxmemory-policy                            volatile-lru  policies
maxmemory-samples                           3             1-64
min-replicas-max-lag                        10            0-
min-replicas-to-write                       0             0-
notify-keyspace-events                      -             events
proto-max-bulk-len                          536870912     1048576-
repl-backlog-size                           1048576       16384-       before=8
repl-backlog-size                           10485760      16384-       since=8
repl-backlog-ttl                            3600          0-
repl-timeout                                60            11-60
reserved-memory                             0             0-
reserved-memory-percent                     25            0-100
set-max-intset-entries                      512           0-
set-max-listpack-entries                    128           0-
set-max-listpack-value                      64            0-
slowlog-log-slower-than                     10000         -1-
slowlog-max-len                             128           0-
stream-node-max-bytes                       4096          0-
stream-node-max-entries                     100           0-
tcp-keepalive                               300           0-
timeout                                     0             0,20-
tracking-table-max-keys                     1000000       1-100000000
zset-max-listpack-entries                   128           0-
zset-max-listpack-value                     64            0-
"""
_POLICIES: Final = frozenset(
    f"{keys}-{choice}" for keys in ("allkeys", "volatile") for choice in ("lru", "lfu", "random")
) | {"noeviction", "volatile-ttl"}
_EVENTS: Final = re.compile(r"[KEg$lshzxedtmnA]*")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a family.

    Attributes:
        name: such as ``maxmemory-policy``.
        default: of the family.
        takes: words, or ranges of numbers, with commas between; ``events`` and ``policies``.
        fixed: nobody can set it.
        unattached: it changes only while no store has the group.
    """

    name: str
    default: str
    takes: str
    fixed: bool
    unattached: bool

    @property
    def kind(self) -> str:
        """Its data type as the service calls it."""
        return "integer" if any(c.isdigit() for c in self.takes) else "string"

    def accepts(self, value: str) -> bool:
        """Whether a value may be set."""
        if self.takes == "policies":
            return value in _POLICIES
        if self.takes == "events":
            return bool(_EVENTS.fullmatch(value)) and (not value or bool(set(value) & set("KE")))
        return any(_within(value, part) for part in self.takes.split(","))


@cache
def parameters(family: str) -> dict[str, Parameter]:
    """All parameters of a family, by name."""
    major = int(family.removeprefix("valkey"))
    found = {}
    for line in _TABLE.strip().splitlines():
        name, default, takes, *marks = line.split()
        if _concerns(marks, major):
            default = "" if default == "-" else default
            found[name] = Parameter(name, default, takes, "fixed" in marks, "unattached" in marks)
    return found


def _concerns(marks: Iterable[str], major: int) -> bool:
    for mark in marks:
        kind, _, number = mark.partition("=")
        if kind == "since" and major < int(number):
            return False
        if kind == "before" and major >= int(number):
            return False
    return True


def _within(value: str, part: str) -> bool:
    bounds = re.fullmatch(r"(-?\d+)-(\d*)|(-?\d+)", part)
    if bounds is None:
        return value == part
    if not re.fullmatch(r"-?\d{1,19}", value):
        return False
    least = int(bounds[1] or bounds[3])
    most = int(bounds[2] or _BIG) if bounds[1] is not None else least
    return least <= int(value) <= most
