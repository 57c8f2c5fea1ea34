"""How many of what: the nodes of a store, and the rules that keep it able to fail over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.schema import BY_NAME
from holdfast.connection import Topology
from holdfast.errors import ConfigError

LOCAL_TOPOLOGIES: Final = (Topology.STANDALONE, Topology.SENTINEL, Topology.CLUSTER)
MIN_REPLICAS_MAX_LAG_SECONDS: Final = 3
_SENTINEL_COUNTS: Final = (3, 5, 7)
_MIN_QUORUM: Final = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """The nodes of one store; only :func:`resolve_shape` makes one.

    Attributes:
        topology: standalone, sentinel or cluster.
        primaries: servers that accept writes (1 outside a cluster).
        replicas: of each primary.
        sentinels: 0 outside topology sentinel.
        quorum: Sentinels that must agree that the primary is down; 0 without Sentinels.
    """

    topology: Topology
    primaries: int
    replicas: int
    sentinels: int
    quorum: int

    @property
    def servers(self) -> int:
        """Server processes, Sentinels not counted."""
        return self.primaries * (1 + self.replicas)

    @property
    def min_replicas_to_write(self) -> int:
        """Replicas that must be in step before a primary accepts a write.

        0 with fewer than two replicas: the loss of the only one would stop all writes.
        """
        return 1 if self.replicas >= 2 else 0  # noqa: PLR2004 - the rule is the number


def resolve_shape(
    topology: Topology,
    *,
    primaries: int | None = None,
    replicas: int | None = None,
    sentinels: int | None = None,
    quorum: int | None = None,
) -> Shape:
    """Fill in what is not set, and refuse a store that says more than it can do.

    Raises:
        ConfigError: the topology is none that this kit starts, a count does not fit it, or the
            store could not fail over.
    """
    match topology:
        case Topology.STANDALONE:
            _absent("primaries", primaries, topology, 1)
            _absent("replicas", replicas, topology, 0)
            _absent("sentinels", sentinels, topology, 0)
            _absent("quorum", quorum, topology, 0)
            return Shape(topology, primaries=1, replicas=0, sentinels=0, quorum=0)
        case Topology.SENTINEL:
            _absent("primaries", primaries, topology, 1)
            count = 3 if sentinels is None else sentinels
            _check_sentinels(count)
            copies = 2 if replicas is None else replicas
            _check_range(
                "replicas",
                copies,
                (2, 7),
                "after the first failover one replica would be left with nothing behind it",
            )
            majority = count // 2 + 1
            agreed = majority if quorum is None else quorum
            _check_range(
                "quorum",
                agreed,
                (_MIN_QUORUM, majority),
                "one Sentinel alone must not decide, and more than the majority cannot agree once "
                "the smaller half is down",
            )
            return Shape(topology, primaries=1, replicas=copies, sentinels=count, quorum=agreed)
        case Topology.CLUSTER:
            _absent("sentinels", sentinels, topology, 0)
            _absent("quorum", quorum, topology, 0)
            shards = 3 if primaries is None else primaries
            _check_range(
                "primaries", shards, (3, 16), "with fewer no majority is left to elect a new one"
            )
            copies = 1 if replicas is None else replicas
            _check_range(
                "replicas", copies, (1, 3), "without a replica a primary's slots die with it"
            )
            return Shape(topology, primaries=shards, replicas=copies, sentinels=0, quorum=0)
        case _:
            allowed = ", ".join(LOCAL_TOPOLOGIES)
            raise ConfigError(
                BY_NAME["topology"].key, str(topology), f"one of {allowed}", "set one of them"
            )


def _check_sentinels(count: int) -> None:
    if count % 2 == 0:
        raise ConfigError(
            BY_NAME["sentinels"].key,
            count,
            "an odd number: 3, 5 or 7",
            f"{count} survive the loss of no more than {max(count - 1, 1)} do, and cut in halves "
            f"neither side has a majority; set {min(max(count + 1, 3), 7)}",
        )
    if count not in _SENTINEL_COUNTS:
        raise ConfigError(
            BY_NAME["sentinels"].key,
            count,
            "an odd number: 3, 5 or 7",
            f"fewer cannot lose one and still fail over; set {3 if count < 3 else 7}",  # noqa: PLR2004 - the bounds of the rule
        )


def _check_range(name: str, value: int, allowed: tuple[int, int], reason: str) -> None:
    low, high = allowed
    if not low <= value <= high:
        rule = f"{low}" if low == high else f"{low} to {high}"
        raise ConfigError(
            BY_NAME[name].key, value, rule, f"{reason}; set {min(max(value, low), high)}"
        )


def _absent(name: str, value: int | None, topology: Topology, only: int) -> None:
    if value is not None and value != only:
        raise ConfigError(
            BY_NAME[name].key,
            value,
            f"{only} with topology {topology}",
            f"remove it, or choose a topology that has {name}",
        )
