"""``smoke --via lambda``: the function is invoked, and its answer told as if made here."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from holdfast.aws import lambda_via
from holdfast.aws.lambda_errors import Function, FunctionFailed
from holdfast.aws.lambda_protocol import Answer, Request
from holdfast.cluster.edition import ANY_VARIABLE, edition
from holdfast.errors import AccessDenied, ConfigError, HoldfastError
from holdfast.verify.cli import main
from holdfast.verify.result import CheckResult, ExitCode, Failure, Group, Outcome, Report
from tests.unit.verify.fakes import connection

NAME = "store-dev-verifier"
LOG = "START\n3 of 40 checks done\nEND\n"
GOOD = Report("aws store", (CheckResult(Group.STORE, "a", Outcome.PASS, 1.0),), 5.0)
BAD = Report(
    "aws store",
    (CheckResult(Group.STORE, "a", Outcome.FAIL, 1.0, failure=Failure("x", "y", "z")),),
    5.0,
)


def answer(report: Report = GOOD) -> dict[str, Any]:
    code = ExitCode.PASS if report is GOOD else ExitCode.CHECK_FAILED
    return Answer(edition(), code, report=report, store=connection()).to_document()


def refusal(error: HoldfastError, code: ExitCode) -> dict[str, Any]:
    return Answer(edition(), code, error=error).to_document()


def response(document: object, error: str | None = None) -> dict[str, Any]:
    payload = json.dumps(document).encode()
    found: dict[str, Any] = {
        "StatusCode": 200,
        "LogResult": base64.b64encode(LOG.encode()).decode(),
        "Payload": StreamingBody(io.BytesIO(payload), len(payload)),
    }
    return found | ({} if error is None else {"FunctionError": error})


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """The client of Lambda, which answers what the test says."""
    client = boto3.client(
        "lambda", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    made: list[tuple[Any, ...]] = []

    def make(service: str, *, region_name: str | None, config: Config) -> object:
        made.append((service, region_name, config))
        return client

    monkeypatch.setattr(boto3, "client", make)
    monkeypatch.delenv("HOLDFAST_CONNECTION", raising=False)
    monkeypatch.delenv(ANY_VARIABLE, raising=False)
    monkeypatch.setattr(lambda_via, "_POLL_SECONDS", 0.01)
    with Stubber(client) as stubber:
        yield stubber
    for service, region, config in made:
        assert (service, region) == ("lambda", "eu-central-1")
        # A repeated call would be a second run while the first is at work.
        assert config.retries["total_max_attempts"] == 1
        assert config.read_timeout >= 60 + lambda_via.ANSWER_SECONDS


def expects(groups: list[str] | None = None, seconds: float = 60.0) -> dict[str, Any]:
    event = {"version": 1, "groups": groups or [], "timeout_seconds": seconds}
    return {
        "FunctionName": NAME,
        "InvocationType": "RequestResponse",
        "LogType": "Tail",
        "Payload": json.dumps(event).encode(),
    }


ARGUMENTS = ["--function", NAME, "--region", "eu-central-1"]


def test_a_store_that_holds_ends_with_0_and_prints_what_a_direct_run_prints(
    stub: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.add_response("invoke", response(answer()), expects())
    assert main([*ARGUMENTS, "--via", "lambda"]) == 0
    shown = capsys.readouterr()
    assert "ok   a" in shown.out
    assert shown.out.endswith("holds: 1 ok, of 1 checks in 5 ms\n")
    assert shown.err == ""


def test_groups_and_time_are_handed_on_and_json_is_the_same(
    stub: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.add_response("invoke", response(answer()), expects(["store"], 90.0))
    assert main([*ARGUMENTS, "--only", "store", "--timeout-seconds", "90", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(GOOD.to_json())


def test_a_check_that_fails_ends_with_1_and_shows_the_functions_log(
    stub: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.add_response("invoke", response(answer(BAD)), expects())
    assert main(ARGUMENTS) == 1
    shown = capsys.readouterr()
    assert "FAIL a" in shown.out
    assert "smoke: log  3 of 40 checks done" in shown.err


def test_a_login_that_the_store_refuses_ends_with_3(
    stub: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    document = refusal(AccessDenied("svc is refused"), ExitCode.NO_CONNECTION)
    stub.add_response("invoke", response(document), expects())
    assert main([*ARGUMENTS, "--json"]) == 3
    shown = capsys.readouterr()
    assert "svc is refused" in json.loads(shown.out)["checks"][0]["error"]
    assert "smoke: svc is refused" in shown.err


def test_a_mistake_there_ends_with_2(stub: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    error = ConfigError("secret of svc", "arn", "a secret", "run pulumi up")
    stub.add_response("invoke", response(refusal(error, ExitCode.USAGE)), expects())
    assert main(ARGUMENTS) == 2
    assert "secret of svc" in capsys.readouterr().err


def test_a_function_that_breaks_off_ends_with_3_and_shows_its_log(
    stub: Stubber, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {"errorMessage": "Task timed out after 120.00 seconds"}
    stub.add_response("invoke", response(document, "Unhandled"), expects())
    assert main(ARGUMENTS) == 3
    shown = capsys.readouterr()
    assert "Task timed out after 120.00 seconds" in shown.err
    assert "log  START" in shown.err
    assert "FAIL the store answers" in shown.out


@pytest.mark.parametrize(
    ("code", "status", "exit_code", "text"),
    [
        ("ResourceNotFoundException", 404, 2, "--function"),
        ("AccessDeniedException", 403, 2, "lambda:InvokeFunction"),
        ("ExpiredTokenException", 403, 2, "log in again"),
        ("KMSDisabledException", 502, 3, "KMSDisabledException"),
    ],
)
def test_what_the_api_refuses_is_told_by_its_kind(
    stub: Stubber,
    capsys: pytest.CaptureFixture[str],
    code: str,
    status: int,
    exit_code: int,
    text: str,
) -> None:
    stub.add_client_error("invoke", code, "refused", status, expected_params=expects())
    assert main(ARGUMENTS) == exit_code
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ResourceNotReadyException"])
def test_a_function_that_is_busy_or_asleep_is_waited_for(
    stub: Stubber, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    for _ in range(3):
        stub.add_client_error("invoke", code, "wait", 429, expected_params=expects())
    stub.add_response("invoke", response(answer()), expects())
    assert main(ARGUMENTS) == 0
    assert capsys.readouterr().err.count("busy or being woken") == 1


def test_other_sources_in_the_function_are_refused_and_on_demand_only_told(
    stub: Stubber, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = answer() | {"edition": "000000000000"}
    stub.add_response("invoke", response(document), expects())
    assert main(ARGUMENTS) == 2
    assert "a function with the sources 000000000000" in capsys.readouterr().err
    monkeypatch.setenv(ANY_VARIABLE, "1")
    stub.add_response("invoke", response(document), expects())
    assert main(ARGUMENTS) == 0
    assert "the function holds other sources" in capsys.readouterr().err


def test_lambda_without_a_function_or_a_stack_ends_with_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOLDFAST_CONNECTION", raising=False)
    assert main(["--via", "lambda"]) == 2
    assert "--function NAME" in capsys.readouterr().err


def test_the_function_of_a_stack_is_found_in_its_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {"resources": {"verifier_function": NAME, "region": "eu-west-1"}}
    monkeypatch.setattr(lambda_via, "plain_outputs", lambda _: outputs)
    assert lambda_via.function_of_stack("dev") == Function(NAME, "eu-west-1")
    assert lambda_via.function_of_stack("dev", "us-east-1") == Function(NAME, "us-east-1")


@pytest.mark.parametrize("outputs", [{}, {"resources": {}}, {"resources": {"region": "x"}}])
def test_a_stack_without_a_verifier_has_none(
    monkeypatch: pytest.MonkeyPatch, outputs: dict[str, object]
) -> None:
    monkeypatch.setattr(lambda_via, "plain_outputs", lambda _: outputs)
    assert lambda_via.function_of_stack("dev") is None


def _ask(invoke: lambda_via.Invoke, stop: threading.Event) -> Answer:
    return lambda_via.ask(Function(NAME), Request(), stop, lambda _: None, invoke=invoke)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (NoCredentialsError(), ConfigError),
        (EndpointConnectionError(endpoint_url="https://x"), FunctionFailed),
    ],
)
def test_no_login_is_a_mistake_and_no_answer_an_outage(
    raised: Exception, kind: type[Exception]
) -> None:
    def invoke(_: str) -> Mapping[str, Any]:
        raise raised

    with pytest.raises(kind):
        _ask(invoke, threading.Event())


def test_a_person_who_stops_does_not_wait_for_the_function() -> None:
    stop, let_go = threading.Event(), threading.Event()

    def invoke(_: str) -> Mapping[str, Any]:
        stop.set()
        let_go.wait(30)
        return {}

    try:
        with pytest.raises(FunctionFailed, match="ends by itself"):
            _ask(invoke, stop)
    finally:
        let_go.set()
