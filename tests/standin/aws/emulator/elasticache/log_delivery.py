"""Delivery of slow and engine logs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tests.standin.aws.emulator.elasticache import names, network
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result
from tests.standin.aws.emulator.elasticache.faults import conflicting, invalid

_TYPES: Final = ("slow-log", "engine-log")
_DETAILS: Final = "DestinationDetails"


def configured(
    control: Control, before: Iterable[Result], asked: Iterable[Params]
) -> list[dict[str, Any]]:
    """What is delivered after a request: one destination a kind of log, ``Enabled`` false ends it.

    Raises:
        Fault: a kind twice, a format or a log group that is not there.
    """
    found = {item["LogType"]: dict(item) for item in before}
    seen: set[str] = set()
    for item in asked:
        kind = names.one_of("LogType", item.get("LogType", ""), _TYPES)
        if kind in seen:
            raise conflicting(f"LogDeliveryConfigurations has {kind} twice.")
        seen.add(kind)
        if item.get("Enabled") is False:
            found.pop(kind, None)
            continue
        names.one_of("LogFormat", item.get("LogFormat", ""), ("text", "json"))
        if item.get("DestinationType") != "cloudwatch-logs":
            raise invalid("DestinationType must be cloudwatch-logs: the emulator has no other.")
        details = item.get(_DETAILS, {}).get("CloudWatchLogsDetails", {})
        name = network.check_log_group(control, details.get("LogGroup", ""))
        found[kind] = {
            "LogType": kind,
            "DestinationType": "cloudwatch-logs",
            _DETAILS: {"CloudWatchLogsDetails": {"LogGroup": name}},
            "LogFormat": item["LogFormat"],
        }
    return [found[kind] for kind in _TYPES if kind in found]


def show(logs: Iterable[Result]) -> list[Result]:
    """As describe shows them."""
    return [{**item, "Status": "active", "Message": ""} for item in logs]
