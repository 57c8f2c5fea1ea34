from __future__ import annotations

from holdfast.verify.catalogue import CHECKS
from holdfast.verify.render import WIDTH, render, summary
from holdfast.verify.result import CheckResult, Failure, Group, Outcome, Report

LONG = "a sentence that goes on and on about what was found where and why " * 5
REPORT = Report(
    "local sentinel store, valkey 9.1.2, app agent",
    (
        CheckResult(Group.PATTERNS, "writers meet", Outcome.PASS, 12.4, "seen"),
        CheckResult(
            Group.STORE, "memory is limited", Outcome.FAIL, 3, failure=Failure("A", LONG, "B")
        ),
        CheckResult(Group.STORE, "slots are served", Outcome.NOT_CHECKED, 0, LONG),
        CheckResult(Group.STORE, "what it means", Outcome.PASS, 2345.6, "worth it", shown=True),
        CheckResult(Group.SECURITY, "x" * 200, Outcome.PASS, 1),
    ),
    4321.0,
)


def test_a_check_is_one_line_with_mark_name_and_time() -> None:
    lines = render(REPORT).splitlines()
    assert lines[0] == REPORT.target
    assert lines[2] == "patterns"
    assert lines[3] == "  ok   writers meet" + " " * 56 + "12 ms"
    assert len(lines[3]) == WIDTH
    assert "  ok   what it means" in render(REPORT)
    assert "2.3 s" in render(REPORT)


def test_no_line_is_wider_than_80_columns() -> None:
    for verbose in (False, True):
        assert max(len(line) for line in render(REPORT, verbose=verbose).splitlines()) <= WIDTH


def test_every_name_in_the_catalogue_fits_its_line() -> None:
    results = tuple(CheckResult(c.group, c.name, Outcome.PASS, 59_999.0) for c in CHECKS)
    assert "..." not in render(Report("t", results, 1.0))


def test_a_failure_says_what_was_expected_what_was_found_and_what_to_do() -> None:
    lines = render(REPORT).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("  FAIL"))
    assert lines[at + 1] == "       expected  A"
    assert lines[at + 2].startswith("       found     a sentence")
    assert lines[at + 3].startswith(" " * 17)
    assert "       do        B" in lines


def test_what_was_not_checked_has_its_reason_and_no_time() -> None:
    lines = render(REPORT).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("  --"))
    assert lines[at] == "  --   slots are served"
    assert lines[at + 1].startswith("       not checked: a sentence")


def test_details_show_when_asked_for_or_worth_reading() -> None:
    assert "       seen" not in render(REPORT).splitlines()
    assert "       seen" in render(REPORT, verbose=True).splitlines()
    assert "       worth it" in render(REPORT).splitlines()


def test_colour_only_when_asked_for() -> None:
    assert "\033[" not in render(REPORT)
    assert "\033[31;1mFAIL\033[0m" in render(REPORT, colour=True)


def test_the_summary_counts_and_judges() -> None:
    assert summary(REPORT) == "does not hold: 3 ok, 1 failed, 1 not checked, of 5 checks in 4.3 s"
    held = Report("t", REPORT.checks[:1], 12.0)
    assert summary(held) == "holds: 1 ok, of 1 checks in 12 ms"
    assert summary(Report("t", (), 0, interrupted=True)).startswith("interrupted: 0 ok")
