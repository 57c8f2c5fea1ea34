"""``DescribeEvents``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from tests.standin.aws.emulator.elasticache.control import Control, Params, Result, page
from tests.standin.aws.emulator.elasticache.faults import conflicting
from tests.standin.aws.emulator.elasticache.state import now

_DEFAULT_MINUTES: Final = 60


def describe_events(control: Control, params: Params) -> Result:
    """Oldest first; the last hour where no time is asked for."""
    if "SourceIdentifier" in params and "SourceType" not in params:
        raise conflicting("SourceIdentifier needs SourceType.")
    end = _aware(params["EndTime"]) if "EndTime" in params else now()
    start = end - timedelta(minutes=params.get("Duration", _DEFAULT_MINUTES))
    if "StartTime" in params:
        start = _aware(params["StartTime"])
    found = [
        {
            "SourceIdentifier": event.source,
            "SourceType": event.kind,
            "Message": event.message,
            "Date": event.date,
        }
        for event in control.events
        if params.get("SourceIdentifier", event.source).lower() == event.source.lower()
        and params.get("SourceType", event.kind) == event.kind
        and start <= event.date <= end
    ]
    return page(found, params, "Events")


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
