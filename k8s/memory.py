"""Whether a pod's memory and volume hold what ``maxmemory`` allows a server to keep."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from holdfast.errors import ConfigError
from holdfast.sizing import (
    DISK_FACTOR,
    MIB,
    least_memory_bytes,
    memory_limit_bytes,
)

AGENT_MEMORY_BYTES: Final = 32 * MIB
SENTINEL_MEMORY_BYTES: Final = 64 * MIB
SENTINEL_DISK_BYTES: Final = 1024 * MIB

_QUANTITY: Final = re.compile(
    r"([0-9]+(?:\.[0-9]*)?(?:[eE][0-9]{1,2})?)((?:[KMGTPE]i|[kMGTPE])?)\Z"
)
_UNITS: Final[Mapping[str, int]] = {
    "": 1,
    **{unit: 1000 ** (power + 1) for power, unit in enumerate("kMGTPE")},
    **{f"{unit}i": 1024 ** (power + 1) for power, unit in enumerate("KMGTPE")},
}


@dataclass(frozen=True, slots=True)
class ServerMemory:
    """Memory and disk of one server; only :func:`plan_memory` makes one.

    Attributes:
        maxmemory_bytes: for data.
        limit_bytes: of the server's container, requested in full.
        disk_bytes: of its volume.
    """

    maxmemory_bytes: int
    limit_bytes: int
    disk_bytes: int


def plan_memory(
    maxmemory_bytes: int,
    *,
    limit_bytes: int | None = None,
    disk_bytes: int | None = None,
) -> ServerMemory:
    """Fill in what is not given, and refuse a pod that would be killed or a volume that fills.

    Args:
        maxmemory_bytes: for data.
        limit_bytes: of the container; None for what the sizing says.
        disk_bytes: of the volume; None for three times maxmemory.

    Raises:
        ConfigError: the limit or the volume is too small.
    """
    least = least_memory_bytes(maxmemory_bytes)
    limit = memory_limit_bytes(maxmemory_bytes) if limit_bytes is None else limit_bytes
    if limit < least:
        raise ConfigError(
            "memory_limit",
            quantity(limit),
            f"at least {quantity(least)}: maxmemory, 256Mi for what a replica lags behind, "
            "and 64Mi for the server",
            f"raise it to {quantity(memory_limit_bytes(maxmemory_bytes))}, or lower maxmemory",
        )
    smallest = DISK_FACTOR * maxmemory_bytes
    disk = smallest if disk_bytes is None else disk_bytes
    if disk < smallest:
        raise ConfigError(
            "storage",
            quantity(disk),
            f"at least {quantity(smallest)}: three times maxmemory, for the append-only file and "
            "its rewrite beside it",
            "raise it, or lower maxmemory",
        )
    return ServerMemory(maxmemory_bytes, limit, disk)


def parse_quantity(text: str) -> int:
    """Bytes of what Kubernetes writes: ``768Mi``, ``1.5Gi``, ``10G``, ``1e9``.

    Raises:
        ValueError: it is none of that.
    """
    match = _QUANTITY.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no quantity")
    return math.ceil(float(match[1]) * _UNITS[match[2]])


def quantity(amount: int) -> str:
    """Bytes as Kubernetes writes them: 268435456 is ``256Mi``."""
    for unit, factor in (("Gi", 1024**3), ("Mi", MIB), ("Ki", 1024)):
        if amount % factor == 0:
            return f"{amount // factor}{unit}"
    return str(amount)
