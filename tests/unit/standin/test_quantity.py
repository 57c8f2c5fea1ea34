from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.standin.kubernetes.quantity import canonical


@pytest.mark.parametrize(
    ("given_text", "stored"),
    [
        ("1024Mi", "1Gi"),
        ("1536Mi", "1536Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("250m", "250m"),
        ("1000M", "1G"),
        ("1", "1"),
        ("0", "0"),
        ("0Gi", "0"),
        ("100000", "100k"),
        ("no quantity", "no quantity"),
        ("1 Gi", "1 Gi"),
    ],
)
def test_quantities_are_written_as_the_server_writes_them(given_text: str, stored: str) -> None:
    assert canonical(given_text) == stored


@given(st.integers(1, 10**6), st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi"]))
def test_what_is_canonical_stays_as_it_is(number: int, suffix: str) -> None:
    once = canonical(f"{number}{suffix}")
    assert canonical(once) == once
