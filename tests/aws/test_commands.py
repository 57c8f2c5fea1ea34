"""Programs that know the ARN of a secret and no more, on a deployed store on AWS.

Emulation: moto and real Valkey on one machine; the official plugin and AWS were not run. No time is
claimed for AWS from it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from holdfast.roles import Role
from tests.aws.stack import AwsStack, deployed
from tests.standin.aws.emulator import Emulator

pytestmark = pytest.mark.timeout(900)

_CLIENT = """
import sys, threading, time
import holdfast

stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
done = 0
with holdfast.connect(sys.argv[1], tenant="acme") as store:
    session = store.create(user="ann")
    head = session.head
    print("begun", flush=True)
    while not stop.is_set():
        head = store.append(head, [{"n": done}]).head
        done += 1
        time.sleep(0.01)
    assert store.load(session.session_id).seq == done
    store.end(session.session_id)
print(done, flush=True)
"""


def arn(stack: AwsStack, role: Role) -> str:
    return str(json.loads(json.dumps(stack.engine.outputs()["connection_secrets"]))[role.value])


@contextmanager
def client(stack: AwsStack) -> Iterator[None]:
    """A program that knows the ARN of its secret and no more, storing turn after turn."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CLIENT, arn(stack, Role.SVC)],
        env=stack.engine.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        yield
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert int(out) > 10
    finally:
        process.kill()
        process.communicate()


@pytest.mark.whole
def test_passwords_rotate_while_a_client_goes_on_by_its_secret(staging: AwsStack) -> None:
    before = staging.connection
    with client(staging):
        said: dict[str, Any] = json.loads(
            staging.run(
                "rotate",
                *("passwords", "--role", "svc", "--role", "admin"),
                *("--yes", "--json", "--delivery-seconds", "62"),
            )
        )
    assert said["ok"]
    done = [(step["step"].strip(), step["details"]) for step in said["steps"]]
    # After an earlier rotation of this stack, what may still be logged in since then goes first.
    steps = dict(done[1:] if done[0][0] == "logins by the old secret" else done)
    assert list(steps) == [
        "passwords: accept-both",
        "proved at every name",
        "passwords: present-new",
        "clients have moved",
        "passwords: single",
        "logins by the old secret",
    ]
    assert "the old refused" in steps["proved at every name"]
    assert steps["logins by the old secret"].endswith(" cut")
    staging.forget()
    after = staging.connection
    changed = {role for role in before.users if before.users[role] != after.users[role]}
    assert changed == {Role.SVC, Role.ADMIN}
    staging.run("smoke", "--via", "direct")
    status = json.loads(staging.run("rotate", "status", "--json"))
    assert status["unfinished"] == []
    assert status["passwords_accepted"]["svc"] == {"ElastiCache": 1}


def test_applications_that_log_in_by_iam_are_proved_like_the_others(
    aws: Emulator, tmp_path: Path
) -> None:
    with deployed(tmp_path, aws, preset="dev", storeName="iam", authentication="iam") as stack:
        assert stack.connection.users[Role.SVC].iam
        stack.run("smoke", "--via", "direct")
        with client(stack):
            stack.run("rotate", "status")
        assert stack.run("rotate", "passwords", "--role", "svc", "--yes", code=2) == ""
