from __future__ import annotations

from xml.etree import ElementTree as ET

from holdfast.verify.junit import to_junit
from holdfast.verify.result import CheckResult, Failure, Group, Outcome, Report

REPORT = Report(
    "t",
    (
        CheckResult(Group.PATTERNS, 'a <b> & "c"', Outcome.PASS, 1500, "seen"),
        CheckResult(Group.STORE, "d", Outcome.FAIL, 2, failure=Failure("e", "bell \x07 here", "f")),
        CheckResult(Group.STORE, "g", Outcome.NOT_CHECKED, 0, "no role"),
    ),
    1502,
)


def parsed() -> ET.Element:
    return ET.fromstring(to_junit(REPORT))  # noqa: S314 - what was just written


def test_it_is_one_suite_a_group_with_counts() -> None:
    root = parsed()
    assert root.tag == "testsuites"
    assert {k: root.get(k) for k in ("tests", "failures", "skipped", "errors")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
        "errors": "0",
    }
    assert [suite.get("name") for suite in root] == ["patterns", "store"]
    assert [suite.get("tests") for suite in root] == ["1", "2"]


def test_names_survive_and_times_are_seconds() -> None:
    case = parsed().find("testsuite/testcase")
    assert case is not None
    assert case.get("name") == 'a <b> & "c"'
    assert case.get("time") == "1.500"
    assert case.findtext("system-out") == "seen"


def test_a_failure_carries_its_message_without_what_xml_forbids() -> None:
    failure = parsed().find(".//failure")
    assert failure is not None
    assert failure.get("message") == "expected e; found bell ? here; f"


def test_what_was_not_checked_is_skipped_with_its_reason() -> None:
    skipped = parsed().find(".//skipped")
    assert skipped is not None
    assert skipped.get("message") == "no role"
