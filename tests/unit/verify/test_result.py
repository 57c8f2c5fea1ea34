from __future__ import annotations

import json

import pytest

from holdfast.errors import VerificationFailed
from holdfast.verify.result import (
    CheckFailed,
    CheckResult,
    ExitCode,
    Failure,
    Group,
    Outcome,
    Report,
    count_of,
    require,
)


def result(outcome: Outcome, group: Group = Group.STORE, **more: object) -> CheckResult:
    failure = Failure("a", "b", "c") if outcome is Outcome.FAIL else None
    return CheckResult(group, "name", outcome, 1.26, details="seen", failure=failure)


def test_exit_codes_are_those_that_the_scripts_promise() -> None:
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 130]


def test_a_report_holds_when_something_was_checked_and_nothing_failed() -> None:
    held = (result(Outcome.PASS), result(Outcome.NOT_CHECKED))
    assert Report("t", held, 1.0).ok


@pytest.mark.parametrize(
    ("checks", "interrupted"),
    [
        ((result(Outcome.PASS), result(Outcome.FAIL)), False),
        ((result(Outcome.NOT_CHECKED),), False),
        ((), False),
        ((result(Outcome.PASS),), True),
    ],
)
def test_a_report_does_not_hold_otherwise(
    checks: tuple[CheckResult, ...], interrupted: bool
) -> None:
    assert not Report("t", checks, 1.0, interrupted=interrupted).ok


def test_json_is_one_object_with_the_promised_fields() -> None:
    report = Report("t", (result(Outcome.PASS), result(Outcome.FAIL)), 1.0)
    document = json.loads(report.to_json())
    assert sorted(document) == ["checks", "ok", "target"]
    assert document["target"] == "t"
    assert document["ok"] is False
    assert document["checks"][0] == {
        "group": "store",
        "check": "name",
        "outcome": "pass",
        "duration_ms": 1.3,
        "details": "seen",
        "error": None,
    }
    assert document["checks"][1]["error"] == "expected a; found b; c"


def test_sections_keep_their_order_and_leave_out_what_is_empty() -> None:
    checks = (result(Outcome.PASS, Group.CLEANUP), result(Outcome.PASS, Group.PATTERNS))
    assert [group for group, _ in Report("t", checks, 1.0).by_group()] == [
        Group.PATTERNS,
        Group.CLEANUP,
    ]


def test_a_refusal_is_a_report_with_one_failed_check() -> None:
    report = Report.of_refusal("t", Failure("a connection", "none", "start it"))
    assert not report.ok
    assert [check.outcome for check in report.checks] == [Outcome.FAIL]


def test_require_raises_what_a_person_needs_to_know() -> None:
    require(True, "x", "y", "z")
    with pytest.raises(CheckFailed) as caught:
        require(False, "x", 7, "z")
    assert caught.value.failure == Failure("x", "7", "z")
    assert isinstance(caught.value, VerificationFailed)


def test_counts_have_their_plural() -> None:
    assert count_of(1, "node") == "1 node"
    assert count_of(0, "node") == "0 nodes"
