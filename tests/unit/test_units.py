from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.units import format_bytes, parse_bytes


@given(st.integers(0, 10**18 - 1))
def test_an_amount_survives_being_written_and_read(amount: int) -> None:
    assert parse_bytes(format_bytes(amount)) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [("256mb", 268_435_456), ("1GB", 2**30), ("5k", 5000), ("5kb", 5120), ("7", 7), ("0", 0)],
)
def test_units_mean_what_the_server_takes_them_for(text: str, amount: int) -> None:
    assert parse_bytes(text) == amount


@pytest.mark.parametrize("text", ["", "mb", "-1", "1.5gb", "256 mb", "1tb", "٣mb", "1e9", "9" * 19])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert parse_bytes(text) is None
