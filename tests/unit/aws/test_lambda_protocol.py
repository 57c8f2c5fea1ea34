"""What smoke asks of the verifier's function, and what it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.aws.lambda_protocol import Answer, Request
from holdfast.errors import AccessDenied, ConfigError
from holdfast.verify.result import CheckResult, ExitCode, Failure, Group, Outcome, Report
from tests.unit.verify.fakes import SECRET, connection

REPORT = Report(
    "aws store",
    (
        CheckResult(Group.STORE, "a", Outcome.PASS, 1.5, "seen", shown=True),
        CheckResult(Group.SECURITY, "b", Outcome.FAIL, 2.0, failure=Failure("x", "y", "z")),
        CheckResult(Group.SECURITY, "c", Outcome.NOT_CHECKED, 0.0, "no such role"),
    ),
    12.0,
)


def test_a_request_arrives_as_it_was_made() -> None:
    request = Request((Group.STORE,), 30.0)
    assert Request.of_event(json.loads(request.to_json())) == request


def test_an_empty_event_asks_for_everything() -> None:
    assert Request.of_event({}) == Request((), 60.0)


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({"version": 2}, "event.version"),
        ({"group": "store"}, "group"),
        ({"groups": "store"}, "event"),
        ({"groups": ["nothing"]}, "event"),
        ({"timeout_seconds": "60"}, "event"),
        ({"timeout_seconds": 0}, "event.timeout_seconds"),
        ({"timeout_seconds": float("inf")}, "event.timeout_seconds"),
    ],
)
def test_an_event_of_another_kind_is_refused(event: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Request.of_event(event)


def test_an_answer_arrives_as_it_was_made_but_for_the_logins() -> None:
    answer = Answer("abc", ExitCode.CHECK_FAILED, report=REPORT, store=connection())
    text = json.dumps(answer.to_document())
    assert SECRET not in text
    read = Answer.of_document(json.loads(text))
    assert read.report == REPORT
    assert read.exit_code is ExitCode.CHECK_FAILED
    assert read.store is not None
    assert (read.store.target, read.store.primary) == ("local", connection().primary)
    assert dict(read.store.users) == {}


def test_the_result_is_the_one_of_smoke() -> None:
    document = Answer("abc", ExitCode.CHECK_FAILED, report=REPORT).to_document()
    assert document["result"] == json.loads(REPORT.to_json())
    assert document["exit_code"] == 1


def test_an_error_arrives_as_what_it_is() -> None:
    document = Answer("abc", ExitCode.NO_CONNECTION, error=AccessDenied("no")).to_document()
    read = Answer.of_document(json.loads(json.dumps(document)))
    assert isinstance(read.error, AccessDenied)
    assert str(read.error) == "no"
    assert document["result"] is None


@pytest.mark.parametrize("change", [{"exit_code": 7}, {"report": 1}, {"store": {"version": 1}}])
def test_another_document_is_no_answer(change: dict[str, Any]) -> None:
    document = Answer("abc", ExitCode.PASS, report=REPORT, store=connection()).to_document()
    with pytest.raises(ValueError, match="no answer of the verifier"):
        Answer.of_document(document | change)
