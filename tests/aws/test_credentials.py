"""A stack on AWS where nobody is logged in, through the real engine.

Emulation: the stand-in plugin on this machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.verify.plan import parse_plan
from holdfast.verify.plan_guard import judge
from tests.aws.stack import AwsStack
from tests.aws.standin_project import ENGINE_SECONDS, environment
from tests.engine import PROJECT, Engine
from tests.standin.aws.emulator import Emulator
from tests.standin.aws.install import is_standin

ACCOUNT = "123456789012"
WARNED = "No AWS login: this preview asks AWS nothing."


@contextmanager
def nobody_listens() -> Iterator[str]:
    """An address in place of AWS's. Fails the test where anybody called it."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        yield f"http://127.0.0.1:{nobody.getsockname()[1]}"
        nobody.settimeout(0)
        with pytest.raises(BlockingIOError):
            nobody.accept()


@contextmanager
def logged_out(engine: Engine) -> Iterator[None]:
    """No login for a while, and nobody at AWS's address."""
    login = dict(engine.environment)
    try:
        with nobody_listens() as url:
            log_out(engine, url)
            yield
    finally:
        engine.environment.clear()
        engine.environment.update(login)


def log_out(engine: Engine, url: str) -> None:
    """Leave the engine no login, and this address as AWS's."""
    for name in [name for name in engine.environment if name.startswith("AWS_")]:
        del engine.environment[name]
    engine.environment |= {
        "AWS_ENDPOINT_URL": url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(engine.state / "absent"),
        "AWS_SHARED_CREDENTIALS_FILE": str(engine.state / "absent"),
    }


def new_stack(folder: Path, url: str, **settings: str) -> Engine:
    engine = Engine.of_checkout(folder)
    engine.use_aws(environment(url))
    if not is_standin(engine.plugin):
        pytest.skip("the official plugin is here: nothing stands in for it")
    log_out(engine, url)
    required = {"target": "aws", "region": "eu-west-1", "engineVersion": "9.1"}
    for key, value in {**required, **settings}.items():
        engine.run("config", "set", "--path", f"holdfast:{key}", value)
    return engine


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "settings",
    [
        {"preset": "prod"},
        {"topology": "serverless", "dataStorageGb": "5", "ecpuPerSecond": "10000"},
        {
            "vpcId": "vpc-0a1b2c3d",
            "subnetIds[0]": "subnet-0a1b2c3d",
            "subnetIds[1]": "subnet-4e5f6a7b",
        },
    ],
    ids=["prod", "serverless", "own network"],
)
def test_without_a_login_a_preview_of_a_new_store_calls_nobody_warns_once_and_is_judged(
    settings: dict[str, str], tmp_path: Path
) -> None:
    with nobody_listens() as url:
        engine = new_stack(tmp_path, url, **settings)
        pack = ("--policy-pack", str(PROJECT / "policy"))
        shown = engine.run("preview", *pack, deadline_seconds=ENGINE_SECONDS).stdout
    assert shown.partition("Diagnostics:")[2].count(WARNED) == 1
    assert "to create" in shown
    assert "error" not in shown
    assert "holdfast@v" in shown
    assert "[mandatory]" not in shown
    assert "[advisory]" not in shown


@pytest.mark.timeout(300)
def test_without_a_login_a_deployment_ends_with_the_way_to_one_before_any_call(
    tmp_path: Path,
) -> None:
    with nobody_listens() as url:
        engine = new_stack(tmp_path, url)
        refused = engine.run(
            "up", "--yes", "--skip-preview", fails=True, deadline_seconds=ENGINE_SECONDS
        )
    told = refused.stdout.partition("Diagnostics:")[2]
    assert told.count("AWS credentials: got 'none'") == told.count("error:") == 1
    assert "AWS_PROFILE" in told
    assert "Traceback" not in refused.shown


@pytest.mark.timeout(600)
def test_without_a_login_a_deployed_store_is_compared_with_its_state_and_nothing_is_replaced(
    emulator: Emulator, tmp_path: Path
) -> None:
    stack = AwsStack.prepare(tmp_path, emulator, storeName="offline")
    # Without the type it would be kept as a number, which the engine refuses.
    typed = ("--path", "--type", "string")
    stack.engine.run("config", "set", *typed, "holdfast:accountIds[0]", ACCOUNT)
    try:
        stack.up()
        with logged_out(stack.engine):
            assert steps(stack) == {"update": ["pulumi:providers:aws"]}
            assert judge(parse_plan(stack.preview("--json").stdout)).ok
            stack.set(logRetentionDays="90")
            assert steps(stack) == {
                "update": ["aws:cloudwatch/logGroup:LogGroup", "pulumi:providers:aws"]
            }
    finally:
        stack.destroy()


def steps(stack: AwsStack) -> dict[str, list[str]]:
    """Types of what a preview would do something with, by what it would do."""
    plan = json.loads(stack.preview("--json").stdout)
    found: dict[str, list[str]] = {}
    for step in plan["steps"]:
        if step["op"] != "same":
            found.setdefault(step["op"], []).append(step["urn"].split("::")[2].rpartition("$")[2])
    return {op: sorted(set(types)) for op, types in found.items()}
