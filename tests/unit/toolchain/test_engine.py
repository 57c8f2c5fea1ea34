"""What the engine's events come to: counts, steps and messages."""

from __future__ import annotations

from typing import Any

from toolchain.engine import Report

URN = "urn:pulumi:local::holdfast::holdfast:index:ServerProcess::valkey-0"


def step(operation: str) -> dict[str, Any]:
    metadata = {"op": operation, "urn": URN, "type": "holdfast:index:ServerProcess"}
    return {"resOutputsEvent": {"metadata": metadata}}


def summary(**changes: int) -> dict[str, Any]:
    return {"summaryEvent": {"resourceChanges": changes}}


def test_an_operation_that_only_looked_is_unchanged() -> None:
    report = Report()
    report.take(step("refresh"))
    report.take(step("same"))
    report.take(summary(same=12))
    assert report.unchanged
    assert report.steps == []
    assert report.summary() == "12 unchanged"


def test_what_was_changed_is_listed_and_counted() -> None:
    report = Report()
    report.take(step("update"))
    report.take(summary(update=1, same=11))
    assert not report.unchanged
    assert report.steps == [("update", "ServerProcess", "valkey-0")]
    assert report.summary() == "11 unchanged, 1 updated"


def test_errors_and_warnings_are_kept_without_colours_and_chatter_is_not() -> None:
    report = Report()
    for event in (
        {"severity": "error", "prefix": "error: ", "message": "<{%fg 1%}>got 0<{%reset%}>\n"},
        {"severity": "info", "message": "looking\n"},
        {"severity": "debug", "message": "detail\n"},
        {"severity": "warning", "message": "old\n"},
        {"severity": "error", "message": "<{%reset%}>"},
    ):
        report.take({"diagnosticEvent": event})
    assert report.messages == ["error: got 0", "old"]


def test_events_of_other_kinds_change_nothing() -> None:
    report = Report()
    report.take({"preludeEvent": {"config": {}}})
    report.take({"cancelEvent": {}})
    assert report == Report()
