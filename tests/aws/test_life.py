"""The life of a production store, in the steps of docs/operations.md.

Emulation: moto and real Valkey on one machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.aws.stack import COMMAND_SECONDS, AwsStack, deployed
from tests.engine import PROJECT
from tests.standin.aws.emulator import Emulator

pytestmark = pytest.mark.timeout(900)

REGION = "eu-west-1"
SESSIONS = 7
SNAPSHOT = "chat-before-the-end"
WRITER = f"""
import json, os
import holdfast
with holdfast.connect(os.environ["ARN"], tenant="acme") as store:
    made = []
    for number in range({SESSIONS}):
        session = store.create(ttl=holdfast.Ttl.chat())
        store.append(session, [{{"role": "user", "content": str(number)}}])
        made.append(session.session_id)
print(json.dumps(made))
"""
COUNTER = """
import json, os
import holdfast
with holdfast.connect(os.environ["ARN"], tenant="acme") as store:
    print(json.dumps([store.load(made).seq for made in json.loads(os.environ["SESSIONS"])]))
"""


@pytest.fixture(name="prod")
def fixture_prod(tmp_path: Path, aws: Emulator) -> Iterator[AwsStack]:
    with deployed(tmp_path / "prod", aws, preset="prod") as stack:
        yield stack


def ran(
    stack: AwsStack, *command: str, code: int = 0, **more: str
) -> subprocess.CompletedProcess[str]:
    """A program in the stack's environment; both its outputs."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=stack.engine.project,
        env={**stack.engine.environment, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == code, f"{command}: {done.stdout}\n{done.stderr}"
    return done


def keys(stack: AwsStack) -> int:
    """How many keys smoke finds."""
    shown = stack.run("smoke", "--only", "store", "--verbose")
    found = re.search(r"(\d+) keys? on \d+ servers?, all with a TTL", shown)
    assert found is not None, shown
    return int(found.group(1))


def secret_of_svc(stack: AwsStack) -> str:
    """The ARN that an application is told."""
    return str(stack.engine.outputs()["connection_secrets"]["svc"])


def turns(stack: AwsStack, sessions: str) -> list[int]:
    """How many each of these sessions has, by the client."""
    found = ran(stack, "-c", COUNTER, ARN=secret_of_svc(stack), SESSIONS=sessions)
    return list(json.loads(found.stdout))


def smoke_from_inside(stack: AwsStack) -> None:
    """Made by the function: this side cannot even find the names of the store."""
    smoke = str(PROJECT / "scripts" / "smoke.py")
    function = stack.engine.outputs()["resources"]["verifier_function"]
    with stack.outside():
        shown = ran(stack, smoke, "--stack", "test", "--json")
        assert json.loads(shown.stdout)["ok"]
        direct = ran(stack, smoke, "--stack", "test", "--via", "direct", code=3)
        assert "holdfast:verifier true" in " ".join(direct.stdout.split())
        named = ("--via", "lambda", "--function", function, "--region", REGION)
        assert "holds: " in ran(stack, smoke, *named).stdout
    other = ("--function", "no-such-function", "--region", REGION)
    assert "--function" in ran(stack, smoke, *other, code=2).stderr


def break_the_logins(stack: AwsStack) -> None:
    """Secrets that are older than their users: smoke says so, with the function's log."""
    secrets = stack.emulator.client("secretsmanager", region_name=REGION)
    arns = stack.engine.outputs()["connection_secrets"].values()
    kept = {arn: secrets.get_secret_value(SecretId=arn)["SecretString"] for arn in arns}
    try:
        for arn, value in kept.items():
            wrong = json.dumps({**json.loads(value), "password": "wrong" * 5})
            secrets.put_secret_value(SecretId=arn, SecretString=wrong)
        smoke = str(PROJECT / "scripts" / "smoke.py")
        done = ran(stack, smoke, "--stack", "test", code=3)
        assert "refuses the login of" in done.stderr
        assert "smoke: log  " in done.stderr
        assert "wrongwrong" not in done.stdout + done.stderr
    finally:
        for arn, value in kept.items():
            secrets.put_secret_value(SecretId=arn, SecretString=value)


def test_a_production_store_is_proved_backed_up_restored_and_ended(
    prod: AwsStack, aws: Emulator, tmp_path: Path
) -> None:
    smoke_from_inside(prod)
    break_the_logins(prod)

    sessions = ran(prod, "-c", WRITER, ARN=secret_of_svc(prod)).stdout
    stored = keys(prod)
    assert stored >= 2 * SESSIONS
    assert prod.run("backup", "take", "--name", SNAPSHOT).strip() == SNAPSHOT
    listed: list[dict[str, Any]] = json.loads(prod.run("backup", "list", "--json"))
    assert [one["name"] for one in listed if one["status"] == "available"] == [SNAPSHOT]

    proof = {"storeName": "proof", "restoreSnapshot": SNAPSHOT, "verifier": "true"}
    with deployed(tmp_path / "proof", aws, **proof) as restored:
        assert keys(restored) == stored
        assert turns(restored, sessions) == [1] * SESSIONS

    # Without a preview the engine deletes what is not protected before it comes to what is.
    refused = prod.engine.run("destroy", "--yes", fails=True)
    assert "protected" in refused.shown
    smoke_from_inside(prod)
    assert turns(prod, sessions) == [1] * SESSIONS
    prod.engine.run("state", "unprotect", "--all", "--yes")
    prod.engine.run("destroy", "--yes", "--skip-preview", deadline_seconds=300)
    found = aws.client("elasticache", region_name=REGION).describe_snapshots()["Snapshots"]
    names = [one["SnapshotName"] for one in found]
    assert [name for name in names if name.startswith("store-test-final-")], names


def group_of(stack: AwsStack) -> dict[str, Any]:
    """The replication group as AWS describes it."""
    name = stack.engine.outputs()["resources"]["replication_group_id"]
    client = stack.emulator.client("elasticache", region_name=REGION)
    found = client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
    member = client.describe_cache_clusters(CacheClusterId=found["MemberClusters"][0])
    return {**found, "EngineVersion": member["CacheClusters"][0]["EngineVersion"]}


def guarded(stack: AwsStack, folder: Path, *arguments: str, code: int = 0) -> str:
    """What the guard says of the plan; it must end with ``code``."""
    plan = folder / "plan.json"
    plan.write_text(stack.preview("--json").stdout)
    guard = str(PROJECT / "scripts" / "preview_guard.py")
    return ran(stack, guard, str(plan), *arguments, code=code).stdout


@pytest.mark.whole
def test_an_engine_is_upgraded_and_nodes_change_without_a_replacement(
    emulator: Emulator, tmp_path: Path
) -> None:
    with deployed(tmp_path / "stack", emulator, engineVersion="8.1") as stack:
        before = group_of(stack)
        assert before["EngineVersion"].startswith("8.1")
        stack.set(engineVersion="9.1")
        guarded(stack, tmp_path)
        stack.up()
        upgraded = group_of(stack)
        assert upgraded["EngineVersion"].startswith("9.1")
        assert upgraded["ReplicationGroupId"] == before["ReplicationGroupId"]

        stack.set(applyImmediately="false", nodeType="cache.r7g.large")
        assert "waits for the maintenance window" in guarded(stack, tmp_path, code=1)
        guarded(stack, tmp_path, "--accept-waiting")
        stack.up()
        waiting = group_of(stack)
        assert waiting["CacheNodeType"] == before["CacheNodeType"]
        stack.set(applyImmediately="true")
        stack.engine.run("refresh", "--yes", "--skip-preview")
        stack.up()
        assert group_of(stack)["CacheNodeType"] == "cache.r7g.large"
