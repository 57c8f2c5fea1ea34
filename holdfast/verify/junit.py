"""A report as JUnit XML, for CI servers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from holdfast.verify.result import CheckResult, Outcome, Report

_SECOND_MS: Final = 1000.0
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Report) -> str:
    """One test suite a group, one test case a check; a check not made is skipped."""
    root = ET.Element("testsuites", _counts("holdfast smoke", report.checks))
    for group, results in report.by_group():
        suite = ET.SubElement(root, "testsuite", _counts(group.value, results))
        for result in results:
            _case(suite, result)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(name: str, results: Sequence[CheckResult]) -> dict[str, str]:
    return {
        "name": name,
        "tests": str(len(results)),
        "failures": str(sum(r.outcome is Outcome.FAIL for r in results)),
        "errors": "0",
        "skipped": str(sum(r.outcome is Outcome.NOT_CHECKED for r in results)),
        "time": _seconds(sum(r.duration_ms for r in results)),
    }


def _case(suite: ET.Element, result: CheckResult) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": f"holdfast.{result.group.value}",
            "name": result.check,
            "time": _seconds(result.duration_ms),
        },
    )
    if result.outcome is Outcome.NOT_CHECKED:
        ET.SubElement(case, "skipped", {"message": _clean(result.details)})
    elif result.error is not None:
        failure = ET.SubElement(case, "failure", {"message": _clean(result.error)})
        failure.text = _clean(result.error)
    elif result.details:
        ET.SubElement(case, "system-out").text = _clean(result.details)


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / _SECOND_MS:.3f}"


def _clean(text: str) -> str:
    # A server's reply may hold bytes that no XML document may.
    return _NOT_XML.sub("?", text)
