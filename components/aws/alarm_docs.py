"""The table of alarms for ``docs/alarms.md``: ``python -m components.aws.alarm_docs``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final

from components.aws.alarm_table import Alarm, node_alarms, serverless_alarms
from holdfast.aws.nodes import find_node

_ALL_KINDS: Final = find_node("cache.t4g.small")
"""Small and burstable: it has every alarm that any node has."""

_LARGE: Final = find_node("cache.r7g.4xlarge")
_SHARES: Final = {"connections", "storage", "work"}
_MIB: Final = 1024**2


def markdown_tables() -> str:
    """The alarms of a node, and of a serverless store."""
    everywhere = {alarm.key for alarm in node_alarms(_LARGE)}
    node = [
        _row(alarm, "" if alarm.key in everywhere else f" ({_where(alarm)})")
        for alarm in node_alarms(_ALL_KINDS)
    ]
    serverless = [_row(alarm, "") for alarm in serverless_alarms(1, 1000)]
    return "\n".join(
        ["### Each node", "", *_table(node), "", "### A serverless store", "", *_table(serverless)]
    )


def _table(rows: Iterable[str]) -> list[str]:
    return ["| alarm | metric | when | what it says |", "|---|---|---|---|", *rows]


def _row(alarm: Alarm, where: str) -> str:
    needed, looked_at = alarm.points
    span = f"{alarm.period} s"
    often = f"{needed} of {looked_at} times {span}" if looked_at > 1 else f"once in {span}"
    sign = "below" if alarm.below else "above"
    return (
        f"| `{alarm.key}`{where} | {alarm.metric}, {alarm.statistic.lower()} | "
        f"{sign} {_threshold(alarm)}, {often} | {alarm.meaning} |"
    )


def _threshold(alarm: Alarm) -> str:
    if alarm.key in _SHARES:
        return "80 % of the most"
    if alarm.metric == "SwapUsage":
        return f"{alarm.threshold / _MIB:g} MiB"
    return f"{alarm.threshold:g}"


def _where(alarm: Alarm) -> str:
    return "burstable types" if alarm.key == "cpu-credits" else "types with two processors"


if __name__ == "__main__":
    sys.stdout.write(markdown_tables() + "\n")
