"""Changes in the life of a deployed store on AWS, in the steps of docs/operations.md.

What is stored is written and counted by the client, and every server is asked what it runs. The end
of a production store is in test_life.py.

Emulation: moto and real Valkey on one machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from holdfast.roles import Role
from holdfast.verify.access import Access
from tests.aws.stack import COMMAND_SECONDS, AwsStack, deployed
from tests.engine import PROJECT
from tests.servers import Install
from tests.standin.aws.emulator import running

pytestmark = pytest.mark.timeout(900)

SESSIONS: Final = 9
WRITE: Final = f"""
import json, sys
import holdfast
with holdfast.connect(sys.argv[1], tenant="acme") as store:
    made = []
    for number in range({SESSIONS}):
        session = store.create(ttl=holdfast.Ttl.chat())
        for turn in range(number):
            store.append(session.session_id, [{{"turn": turn}}], expected_seq=turn)
        made.append(session.session_id)
print(json.dumps(made))
"""
COUNT: Final = """
import json, sys
import holdfast
with holdfast.connect(sys.argv[1], tenant="acme") as store:
    print(json.dumps([store.load(session_id).seq for session_id in json.loads(sys.argv[2])]))
"""
KEY_ELSEWHERE: Final = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-4333-8444-555555555555"
RULE: Final = '(*_MEASURE, "role", "xinfo|stream"'
WIDER_RULE: Final = '(*_MEASURE, "role", "type", "xinfo|stream"'
"""Of the monitor, in holdfast/roles.py."""


@dataclass(frozen=True)
class Kept:
    """A store, and what applications have stored in it."""

    stack: AwsStack
    sessions: str

    def count(self) -> list[int]:
        """How many turns each session has, by the client."""
        return list(client(self.stack, COUNT, self.sessions))


@pytest.fixture(scope="module")
def kept(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Of the version before the present one, on an emulator of its own; tests change it."""
    folder = tmp_path_factory.mktemp("life")
    settings = {"preset": "staging", "engineVersion": "8.1", "verifier": "false"}
    with (
        running(folder / "aws", data_plane=True) as emulator,
        deployed(folder / "stack", emulator, **settings) as stack,
    ):
        yield Kept(stack, json.dumps(client(stack, WRITE)))


def client(stack: AwsStack, program: str, *arguments: str) -> Any:  # noqa: ANN401 - any JSON
    """What a program prints that knows the ARN of its secret and no more."""
    arn = stack.engine.outputs()["connection_secrets"]["svc"]
    done = subprocess.run(
        [sys.executable, "-c", program, arn, *arguments],
        env=stack.engine.environment,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def group_of(stack: AwsStack, group_id: str = "") -> Mapping[str, Any]:
    """The replication group as AWS describes it."""
    known = group_id or stack.engine.outputs()["resources"]["replication_group_id"]
    answer = stack.client("elasticache").describe_replication_groups(ReplicationGroupId=known)
    (found,) = answer["ReplicationGroups"]
    return dict(found)


def families(stack: AwsStack) -> set[str]:
    """Of the parameter groups that are not AWS's own."""
    groups = stack.client("elasticache").describe_cache_parameter_groups()["CacheParameterGroups"]
    own = [one for one in groups if not one["CacheParameterGroupName"].startswith("default.")]
    return {one["CacheParameterGroupFamily"] for one in own}


def answers(stack: AwsStack, role: Role, *words: str) -> list[Any]:
    """What each server says to a command of a role."""
    access = Access(stack.from_here(stack.connection), timeout_seconds=10)
    said = []
    for node in stack.nodes():
        link = access.login(node, role)
        try:
            said.append(link.call(*words))
        finally:
            link.close()
    return said


def versions(stack: AwsStack) -> list[str]:
    """Major and minor of what each server runs."""
    said = answers(stack, Role.MONITOR, "INFO", "server")
    lines = [dict(line.split(":", 1) for line in one.splitlines() if ":" in line) for one in said]
    return [".".join(known["valkey_version"].split(".")[:2]) for known in lines]


def guarded(stack: AwsStack, *arguments: str, code: int = 0) -> str:
    """What the guard says of the plan; it must end with ``code``."""
    guard = str(PROJECT / "scripts" / "preview_guard.py")
    done = subprocess.run(
        [sys.executable, guard, *arguments],
        input=stack.preview("--json").stdout,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_new_major_version_comes_with_its_parameters_and_keeps_every_session(kept: Kept) -> None:
    stack = kept.stack
    before = group_of(stack)
    assert set(versions(stack)) == {"8.1"}
    stack.set(engineVersion="9.1")
    assert "is made at once" in guarded(stack)
    stack.up()
    assert set(versions(stack)) == {"9.1"}
    assert families(stack) == {"valkey9"}
    after = group_of(stack)
    assert after["ARN"] == before["ARN"]
    assert names(after) == names(before)
    assert kept.count() == list(range(SESSIONS))
    stack.run("smoke")


def names(group: Mapping[str, Any]) -> tuple[str, str]:
    """By which clients find the store."""
    (shard,) = group["NodeGroups"]
    return shard["PrimaryEndpoint"]["Address"], shard["ReaderEndpoint"]["Address"]


def test_nodes_replicas_snapshots_and_rights_change_in_place_and_keep_every_session(
    kept: Kept,
) -> None:
    stack = kept.stack
    before = group_of(stack)
    assert before["CacheNodeType"] != "cache.t4g.medium"
    assert len(before["MemberClusters"]) == 2
    stack.set(nodeType="cache.t4g.medium", replicas="2", snapshotRetentionDays="5")
    roles = stack.engine.project / "holdfast" / "roles.py"
    text = roles.read_text()
    assert RULE in text
    roles.write_text(text.replace(RULE, WIDER_RULE))
    said = guarded(stack)
    assert "nodeType" in said
    assert "a month: " in said
    stack.up()
    after = group_of(stack)
    assert after["ARN"] == before["ARN"]
    assert names(after) == names(before)
    assert after["CacheNodeType"] == "cache.t4g.medium"
    assert after["SnapshotRetentionLimit"] == 5
    assert len(after["MemberClusters"]) == 3
    assert answers(stack, Role.MONITOR, "TYPE", "agent:outbox:{b00}") == ["none"] * 3
    alarms = stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    watched = {one["Value"] for alarm in alarms for one in alarm["Dimensions"]}
    assert watched >= set(after["MemberClusters"])
    assert kept.count() == list(range(SESSIONS))
    stack.run("smoke")
    stack.unchanged()


def test_a_change_that_would_replace_the_store_is_stopped_with_a_summary_for_people(
    kept: Kept, tmp_path: Path
) -> None:
    stack = kept.stack
    stack.set(kmsKeyArn=KEY_ELSEWHERE)
    try:
        summary = tmp_path / "summary.md"
        guarded(stack, "--markdown", str(summary), code=1)
    finally:
        stack.engine.run("config", "rm", "holdfast:kmsKeyArn")
    text = summary.read_text()
    assert text.startswith("### Preview guard of `holdfast/test`")
    rows = [line for line in text.splitlines() if line.startswith("| **refused**")]
    assert [row for row in rows if "replication group" in row and "kmsKeyId" in row], text
    assert "a month before" in text
