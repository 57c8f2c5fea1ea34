"""Records of runs: what is kept, and read again as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError
from holdfast.verify.record import (
    Kind,
    Record,
    Spread,
    append_records,
    read_records,
    record,
    spread,
    spreads,
)
from tests.unit.verify.fakes import SECRET, connection

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def made(*held: bool) -> Record:
    return record(
        connection(),
        Kind.DRILL,
        "kill-primary",
        [(ok, {"resumed_after_seconds": 6.0 + n, "lost": 0}) for n, ok in enumerate(held)],
        where="a laptop",
        down_after_seconds=5,
        writers=8,
        now=NOON,
    )


def test_a_record_says_what_ran_where_and_what_came_out() -> None:
    found = made(True, True, True)
    assert (found.name, found.target, found.engine_version) == ("kill-primary", "local", "9.1.2")
    assert (found.date, found.where) == ("2026-11-24T12:00:00Z", "a laptop")
    assert found.figures["resumed_after_seconds"] == Spread(7.0, 6.0, 8.0)
    assert found.ok


def test_one_run_that_does_not_hold_spoils_all() -> None:
    assert (made(True, False).held, made(True, False).ok) == (1, False)
    assert not made().ok


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    append_records(file, [made(True)])
    append_records(file, [made(False), made(True, True)])
    assert read_records(file) == (made(True), made(False), made(True, True))


def test_a_record_holds_neither_a_secret_nor_an_address() -> None:
    text = made(True).to_json()
    assert SECRET not in text
    assert "127.0.0.1" not in text
    assert "\n" not in text


@pytest.mark.parametrize("line", ["{", "[]", '{"kind": "drill"}', '{"kind": "dance"}'])
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text(made(True).to_json() + "\n" + line + "\n")
    with pytest.raises(ConfigError, match=r"runs\.jsonl, line 2"):
        read_records(file)


def test_a_file_that_cannot_be_written_is_an_error_of_the_argument(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--record"):
        append_records(tmp_path / "no" / "runs.jsonl", [made(True)])
    with pytest.raises(ConfigError, match="can be read"):
        read_records(tmp_path / "none.jsonl")


def test_a_figure_that_some_runs_lack_is_taken_from_the_others() -> None:
    assert spreads([{"a": 1.0, "b": None}, {"a": None, "b": None}]) == {"a": Spread(1, 1, 1)}


@given(st.lists(st.integers(-1000, 1000), min_size=1))
def test_the_median_lies_between_the_least_and_the_most(values: list[int]) -> None:
    found = spread(values)
    assert min(values) == found.min <= found.median <= found.max == max(values)
