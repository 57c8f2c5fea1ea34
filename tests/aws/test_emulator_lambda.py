"""Functions that run without containers."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.aws.emulated import World
from tests.standin.aws.emulator import Emulator

HANDLER = """
import logging, os, time
import boto3

def run(event, context):
    logging.getLogger().warning("hello %s", event["name"])
    if event.get("fail"):
        raise ValueError("no such thing")
    if event.get("sleep"):
        time.sleep(60)
    users = boto3.client("elasticache").describe_users()["Users"]
    return {
        "greeting": os.environ["GREETING"],
        "left": context.get_remaining_time_in_millis() > 0,
        "function": context.function_name,
        "user": users[0]["UserId"],
    }
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}

Invoke = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(name="invoke", scope="module")
def fixture_invoke(emulator: Emulator) -> Invoke:
    world = World(emulator)
    name = world.name("verifier")
    role = emulator.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST)
    )["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("package/__init__.py", "")
        archive.writestr("package/main.py", HANDLER)
    client = emulator.client("lambda")
    client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="package.main.run",
        Code={"ZipFile": code.getvalue()},
        Timeout=30,
        Environment={"Variables": {"GREETING": "good day"}},
    )

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        if event.get("sleep"):
            client.update_function_configuration(FunctionName=name, Timeout=1)
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
        return {
            "payload": json.loads(answer["Payload"].read()),
            "status": answer["StatusCode"],
            "error": answer.get("FunctionError"),
            "log": base64.b64decode(answer["LogResult"]).decode(),
        }

    return invoke


def test_a_handler_runs_with_its_environment_and_reaches_the_emulator(invoke: Invoke) -> None:
    answer = invoke({"name": "world"})
    assert answer["payload"] == {
        "greeting": "good day",
        "left": True,
        "function": answer["payload"]["function"],
        "user": "default",
    }, answer["log"]
    assert answer["payload"]["function"].startswith("verifier-")
    assert (answer["status"], answer["error"]) == (200, None)
    assert "hello world" in answer["log"]


def test_an_exception_is_a_function_error(invoke: Invoke) -> None:
    answer = invoke({"name": "world", "fail": True})
    assert (answer["status"], answer["error"]) == (200, "Unhandled")
    assert answer["payload"]["errorType"] == "ValueError"
    assert answer["payload"]["errorMessage"] == "no such thing"
    assert "hello world" in answer["log"]


def test_a_handler_that_takes_too_long_is_stopped(invoke: Invoke) -> None:
    answer = invoke({"name": "world", "sleep": True})
    assert answer["error"] == "Unhandled"
    assert "Task timed out after 1.00 seconds" in answer["payload"]["errorMessage"]
