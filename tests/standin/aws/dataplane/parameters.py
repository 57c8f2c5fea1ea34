"""Values of a parameter group as configuration of a real server. Pure.

Most have the name and meaning of a directive. What a server cannot be told is kept with the reason,
so that nobody takes it for tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_AT_START: Final = frozenset({"databases", "cluster-databases", "acl-pubsub-default"})
"""Fixed once the server runs, or read before the users are."""

_BUFFER: Final = "client-output-buffer-limit-"
_BUFFER_PARTS: Final = ("hard-limit", "soft-limit", "soft-seconds")
_NO_REASON: Final = "no directive of this name"

NOT_OURS: Final = MappingProxyType(
    {
        "cluster-enabled": "the group's cluster mode decides",
        "reserved-memory": "in maxmemory",
        "reserved-memory-percent": "in maxmemory",
        "maxmemory": "the node type decides",
        "maxclients": "the node type decides; this machine's limit of open files holds",
        "appendonly": "ElastiCache has no AOF",
        "appendfsync": "ElastiCache has no AOF",
        "close-on-replica-write": "AWS's own: a replica here answers READONLY and keeps the client",
    }
)
"""What the plane answers for itself, or what only AWS's own build does."""

_DEFAULT_RESERVE_PERCENT: Final = 25.0


@dataclass(frozen=True)
class Settings:
    """How a server is configured.

    Attributes:
        at_start: directives of its configuration file.
        live: directives that are set while it runs.
        not_applied: names of parameters, and why a server here does not have them.
    """

    at_start: Mapping[str, str]
    live: Mapping[str, str]
    not_applied: Mapping[str, str]


def settings_for(parameters: Mapping[str, str], *, maxmemory_bytes: int) -> Settings:
    """Split the values of a parameter group.

    Args:
        parameters: by name, defaults of the family included or not.
        maxmemory_bytes: of the node type; what is reserved goes off it.
    """
    at_start: dict[str, str] = {}
    live: dict[str, str] = {"maxmemory": str(usable_bytes(parameters, maxmemory_bytes))}
    not_applied: dict[str, str] = {}
    for name, value in sorted(parameters.items()):
        if name in NOT_OURS:
            not_applied[name] = NOT_OURS[name]
        elif name in _AT_START:
            at_start[name] = value
        elif not name.startswith(_BUFFER):
            live[name] = value
    live.update(_buffer_limits(parameters))
    return Settings(at_start, live, not_applied)


def usable_bytes(parameters: Mapping[str, str], maxmemory_bytes: int) -> int:
    """``maxmemory`` as ElastiCache sets it: without the reserve."""
    reserved = parameters.get("reserved-memory")
    if reserved is not None and reserved.isdigit() and int(reserved):
        return maxmemory_bytes - int(reserved)
    percent = float(parameters.get("reserved-memory-percent", _DEFAULT_RESERVE_PERCENT))
    return int(maxmemory_bytes * (1 - percent / 100))


def _buffer_limits(parameters: Mapping[str, str]) -> dict[str, str]:
    """AWS has a parameter for each of the three words; a server takes them together."""
    limits = []
    for kind in ("normal", "replica", "pubsub"):
        words = [parameters.get(f"{_BUFFER}{kind}-{part}") for part in _BUFFER_PARTS]
        if None not in words:
            limits.append(" ".join([kind, *(word for word in words if word is not None)]))
    return {"client-output-buffer-limit": " ".join(limits)} if limits else {}


def refusal_reason(error: str) -> str:
    """Why a running server did not take a directive, without the text around it."""
    if "Unknown option" in error:
        return _NO_REASON
    return error.rpartition(") - ")[2]
