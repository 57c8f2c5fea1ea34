"""The alarms of a store and their topic, written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from components.aws.alarm_table import node_alarms, serverless_alarms
from holdfast.aws.nodes import find_node
from tests.unit.components.aws.exact import policies
from tests.unit.components.aws.exact.case import AWS_NAME, NAME, Case, Children, child, tagged

Row = tuple[str, str, str, int, float, int, int]
"""Key, metric, statistic, period, threshold, so many periods of so many."""

DENIALS: Final[tuple[Row, ...]] = (
    ("authentication-failures", "AuthenticationFailures", "Sum", 300, 10, 1, 1),
    ("key-denials", "KeyAuthorizationFailures", "Sum", 300, 10, 1, 1),
    ("command-denials", "CommandAuthorizationFailures", "Sum", 300, 50, 1, 1),
)
LATENCY: Final[tuple[Row, ...]] = (
    ("read-latency", "SuccessfulReadRequestLatency", "Average", 60, 5000, 3, 5),
    ("write-latency", "SuccessfulWriteRequestLatency", "Average", 60, 5000, 3, 5),
)
NODE: Final[tuple[Row, ...]] = (
    ("engine-cpu", "EngineCPUUtilization", "Maximum", 60, 90, 3, 5),
    ("memory", "DatabaseMemoryUsagePercentage", "Maximum", 60, 80, 3, 5),
    ("evictions", "Evictions", "Sum", 300, 0, 1, 1),
    ("replication-lag", "ReplicationLag", "Maximum", 60, 1, 3, 5),
    ("new-connections", "NewConnections", "Sum", 60, 1000, 2, 3),
    ("swap", "SwapUsage", "Maximum", 300, 52_428_800, 3, 3),
    ("bandwidth-in", "NetworkBandwidthInAllowanceExceeded", "Sum", 60, 0, 3, 5),
    ("bandwidth-out", "NetworkBandwidthOutAllowanceExceeded", "Sum", 60, 0, 3, 5),
    ("connection-tracking", "NetworkConntrackAllowanceExceeded", "Sum", 60, 0, 3, 5),
    ("traffic-management", "TrafficManagementActive", "Maximum", 60, 0, 3, 5),
    *LATENCY,
    *DENIALS,
)
BURSTABLE: Final[tuple[Row, ...]] = (
    ("cpu", "CPUUtilization", "Maximum", 60, 45, 3, 5),
    ("cpu-credits", "CPUCreditBalance", "Minimum", 300, 25, 3, 3),
)
SERVERLESS: Final[tuple[Row, ...]] = (
    ("throttled", "ThrottledCmds", "Sum", 60, 0, 2, 3),
    ("storage", "BytesUsedForCache", "Maximum", 60, 4_000_000_000, 3, 5),
    ("work", "ElastiCacheProcessingUnits", "Sum", 60, 480_000, 3, 5),
    ("evictions", "Evictions", "Sum", 300, 0, 1, 1),
    ("connections", "CurrConnections", "Maximum", 60, 52_000, 2, 3),
    *LATENCY,
    *DENIALS,
)
"""At 5 GB and 10,000 ECPU a second."""


def alarms(case: Case) -> Children:
    """Each alarm of each node, or of the serverless cache, and the topic."""
    made = _topic(case)
    if case.node is None:
        watched = {"clusterId": case.later(case.aws_id)}
        meanings = {alarm.key: alarm.meaning for alarm in serverless_alarms(5, 10_000)}
        return made | _rows(case, f"{NAME}-alarm", SERVERLESS, watched, meanings)
    rows = (
        *NODE,
        ("connections", "CurrConnections", "Maximum", 60, case.node.connections, 2, 3),
        *(BURSTABLE if case.node.name.startswith("cache.t") else ()),
    )
    meanings = {alarm.key: alarm.meaning for alarm in node_alarms(find_node(case.node.name))}
    for number, member in enumerate(_members(case)):
        watched = {"CacheClusterId": case.later(member), "CacheNodeId": "0001"}
        made |= _rows(case, f"{NAME}-alarm-{number}", rows, watched, meanings)
    return made


def _members(case: Case) -> Iterator[str]:
    for shard in range(1, (case.shards or 1) + 1):
        for node in range(1, case.replicas + 2):
            middle = "" if case.shards is None else f"{shard:04d}-"
            yield f"{case.aws_id}-{middle}{node:03d}"


def _rows(
    case: Case,
    name: str,
    rows: tuple[Row, ...],
    watched: Mapping[str, Any],
    meanings: Mapping[str, str],
) -> Children:
    """The sentences alone are taken from the table: docs/alarms.md shows them."""
    return {
        f"{name}-{key}": tagged(
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            alarmDescription=f"Session store {AWS_NAME}: {meanings[key]}",
            namespace="AWS/ElastiCache",
            metricName=metric,
            dimensions=watched,
            statistic=statistic,
            period=period,
            threshold=threshold,
            comparisonOperator=(
                "LessThanThreshold" if key == "cpu-credits" else "GreaterThanThreshold"
            ),
            datapointsToAlarm=needed,
            evaluationPeriods=looked_at,
            treatMissingData="notBreaching",
            alarmActions=[case.topic],
            okActions=[case.topic],
        )
        for key, metric, statistic, period, threshold, needed, looked_at in rows
    }


def _topic(case: Case) -> Children:
    if case.own_topic:
        return {}
    made = {
        f"{NAME}-alarms": tagged(
            "aws:sns/topic:Topic",
            displayName=f"Session store {AWS_NAME}",
            kmsMasterKeyId=case.key,
        ),
        f"{NAME}-alarms-policy": child(
            "aws:sns/topicPolicy:TopicPolicy",
            arn=case.topic,
            policy=case.later(policies.topic(case.topic)),
        ),
    }
    for number, address in enumerate(case.mails):
        made[f"{NAME}-alarms-mail-{number}"] = child(
            "aws:sns/topicSubscription:TopicSubscription",
            topic=case.topic,
            protocol="email",
            endpoint=address,
        )
    return made
