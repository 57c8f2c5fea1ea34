"""How large a store has to be: from sessions and their size to memory, disk and shards.

Pure arithmetic over :mod:`holdfast.footprint`; ``scripts/size.py`` and the settings use it.

Cluster is due where one primary cannot do it alone, by either of two measurements of the kit's
turn (one core, TLS; docs/sizing.md names the figures and their source):

- a full copy to a replica, which moves about 130 MB/s, would take longer than a minute;
- turns and loads would keep the server's one thread busy more than half of the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final

from holdfast.errors import ConfigError
from holdfast.footprint import Footprint, history_keys, index_share, session_hash, tool_hash
from holdfast.keys import DEFAULT_BUCKETS, History, crc16, validate_buckets

MIB: Final = 1024**2
DEFAULT_HEADROOM: Final = 3.0
"""Of maxmemory over the expected data: peaks, growth, and expired keys not yet swept."""

MAXMEMORY_SHARE_OF_LIMIT: Final = 0.6
"""Of a pod's limit: an append-only file that is rewritten copies what changes meanwhile."""

REPLICA_BUFFER_BYTES: Final = 256 * MIB
SERVER_BASE_BYTES: Final = 64 * MIB
"""Beside maxmemory: the process itself, fragmentation, buffers that do not count."""

SERVER_OWN_BYTES: Final = 2 * MIB
"""Of maxmemory: what a server without data counts, 1.3 MB, and its connections."""

MIN_MAXMEMORY_BYTES: Final = 16 * MIB
BACKLOG_BYTES: Final = 64 * MIB
"""Of a store large enough for it."""

BACKLOG_SHARE: Final = 1 / 8
"""Of maxmemory at most: the server counts its backlog against maxmemory, as if it were data."""

DISK_FACTOR: Final = 3
"""Base file, increments, and the rewrite beside them."""

SNAPSHOT_BYTES_PER_SECOND: Final = 130_000_000
MAX_FULL_COPY_SECONDS: Final = 60
TURN_CPU_MICROSECONDS: Final = 26
LOAD_CPU_MICROSECONDS: Final = 40
MAX_BUSY_SHARE: Final = 0.5
MIN_CLUSTER_PRIMARIES: Final = 3
MAX_CLUSTER_PRIMARIES: Final = 16
TURN_OVERHEAD_BYTES: Final = 1400
"""Of replication a turn beside its messages: the window of turn ids, expiries, the index."""

_SLOTS: Final = 16384
_BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "sessions": (1, 10**9),
    "messages": (0, 10_000),
    "message_bytes": (1, 512 * MIB),
    "tool_calls": (0, 128),
    "tool_call_bytes": (0, 512 * MIB),
    "metadata_fields": (0, 1000),
    "metadata_field_bytes": (1, 512 * MIB),
    "sessions_per_user": (0, 1000),
    "prefix_bytes": (2, 126),
    "turns_per_second": (0, 10**7),
    "messages_per_turn": (1, 1000),
    "headroom": (1, 100),
    "replicas": (0, 7),
}


@dataclass(frozen=True, slots=True)
class Workload:
    """What the store is for. The defaults are a chat of 50 messages with a few tool calls.

    Attributes:
        sessions: alive at once, those in their grace included.
        messages: kept a session (``history_limit``).
        message_bytes: of one message as JSON.
        tool_calls: kept a session, 128 at most.
        tool_call_bytes: name, arguments and result of one call.
        metadata_fields: a session.
        metadata_field_bytes: name and value of one field.
        history: list, or timeline, which takes more.
        sessions_per_user: 0 for sessions without a user. They share the index, so that more
            sessions a user need less each.
        prefix_bytes: of the application's and the tenant's name together.
        turns_per_second: of the whole store at its peak; each is one write and one load.
        messages_per_turn: written by one turn.
        headroom: maxmemory over expected data.
        replicas: of each primary.
        buckets: of the store (``holdfast:buckets``).

    Raises:
        ConfigError: a value is out of its range.
    """

    sessions: int
    messages: int = 50
    message_bytes: int = 500
    tool_calls: int = 4
    tool_call_bytes: int = 400
    metadata_fields: int = 4
    metadata_field_bytes: int = 50
    history: History = History.LIST
    sessions_per_user: int = 1
    prefix_bytes: int = 16
    turns_per_second: float = 0.0
    messages_per_turn: int = 2
    headroom: float = DEFAULT_HEADROOM
    replicas: int = 2
    buckets: int = DEFAULT_BUCKETS

    def __post_init__(self) -> None:
        """Check every range."""
        whole = {field.name for field in fields(self) if field.type == "int"}
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            is_number = isinstance(value, int if name in whole else int | float)
            if not is_number or isinstance(value, bool) or not low <= value <= high:
                kind = "a whole number" if name in whole else "a number"
                raise ConfigError(name, value, f"{kind} from {low:g} to {high:g}", "correct it")
        object.__setattr__(self, "history", _history(self.history))
        validate_buckets(self.buckets)


