"""How many of what: the nodes of a store, and the rules that keep it able to fail over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.schema import BY_NAME
from holdfast.connection import Topology
from holdfast.errors import ConfigError

LOCAL_TOPOLOGIES: Final = (Topology.STANDALONE, Topology.SENTINEL, Topology.CLUSTER)
AWS_TOPOLOGIES: Final = (Topology.REPLICATION_GROUP, Topology.CLUSTER, Topology.SERVERLESS)
MAX_AWS_NODES: Final = 90
"""Of one replication group: AWS's quota."""

MIN_REPLICAS_MAX_LAG_SECONDS: Final = 3
_SENTINEL_COUNTS: Final = (3, 5, 7)
_MIN_QUORUM: Final = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """The nodes of one store; only the functions below make one.

    Attributes:
        topology: one of the target's.
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
            raise _foreign(topology, LOCAL_TOPOLOGIES)


def resolve_aws_shape(
    topology: Topology, *, primaries: int, replicas: int, may_fail_over: bool
) -> Shape:
    """The nodes of a store in ElastiCache.

    Args:
        topology: replication-group, cluster or serverless, which has no nodes of ours.
        primaries: shards; 1 outside topology cluster.
        replicas: of each shard.
        may_fail_over: whether the stage asks for a store that can.

    Raises:
        ConfigError: the topology is none of AWS's, a count does not fit it, or the store could
            not fail over.
    """
    if topology not in AWS_TOPOLOGIES:
        raise _foreign(topology, AWS_TOPOLOGIES)
    if topology is Topology.SERVERLESS:
        return Shape(topology, primaries=1, replicas=0, sentinels=0, quorum=0)
    if topology is Topology.REPLICATION_GROUP:
        _absent("primaries", primaries, topology, 1)
    _check_range(
        "primaries", primaries, (1, MAX_AWS_NODES), f"a store has {MAX_AWS_NODES} nodes at most"
    )
    least = 1 if may_fail_over else 0
    _check_range(
        "replicas",
        replicas,
        (least, 5),
        "without a replica nothing can take over from a primary"
        if replicas < least
        else "a shard has six nodes at most",
    )
    nodes = primaries * (1 + replicas)
    if nodes > MAX_AWS_NODES:
        raise ConfigError(
            BY_NAME["primaries"].key,
            primaries,
            f"at most {MAX_AWS_NODES} nodes, and this is {nodes}",
            f"set {MAX_AWS_NODES // (1 + replicas)}, or fewer {BY_NAME['replicas'].key}",
        )
    return Shape(topology, primaries=primaries, replicas=replicas, sentinels=0, quorum=0)


def existing_shape(topology: Topology, *, primaries: int | None) -> Shape:
    """What is known of a store that somebody else runs: its topology, and how many share it.

    Raises:
        ConfigError: primaries are said of a topology that has one, or not 1 to 90.
    """
    if topology is not Topology.CLUSTER:
        _absent("primaries", primaries, topology, 1)
    count = 1 if primaries is None else primaries
    _check_range("primaries", count, (1, MAX_AWS_NODES), "a cluster has one or more")
    return Shape(topology, primaries=count, replicas=0, sentinels=0, quorum=0)


def _foreign(topology: Topology, allowed: tuple[Topology, ...]) -> ConfigError:
    return ConfigError(
        BY_NAME["topology"].key,
        str(topology),
        f"one of {', '.join(allowed)} with this target",
        "set one of them",
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
