from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.aws_windows import check_windows
from holdfast.errors import ConfigError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, WEEK = 24 * 60, 7 * 24 * 60


def clock(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def weekly(minute: int) -> str:
    return f"{DAYS[minute // DAY % 7]}:{clock(minute)}"


def test_windows_that_keep_apart_are_taken_in_lower_case() -> None:
    found = check_windows("03:00-04:00", "Sun:05:00-Sun:06:00")
    assert found == ("03:00-04:00", "sun:05:00-sun:06:00")
    # One may begin where the other ends.
    check_windows("03:00-04:00", "mon:04:00-mon:05:00")
    check_windows("23:30-00:30", "mon:00:30-mon:23:30")


@given(
    daily=st.integers(0, DAY - 1),
    daily_length=st.integers(60, 300),
    start=st.integers(0, WEEK - 1),
    length=st.integers(60, DAY),
)
def test_windows_that_share_a_minute_are_refused_and_no_others(
    daily: int, daily_length: int, start: int, length: int
) -> None:
    taken = {minute % WEEK for minute in range(start, start + length)}
    snapshots = {
        minute % WEEK
        for day in range(7)
        for minute in range(day * DAY + daily, day * DAY + daily + daily_length)
    }
    snapshot = f"{clock(daily)}-{clock(daily + daily_length)}"
    maintenance = f"{weekly(start)}-{weekly(start + length)}"
    if taken & snapshots:
        with pytest.raises(ConfigError, match=r"holdfast:maintenanceWindow: got .* no overlap"):
            check_windows(snapshot, maintenance)
    else:
        assert check_windows(snapshot, maintenance) == (snapshot, maintenance)


@pytest.mark.parametrize(
    ("snapshot", "maintenance", "blamed"),
    [
        ("3:00-4:00", "sun:05:00-sun:06:00", "snapshotWindow"),
        ("24:00-01:00", "sun:05:00-sun:06:00", "snapshotWindow"),
        ("03:00-03:59", "sun:05:00-sun:06:00", "snapshotWindow"),
        ("03:00-03:00", "sun:05:00-sun:06:00", "snapshotWindow"),
        ("03:00-04:00", "05:00-06:00", "maintenanceWindow"),
        ("03:00-04:00", "day:05:00-day:06:00", "maintenanceWindow"),
        ("03:00-04:00", "sun:05:00-sun:05:30", "maintenanceWindow"),
        ("03:00-04:00", "sun:05:00-tue:06:00", "maintenanceWindow"),
        ("03:00-04:00", "sun:05:00-sun:04:00", "maintenanceWindow"),
    ],
)
def test_what_is_no_window_is_refused_by_name(snapshot: str, maintenance: str, blamed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_windows(snapshot, maintenance)
    assert caught.value.field == f"holdfast:{blamed}"
