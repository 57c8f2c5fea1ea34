"""Maintenance and snapshot windows. Pure."""

from __future__ import annotations

import re
from typing import Final

from tests.standin.aws.emulator.elasticache.faults import conflicting, invalid

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME: Final = r"([01]\d|2[0-3]):([0-5]\d)"
_MAINTENANCE: Final = re.compile(rf"({'|'.join(_DAYS)}):{_TIME}-({'|'.join(_DAYS)}):{_TIME}")
_SNAPSHOT: Final = re.compile(rf"{_TIME}-{_TIME}")
_DAY_MINUTES: Final = 24 * 60
_WEEK_MINUTES: Final = 7 * _DAY_MINUTES
_SHORTEST_MINUTES: Final = 60


def check_maintenance(text: str) -> str:
    """A weekly window of an hour or more, lower-cased: ``sun:05:00-sun:06:00``."""
    window = text.lower()
    _length(_weekly(window), text)
    return window


def check_snapshot(text: str) -> str:
    """A daily window of an hour or more: ``03:00-04:00``."""
    _length(_daily(text), text)
    return text


def check_apart(maintenance: str, snapshot: str) -> None:
    """Refuse windows that overlap."""
    start, length = _weekly(maintenance)
    first, daily = _daily(snapshot)
    for day in range(-1, 8):
        begin = day * _DAY_MINUTES + first
        if begin < start + length and start < begin + daily:
            message = (
                f"The snapshot window {snapshot} overlaps the maintenance window {maintenance}."
            )
            raise conflicting(message)


def _weekly(text: str) -> tuple[int, int]:
    found = _MAINTENANCE.fullmatch(text)
    if found is None:
        raise invalid(f"A maintenance window reads sun:05:00-sun:06:00: {text!r}.")
    start = _minute(found[2], found[3], _DAYS.index(found[1]))
    end = _minute(found[5], found[6], _DAYS.index(found[4]))
    return start, (end - start) % _WEEK_MINUTES


def _daily(text: str) -> tuple[int, int]:
    found = _SNAPSHOT.fullmatch(text)
    if found is None:
        raise invalid(f"A snapshot window reads 03:00-04:00: {text!r}.")
    start = _minute(found[1], found[2])
    return start, (_minute(found[3], found[4]) - start) % _DAY_MINUTES


def _minute(hour: str, minute: str, day: int = 0) -> int:
    return day * _DAY_MINUTES + int(hour) * 60 + int(minute)


def _length(window: tuple[int, int], text: str) -> None:
    if window[1] < _SHORTEST_MINUTES:
        raise invalid(f"A window takes {_SHORTEST_MINUTES} minutes or more: {text!r}.")