@dataclass(frozen=True, slots=True)
class Sizing:
    """What a workload needs.

    Attributes:
        footprint: one session, by key.
        dataset_bytes: all sessions, without headroom.
        primaries: 1, or the shards of a cluster.
        cluster_reasons: why one primary is not enough; empty where it is.
        maxmemory_bytes: of each server, whole MiB.
        backlog_bytes: of the replication backlog of each server, part of its maxmemory.
        backlog_seconds: of writes at the peak that it holds; None where the rate is 0.
        memory_limit_bytes: of each server's pod, whole MiB.
        disk_bytes: of each server's volume, whole MiB.
        servers: primaries and replicas.
    """

    footprint: Footprint
    dataset_bytes: int
    primaries: int
    cluster_reasons: tuple[str, ...]
    maxmemory_bytes: int
    backlog_bytes: int
    backlog_seconds: float | None
    memory_limit_bytes: int
    disk_bytes: int
    servers: int

    @property
    def session_bytes(self) -> int:
        """Of one session."""
        return self.footprint.total_bytes

    @property
    def cluster_due(self) -> bool:
        """Whether one primary is not enough."""
        return bool(self.cluster_reasons)


def measure(workload: Workload) -> Footprint:
    """Bytes of one session of this workload."""
    return Footprint(
        session_bytes=session_hash(
            prefix_bytes=workload.prefix_bytes,
            fields=workload.metadata_fields,
            field_bytes=workload.metadata_field_bytes,
        ),
        history_bytes=history_keys(
            prefix_bytes=workload.prefix_bytes,
            history=workload.history,
            messages=workload.messages,
            message_bytes=workload.message_bytes,
        ),
        tools_bytes=tool_hash(
            prefix_bytes=workload.prefix_bytes,
            calls=workload.tool_calls,
            call_bytes=workload.tool_call_bytes,
        ),
        index_bytes=index_share(
            prefix_bytes=workload.prefix_bytes, sessions_per_user=workload.sessions_per_user
        ),
    )


def size(workload: Workload) -> Sizing:
    """What a workload needs.

    Raises:
        ConfigError: more than the largest cluster that the kit builds can hold.
    """
    footprint = measure(workload)
    dataset = workload.sessions * footprint.total_bytes
    by_size = dataset / (SNAPSHOT_BYTES_PER_SECOND * MAX_FULL_COPY_SECONDS)
    by_rate = (
        workload.turns_per_second
        * (TURN_CPU_MICROSECONDS + LOAD_CPU_MICROSECONDS)
        / (MAX_BUSY_SHARE * 1e6)
    )
    reasons = _cluster_reasons(dataset, by_size, workload.turns_per_second, by_rate)
    primaries = _primaries(max(by_size, by_rate), workload) if reasons else 1
    share = fullest_share(primaries, workload.buckets)
    maxmemory = max(MIN_MAXMEMORY_BYTES, _holding(dataset * share * workload.headroom))
    backlog = backlog_bytes(maxmemory)
    return Sizing(
        footprint=footprint,
        dataset_bytes=dataset,
        primaries=primaries,
        cluster_reasons=reasons,
        maxmemory_bytes=maxmemory,
        backlog_bytes=backlog,
        backlog_seconds=_backlog_seconds(workload, share, backlog),
        memory_limit_bytes=memory_limit_bytes(maxmemory),
        disk_bytes=DISK_FACTOR * maxmemory,
        servers=primaries * (1 + workload.replicas),
    )


def backlog_bytes(maxmemory_bytes: int) -> int:
    """Replication backlog of a server, whole MiB: every target gives it this much."""
    share = math.floor(maxmemory_bytes * BACKLOG_SHARE / MIB) * MIB
    return min(BACKLOG_BYTES, max(MIB, share))


