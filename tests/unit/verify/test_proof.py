"""The tables of docs/proof.md: they claim what was run, and name what is there."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.verify.drills.catalogue import DRILLS
from holdfast.verify.proof.__main__ import main
from holdfast.verify.proof.failures import FAILURES, Failure
from holdfast.verify.proof.page import NOT_COVERED, NOT_SHOWN, page
from holdfast.verify.proof.promises import PROMISES
from holdfast.verify.record import Kind, Record, Spread, append_records
from holdfast.verify.result import ExitCode

PROJECT = Path(__file__).resolve().parents[3]
KNOWN = {drill.name for drill in DRILLS}
RECORD = Record(
    kind=Kind.DRILL,
    name="lost-replies",
    target="local",
    topology="sentinel",
    engine="valkey",
    engine_version="9.1.2",
    where="",
    date="2026-11-24T12:00:00Z",
    down_after_seconds=5,
    writers=8,
    runs=5,
    held=5,
    figures={"resumed_after_seconds": Spread(6.1, 5.9, 6.4), "duplicates": Spread(0, 0, 0)},
    kit="0.1.0",
)


def rows(*records: Record, of: str = "`lost-replies` | local") -> Sequence[str]:
    return [line for line in page(records).splitlines() if f"| drill {of}" in line]


def named_tests() -> list[str]:
    of_promises = [test for promise in PROMISES for test in promise.tests]
    return sorted({*of_promises, *(test for failure in FAILURES for test in failure.tests)})


@pytest.mark.parametrize("node", named_tests())
def test_every_named_test_is_there(node: str) -> None:
    file, _, name = node.partition("::")
    tree = ast.parse((PROJECT / file).read_text())
    functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    functions |= {n.name for n in tree.body if isinstance(n, ast.AsyncFunctionDef)}
    assert functions
    assert not name or name in functions


def test_every_drill_shows_a_promise_and_no_other_is_named() -> None:
    named = {run.name for p in PROMISES for run in p.runs if run.kind is Kind.DRILL}
    assert named == KNOWN


def test_every_way_to_fail_has_its_row_and_says_what_covers_it() -> None:
    assert [failure.number for failure in FAILURES] == list(range(1, 28))
    assert {name for failure in FAILURES for name in failure.drills} <= KNOWN


def test_a_promise_without_a_run_is_shown_as_such() -> None:
    (row,) = rows()
    assert NOT_SHOWN in row


def test_a_run_that_held_is_shown_with_its_date_and_figures() -> None:
    (row,) = rows(RECORD)
    assert "| valkey 9.1.2 | 2026-11-24 | 5 of 5 |" in row
    assert "resumed after 6.1 s (5.9 to 6.4), duplicates 0" in row
    assert NOT_SHOWN not in row


def test_the_newest_run_counts_though_an_older_one_was_better() -> None:
    (row,) = rows(RECORD, replace(RECORD, held=4))
    assert f"{NOT_SHOWN}: 4 of 5" in row


def test_each_version_and_each_target_has_its_own_row() -> None:
    older = replace(RECORD, engine_version="8.0.1")
    assert ["8.0.1" in row for row in rows(older, RECORD)] == [False, True]
    elsewhere = replace(RECORD, target="kubernetes", where="a test cluster")
    (row,) = rows(elsewhere, of="`lost-replies` | kubernetes: a test cluster")
    assert "5 of 5" in row
    assert NOT_SHOWN in rows(elsewhere)[0]


def test_each_shape_of_a_store_on_aws_has_its_own_row() -> None:
    group = replace(RECORD, target="aws", topology="replication-group")
    cluster = replace(group, topology="cluster", held=4)
    assert [NOT_SHOWN in row for row in rows(group, cluster, of="`lost-replies` | aws")] == [
        False,
        True,
    ]
    assert "aws, cluster" in page([cluster])


def test_no_time_of_an_emulation_is_shown_and_it_covers_no_way_to_fail() -> None:
    emulated = replace(
        RECORD,
        name="planned-failover",
        target="aws",
        topology="replication-group",
        where="Valkey 9.1.2 for 9.1; emulation: a test",
    )
    (row,) = rows(emulated, of="`planned-failover` | aws, replication-group: Valkey")
    assert "| 5 of 5 | duplicates 0 |" in row
    assert f"`planned-failover` ({NOT_SHOWN})" in page([emulated])


def test_a_drill_that_failed_covers_no_way_to_fail() -> None:
    alone = replace(RECORD, name="primary-alone")
    assert "`primary-alone` (local)" in page([alone])
    assert f"`primary-alone` ({NOT_SHOWN})" in page([replace(alone, held=0)])


def test_a_way_to_fail_that_nothing_covers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.verify.proof.page.FAILURES", (Failure(1, "Something"),))
    assert f"| 1 | Something |  |  | {NOT_COVERED} |" in page([])


def test_results_of_a_drill_are_added_before_the_page_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records, results = tmp_path / "runs.jsonl", tmp_path / "results.json"
    append_records(records, [RECORD])
    again = replace(RECORD, held=3)
    results.write_text(json.dumps({"records": [json.loads(again.to_json())]}))
    assert main([str(records), "--add", str(results)]) == ExitCode.PASS
    assert "3 of 5" in capsys.readouterr().out
    assert len(records.read_text().splitlines()) == 2


def test_what_is_no_result_of_a_drill_is_refused_and_adds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records, results = tmp_path / "runs.jsonl", tmp_path / "results.json"
    append_records(records, [RECORD])
    results.write_text('{"records": [{"kind": "drill"}]}')
    assert main([str(records), "--add", str(results)]) == ExitCode.USAGE
    assert "--add" in capsys.readouterr().err
    assert len(records.read_text().splitlines()) == 1
