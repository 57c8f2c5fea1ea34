"""An application beside a store on AWS: a process that knows the ARNs of its secrets, and no more.

Its clients write turn after turn and look at their secrets by themselves: a rotation has to reach
them so.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from holdfast.roles import Role
from tests.aws.stack import AwsStack

LOOK_EVERY_SECONDS: Final = 1.0
"""Sooner than the kit's own minute, so that a test need not wait for one."""

_SECONDS: Final = 120.0
_PROGRAM: Final = """
import json, sys, threading
import holdfast
from holdfast.aws.secrets import SecretsManagerSource

failures, turns, stored, lock = [], [0], [0], threading.Lock()
stop, begun = threading.Event(), threading.Event()


def write(role, arn, session_id):
    source = SecretsManagerSource(arn, look_every_seconds=float(sys.argv[1]))
    with holdfast.connect(source, role=role, tenant="application") as store:
        count = 0
        while not stop.is_set():
            try:
                store.append(session_id, [{"n": count}], expected_seq=count)
            except holdfast.HoldfastError as error:
                with lock:
                    failures.append(f"{role}: {type(error).__name__}: {error}"[:300])
                stop.wait(0.2)
                continue
            count += 1
            with lock:
                turns[0] += 1
            begun.set()
            stop.wait(0.02)
        with lock:
            stored[0] += store.load(session_id).seq


secrets = dict(word.split("=", 1) for word in sys.argv[2:])
with holdfast.connect(secrets["svc"], tenant="application") as store:
    sessions = [
        (role, arn, store.create(ttl=holdfast.Ttl.chat(), history_limit=10000).session_id)
        for role, arn in secrets.items() for _ in range(2)
    ]
writers = [threading.Thread(target=write, args=arguments) for arguments in sessions]
for writer in writers:
    writer.start()
while not begun.wait(0.1) and any(writer.is_alive() for writer in writers):
    pass
print("begun", flush=True)
sys.stdin.read()
stop.set()
for writer in writers:
    writer.join()
print(json.dumps({"turns": turns[0], "stored": stored[0], "failures": failures}), flush=True)
"""


@dataclass
class Application:
    """What it saw; all of it only after it ended.

    Attributes:
        writers: how many there were.
        turns: that were acknowledged.
        stored: that the store has in the end.
        failures: requests that failed, in words.
    """

    writers: int
    turns: int = 0
    stored: int = -1
    failures: Sequence[str] = ()


@contextmanager
def application(stack: AwsStack, *roles: Role) -> Iterator[Application]:
    """Clients of these roles, two each, that write during the block; ``svc`` is one of them."""
    arns = stack.engine.outputs()["connection_secrets"]
    with subprocess.Popen(
        [
            *(sys.executable, "-c", _PROGRAM, str(LOOK_EVERY_SECONDS)),
            *(f"{role}={arns[role.value]}" for role in roles),
        ],
        cwd=stack.engine.project,
        env=stack.engine.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            begun = process.stdout.readline()
            assert begun == "begun\n", process.communicate(timeout=_SECONDS)
            seen = Application(2 * len(roles))
            yield seen
            told, errors = process.communicate(timeout=_SECONDS)
            assert process.returncode == 0, errors
            found = json.loads(told)
            seen.turns, seen.stored = found["turns"], found["stored"]
            seen.failures = tuple(found["failures"])
        finally:
            process.kill()
