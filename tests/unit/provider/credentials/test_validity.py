from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from provider.credentials.validity import from_text, renewal_due, to_text

_START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
_MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1),
    max_value=datetime(2120, 1, 1),
    timezones=st.just(UTC),
)


@given(_MOMENTS)
def test_times_survive_as_text_to_the_second(moment: datetime) -> None:
    assert from_text(to_text(moment)) == moment.replace(microsecond=0)


@given(days=st.integers(1, 4000), seconds=st.integers(0, 400_000_000))
def test_renewal_is_due_exactly_when_less_than_a_third_is_left(days: int, seconds: int) -> None:
    end, now = _START + timedelta(days=days), _START + timedelta(seconds=seconds)
    left = (end - now).total_seconds()
    assert renewal_due(_START, end, now) == (left < days * 86_400 / 3)


def test_a_third_left_is_not_yet_due() -> None:
    end = _START + timedelta(days=90)
    assert not renewal_due(_START, end, _START + timedelta(days=60))
    assert renewal_due(_START, end, _START + timedelta(days=60, seconds=1))
    assert renewal_due(_START, end, end + timedelta(days=1))
