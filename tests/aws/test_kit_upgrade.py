"""What an earlier version of the kit deployed: this one takes it over and replaces nothing.

Emulation: the engine and the stand-in plugin over moto; the official plugin and AWS were not run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.aws.record_state import recorded, variant_of
from tests.aws.stack import AwsStack
from tests.engine import PASSPHRASE, PROJECT
from tests.standin.aws.emulator import Emulator

pytestmark = pytest.mark.timeout(600)

HARMLESS = frozenset({"same", "update", "create", "read"})
ENGINES_OWN = frozenset({"pulumi:providers:holdfast"})
"""The default provider, which a preview does not list."""

GONE = ("aws:iam/policy:Policy::store-connect",)
"""Let an application log in as svc and as worker; now each role has a policy of its own."""


@pytest.fixture(params=recorded(), ids=lambda path: path.stem)
def state(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def planned(stack: AwsStack, state: Path) -> str:
    """What a preview over a recorded state prints."""
    stack.engine.run("stack", "import", "--file", str(state))
    return stack.preview("--json", "--show-sames").stdout


def test_an_earlier_version_is_taken_over_and_nothing_replaced(
    state: Path, emulator: Emulator, tmp_path: Path
) -> None:
    stack = AwsStack.prepare(tmp_path, emulator, **variant_of(state).settings)
    plan = planned(stack, state)
    steps: list[Mapping[str, Any]] = json.loads(plan)["steps"]
    harm = [
        (step["op"], step["urn"])
        for step in steps
        if step["op"] not in HARMLESS
        and not (step["op"] == "delete" and step["urn"].endswith(GONE))
    ]
    assert harm == []
    # Every resource that is known is still in the program, under the name that it had.
    recorded_ones = json.loads(state.read_text())["deployment"]["resources"]
    known = {one["urn"] for one in recorded_ones if one["type"] not in ENGINES_OWN}
    assert known - {step["urn"] for step in steps} == set()
    assert guarded(plan, tmp_path) == 0


def guarded(plan: str, folder: Path) -> int:
    """What the preview guard ends with."""
    file = folder / "plan.json"
    file.write_text(plan)
    done = subprocess.run(
        [sys.executable, str(PROJECT / "scripts" / "preview_guard.py"), str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    sys.stderr.write(done.stdout + done.stderr)
    return done.returncode


def test_a_change_that_replaces_the_store_is_seen_over_a_recorded_state(
    state: Path, emulator: Emulator, tmp_path: Path
) -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-4333-8444-555555555555"
    stack = AwsStack.prepare(tmp_path, emulator, **variant_of(state).settings, kmsKeyArn=key)
    plan = planned(stack, state)
    replaced = {step["urn"] for step in json.loads(plan)["steps"] if "replace" in step["op"]}
    assert [urn for urn in replaced if "elasticache/" in urn]
    assert guarded(plan, tmp_path) == 1


def test_recorded_states_hold_no_secret_in_plain_and_nothing_of_a_machine(state: Path) -> None:
    text = state.read_text()
    assert "ciphertext" in text
    assert PASSPHRASE not in text
    assert "plaintext" not in text
    for trace in ("stackTrace", "sourcePosition", "site-packages", "/home/", "/root/", "/tmp/"):
        assert trace not in text


def test_there_is_a_recorded_state_of_every_topology() -> None:
    found = {path.stem.partition("-")[2] for path in recorded()}
    assert found >= {"replication-group", "cluster", "serverless"}
