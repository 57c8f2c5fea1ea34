"""What is worth waking somebody for. Data: each alarm is made for each node.

Metrics, periods and most thresholds: AWS's own alarm pack for ElastiCache (agent-toolkit-for-aws)
and its Well-Architected lens. Those of credits, swap, connections and denials are the kit's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from holdfast.aws.nodes_table import NodeType

SERVERLESS_DIMENSION: Final = "clusterId"
"""What AWS publishes the metrics of a serverless cache under, with its name as the value
(cdk-monitoring-constructs 750, open-constructs/aws-cdk-library 68, grafana-aws-sdk 151). An alarm
under another name finds no data, and missing data counts as good: it would be green for ever."""

_SMALL_SIZES: Final = ("micro", "small", "medium", "large")
_MOST_CONNECTIONS: Final = 65_000
_CONNECTIONS: Final = {
    "cache.t4g.micro": 20_000,
    "cache.t4g.small": 46_000,
    "cache.t4g.medium": 46_000,
}
_SHARE: Final = 0.8
_MIB: Final = 1024**2


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm.

    Attributes:
        key: names it among the others.
        metric: of namespace AWS/ElastiCache.
        statistic: over a period.
        period: seconds.
        threshold: in the metric's unit.
        points: how many periods must be beyond it, of how many.
        meaning: what it says and what to do, for who gets it.
        below: whether less is bad.
    """

    key: str
    metric: str
    statistic: str
    period: int
    threshold: float
    points: tuple[int, int]
    meaning: str
    below: bool = False


_DENIALS: Final = (
    Alarm(
        "authentication-failures",
        "AuthenticationFailures",
        "Sum",
        300,
        10,
        (1, 1),
        "Logins are refused: a client with an old password, or somebody who guesses.",
    ),
    Alarm(
        "key-denials",
        "KeyAuthorizationFailures",
        "Sum",
        300,
        10,
        (1, 1),
        "A login reaches for keys that are not its own: a wrong key prefix, or an intruder.",
    ),
    Alarm(
        "command-denials",
        "CommandAuthorizationFailures",
        "Sum",
        300,
        50,
        (1, 1),
        "A login tries commands that its role does not have: an old rule, or an intruder.",
    ),
)
"""More than smoke provokes on purpose: 3 logins, 6 keys and 28 commands a run on a primary."""

_LATENCY: Final = tuple(
    Alarm(
        f"{kind.lower()}-latency",
        f"Successful{kind}RequestLatency",
        "Average",
        60,
        5000,
        (3, 5),
        f"{kind}s take more than 5 ms in the server: see the slow log.",
    )
    for kind in ("Read", "Write")
)

_NODE: Final = (
    Alarm(
        "engine-cpu",
        "EngineCPUUtilization",
        "Maximum",
        60,
        90,
        (3, 5),
        "The one thread that runs commands is full: more shards, or a faster node.",
    ),
    Alarm(
        "memory",
        "DatabaseMemoryUsagePercentage",
        "Maximum",
        60,
        80,
        (3, 5),
        "Memory is nearly full; at 100 sessions are evicted: a larger node, or more shards.",
    ),
    Alarm(
        "evictions",
        "Evictions",
        "Sum",
        300,
        0,
        (1, 1),
        "Sessions are evicted before their time: a larger node, or more shards.",
    ),
    Alarm(
        "replication-lag",
        "ReplicationLag",
        "Maximum",
        60,
        1,
        (3, 5),
        "A replica is behind: a failover now would lose what it lacks.",
    ),
    Alarm(
        "new-connections",
        "NewConnections",
        "Sum",
        60,
        1000,
        (2, 3),
        "Clients connect again and again: no pool, or a loop of failures.",
    ),
    Alarm(
        "swap",
        "SwapUsage",
        "Maximum",
        300,
        50 * _MIB,
        (3, 3),
        "The node swaps: raise its reserve, or its size.",
    ),
    *(
        Alarm(
            key,
            metric,
            "Sum",
            60,
            0,
            (3, 5),
            "AWS holds traffic back: the node is too small for it.",
        )
        for key, metric in (
            ("bandwidth-in", "NetworkBandwidthInAllowanceExceeded"),
            ("bandwidth-out", "NetworkBandwidthOutAllowanceExceeded"),
            ("connection-tracking", "NetworkConntrackAllowanceExceeded"),
        )
    ),
    Alarm(
        "traffic-management",
        "TrafficManagementActive",
        "Maximum",
        60,
        0,
        (3, 5),
        "AWS sheds load from the node: it is too small.",
    ),
    *_LATENCY,
    *_DENIALS,
)


def node_alarms(node: NodeType) -> tuple[Alarm, ...]:
    """The alarms of one node, by its type."""
    alarms = [*_NODE, _connections(_CONNECTIONS.get(node.name, _MOST_CONNECTIONS))]
    if node.name.rpartition(".")[2] in _SMALL_SIZES:
        alarms.append(
            Alarm(
                "cpu",
                "CPUUtilization",
                "Maximum",
                60,
                45,
                (3, 5),
                "One of the two processors is full: a larger node.",
            )
        )
    if node.family.startswith("t"):
        alarms.append(
            Alarm(
                "cpu-credits",
                "CPUCreditBalance",
                "Minimum",
                300,
                25,
                (3, 3),
                "A burstable node is about to be slowed down: choose one that is not.",
                below=True,
            )
        )
    return tuple(alarms)


def serverless_alarms(data_storage_gb: int, ecpu_per_second: int) -> tuple[Alarm, ...]:
    """The alarms of a serverless cache, by its maximums."""
    return (
        Alarm(
            "throttled",
            "ThrottledCmds",
            "Sum",
            60,
            0,
            (2, 3),
            "Commands are refused at the maximum of ECPU: raise ecpuPerSecond.",
        ),
        Alarm(
            "storage",
            "BytesUsedForCache",
            "Maximum",
            60,
            data_storage_gb * 10**9 * _SHARE,
            (3, 5),
            "Data is near its maximum, where sessions are evicted: raise dataStorageGb.",
        ),
        Alarm(
            "work",
            "ElastiCacheProcessingUnits",
            "Sum",
            60,
            ecpu_per_second * 60 * _SHARE,
            (3, 5),
            "Work is near its maximum, where commands are refused: raise ecpuPerSecond.",
        ),
        Alarm(
            "evictions",
            "Evictions",
            "Sum",
            300,
            0,
            (1, 1),
            "Sessions are evicted before their time: raise dataStorageGb.",
        ),
        _connections(_MOST_CONNECTIONS),
        *_LATENCY,
        *_DENIALS,
    )


def _connections(most: int) -> Alarm:
    return Alarm(
        "connections",
        "CurrConnections",
        "Maximum",
        60,
        most * _SHARE,
        (2, 3),
        "Connections run out: clients without a pool, or too many of them.",
    )