def data_bytes(maxmemory_bytes: int) -> int:
    """What a server holds of data before it evicts.

    The backlog counts in a server without replicas too, which keeps none: it may get some.
    """
    return maxmemory_bytes - backlog_bytes(maxmemory_bytes) - SERVER_OWN_BYTES


def least_memory_bytes(maxmemory_bytes: int) -> int:
    """What a server takes at its fullest: maxmemory, the server, and what its replicas lag behind.

    The backlog is part of maxmemory; a replica's output buffer beyond it is not.
    """
    return maxmemory_bytes + REPLICA_BUFFER_BYTES + SERVER_BASE_BYTES


def memory_limit_bytes(maxmemory_bytes: int) -> int:
    """The limit of a server's pod, whole MiB, with room for a rewrite of its file."""
    share = maxmemory_bytes / MAXMEMORY_SHARE_OF_LIMIT
    return _whole_mib(max(share, least_memory_bytes(maxmemory_bytes)))


@lru_cache(maxsize=256)
def fullest_share(primaries: int, buckets: int) -> float:
    """The part of all sessions that the fullest of the primaries holds.

    A bucket is one slot, so few buckets spread unevenly: 3 primaries share 64 buckets 24 : 20 : 20.
    """
    held = [0] * primaries
    for number in range(buckets):
        slot = crc16(f"b{number:02d}".encode()) % _SLOTS
        held[slot * primaries // _SLOTS] += 1
    return max(held) / buckets


def capacity_sessions(
    maxmemory_bytes: int, *, session_bytes: int, primaries: int, buckets: int, headroom: float = 1.0
) -> int:
    """How many sessions fit before servers evict.

    Args:
        maxmemory_bytes: of each server.
        session_bytes: of one session.
        primaries: 1 outside a cluster.
        buckets: of the store.
        headroom: what to leave free; 1 fills it to the brim.
    """
    share = fullest_share(primaries, buckets)
    return int(data_bytes(maxmemory_bytes) / (session_bytes * share * headroom))


def enough_maxmemory_bytes(
    sessions: int, *, session_bytes: int, primaries: int, buckets: int, headroom: float
) -> int:
    """The ``maxmemory`` that holds so many sessions with headroom, whole MiB."""
    return _holding(sessions * session_bytes * fullest_share(primaries, buckets) * headroom)


def _holding(data: float) -> int:
    """The ``maxmemory`` whose :func:`data_bytes` are so many, whole MiB."""
    beside = data + SERVER_OWN_BYTES
    return _whole_mib(min(beside + BACKLOG_BYTES, beside / (1 - BACKLOG_SHARE)))


def _cluster_reasons(
    dataset_bytes: int, by_size: float, turns_per_second: float, by_rate: float
) -> tuple[str, ...]:
    reasons = []
    if by_size > 1:
        reasons.append(
            f"a full copy of {dataset_bytes / 1e9:.1f} GB to a replica takes "
            f"{dataset_bytes / SNAPSHOT_BYTES_PER_SECOND:.0f} s, more than {MAX_FULL_COPY_SECONDS}"
        )
    if by_rate > 1:
        reasons.append(
            f"{turns_per_second:g} turns and loads a second keep one primary busy "
            f"{by_rate * MAX_BUSY_SHARE:.0%} of the time, more than {MAX_BUSY_SHARE:.0%}"
        )
    return tuple(reasons)


def _primaries(needed: float, workload: Workload) -> int:
    for primaries in range(MIN_CLUSTER_PRIMARIES, MAX_CLUSTER_PRIMARIES + 1):
        if needed * fullest_share(primaries, workload.buckets) <= 1:
            return primaries
    raise ConfigError(
        "sessions",
        workload.sessions,
        f"what {MAX_CLUSTER_PRIMARIES} primaries with {workload.buckets} buckets carry (this is "
        f"{needed:.1f} times what one does)",
        "divide the sessions over several stores, or create the store with more buckets",
    )


def _backlog_seconds(workload: Workload, share: float, backlog: int) -> float | None:
    turn = workload.messages_per_turn * workload.message_bytes + TURN_OVERHEAD_BYTES
    written = workload.turns_per_second * share * turn
    return backlog / written if written else None


def _whole_mib(amount: float) -> int:
    return math.ceil(amount / MIB) * MIB


def _history(value: str) -> History:
    try:
        return History(value)
    except ValueError:
        raise ConfigError("history", value, "list or timeline", "choose one of them") from None
