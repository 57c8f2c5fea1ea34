"""The four kinds of TTL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError
from holdfast.ttl import MAX_IDLE_SECONDS, Ttl, TtlKind, milliseconds


def test_defaults_are_half_an_hour_of_chat_and_six_hours_of_research() -> None:
    assert Ttl.chat() == Ttl(TtlKind.CHAT, 1_800_000)
    assert Ttl.research() == Ttl(TtlKind.RESEARCH, 21_600_000)


def test_a_task_lives_three_times_its_expected_duration() -> None:
    assert Ttl.task(expected_seconds=90.5) == Ttl(TtlKind.TASK, 271_500)


def test_a_token_has_an_expiry_and_no_idle_time() -> None:
    assert Ttl.token(expires_at_ms=1_900_000_000_000) == Ttl(TtlKind.TOKEN, 0, 1_900_000_000_000)


@given(st.floats(min_value=1e-6, max_value=MAX_IDLE_SECONDS))
def test_a_duration_is_never_rounded_to_nothing(seconds: float) -> None:
    assert 1 <= milliseconds("x", seconds) <= MAX_IDLE_SECONDS * 1000
    assert abs(milliseconds("x", seconds) - seconds * 1000) <= 1


@pytest.mark.parametrize(
    "seconds", [0, -1, float("nan"), float("inf"), MAX_IDLE_SECONDS + 1, "60", None, True]
)
def test_durations_that_make_no_sense_are_refused(seconds: float) -> None:
    for build in (Ttl.chat, Ttl.research, lambda s: Ttl.task(expected_seconds=s)):
        with pytest.raises(ConfigError, match="seconds, above 0"):
            build(seconds)


@pytest.mark.parametrize("expires_at_ms", [0, -5, 1.5e12, True, None, 1 << 60])
def test_an_expiry_is_whole_milliseconds(expires_at_ms: int) -> None:
    with pytest.raises(ConfigError, match="multiply a time in seconds by 1000"):
        Ttl.token(expires_at_ms=expires_at_ms)
