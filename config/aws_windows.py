"""Windows of time in the week of AWS: read, checked, and kept apart."""

from __future__ import annotations

import re
from typing import Final

from config.aws_rules import fail
from config.schema import BY_NAME

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
_SHORTEST: Final = 60
_CLOCK: Final = r"([01][0-9]|2[0-3]):([0-5][0-9])"
_DAILY: Final = re.compile(rf"{_CLOCK}-{_CLOCK}\Z")
_WEEKLY: Final = re.compile(rf"({'|'.join(_DAYS)}):{_CLOCK}-({'|'.join(_DAYS)}):{_CLOCK}\Z")


def check_windows(snapshot: str, maintenance: str) -> tuple[str, str]:
    """Both windows in lower case.

    Raises:
        ConfigError: one is none, too short or too long, or they overlap.
    """
    daily_start, daily_minutes = _daily(snapshot.lower())
    start, minutes = _weekly(maintenance.lower())
    for day in range(len(_DAYS)):
        begin = day * _DAY + daily_start
        # Around the end of the week, too: a window may begin on Sunday and end on Monday.
        for shift in (-_WEEK, 0, _WEEK):
            if begin + shift < start + minutes and start < begin + shift + daily_minutes:
                raise fail(
                    "maintenanceWindow",
                    maintenance,
                    f"no overlap with {BY_NAME['snapshotWindow'].key} {snapshot}",
                    "AWS refuses it; move one of them",
                )
    return snapshot.lower(), maintenance.lower()


def _daily(text: str) -> tuple[int, int]:
    match = _DAILY.match(text)
    if match is None:
        raise fail("snapshotWindow", text, "hh:mm-hh:mm, UTC", "set for example 03:00-04:00")
    begin, end = _minute(match[1], match[2]), _minute(match[3], match[4])
    length = (end - begin) % _DAY
    if length < _SHORTEST:
        raise fail("snapshotWindow", text, "an hour or more", "make it longer")
    return begin, length


def _weekly(text: str) -> tuple[int, int]:
    match = _WEEKLY.match(text)
    if match is None:
        raise fail(
            "maintenanceWindow",
            text,
            "ddd:hh:mm-ddd:hh:mm, UTC",
            "set for example sun:05:00-sun:06:00",
        )
    begin = _DAYS.index(match[1]) * _DAY + _minute(match[2], match[3])
    end = _DAYS.index(match[4]) * _DAY + _minute(match[5], match[6])
    length = (end - begin) % _WEEK
    if not _SHORTEST <= length <= _DAY:
        raise fail("maintenanceWindow", text, "an hour to a day", "correct its end")
    return begin, length


def _minute(hours: str, minutes: str) -> int:
    return int(hours) * 60 + int(minutes)
