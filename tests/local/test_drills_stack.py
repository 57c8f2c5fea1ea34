"""The drill command on a stack of the real engine, which brings back what a drill killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.connection import Topology
from holdfast.verify.result import ExitCode
from tests.engine import PROJECT
from tests.local.stack import LocalStack
from tests.servers import Install, wait_until

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, server_install: Install
) -> Iterator[LocalStack]:
    stack = LocalStack.prepare(tmp_path_factory.mktemp("drills"), Topology.SENTINEL, server_install)
    stack.engine.set_config("downAfterMs", "1000")
    try:
        stack.up()
        yield stack
    finally:
        stack.engine.destroy()


def command(stack: LocalStack, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, str(PROJECT / "scripts" / "drill.py"), "--json"),
            *("--stack", stack.engine.stack, "--timeout-seconds", "90", *arguments),
        ],
        cwd=stack.engine.project,
        # The same code that the stack was deployed with.
        env={**stack.engine.environment, "PYTHONPATH": str(stack.engine.project)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def drill(stack: LocalStack, *names: str) -> dict[str, dict[str, Any]]:
    """What does not depend on how busy this machine is has to hold."""
    ended = command(stack, *names)
    out, err = ended.communicate(timeout=500)
    assert ended.returncode in (ExitCode.PASS, ExitCode.CHECK_FAILED), err
    found = {result["drill"]: result for result in json.loads(out)["drills"]}
    assert set(found) == set(names), err
    for result in found.values():
        late = [f for f in result["failures"] if "resumed after" in f or "paused for" in f]
        assert result["failures"] == late
        assert result["figures"]["duplicates"] == result["figures"]["lost_confirmed"] == 0
        assert result["agreement"]
    return found


def wait_for_the_freeze(running: subprocess.Popen[str], note: Path) -> None:
    """Wait for the drill's note; a drill that ended instead says why."""
    wait_until(
        "the primary to be frozen",
        lambda: note.exists() or running.poll() is not None,
        seconds=120,
    )
    assert running.poll() is None, running.communicate()[1]


def test_a_sentinel_that_missed_a_failover_comes_back_without_harm(stack: LocalStack) -> None:
    # It was once told of the new primary and kept it among the replicas.
    found = drill(stack, "sentinel-lost")
    assert found["sentinel-lost"]["figures"]["acknowledged"] > 0
    assert len(stack.alive()) == 6


def test_neither_a_stale_nor_an_empty_server_costs_the_others_their_data(
    stack: LocalStack,
) -> None:
    found = drill(stack, "cold-start", "primary-reborn-empty")
    assert found["cold-start"]["figures"]["lost"] == 0
    assert len(stack.alive()) == 6


def test_what_an_interrupted_or_killed_drill_left_is_put_back(stack: LocalStack) -> None:
    note = stack.data_dir / "drill.json"
    first = command(stack, "freeze-primary")
    wait_for_the_freeze(first, note)
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=200)
    assert first.returncode == ExitCode.INTERRUPTED, err
    assert not note.exists()
    second = command(stack, "freeze-primary")
    wait_for_the_freeze(second, note)
    second.kill()
    second.communicate(timeout=20)
    assert note.exists()
    third = command(stack, "kill-primary")
    _, err = third.communicate(timeout=200)
    assert "an earlier drill was killed" in err
    assert "another drill is under way" in err
    assert third.returncode == ExitCode.CHECK_FAILED
    assert not note.exists()
    assert not [pid for pid in stack.nodes().values() if _is_frozen(pid)]


def test_a_stack_that_is_called_production_is_left_alone(stack: LocalStack) -> None:
    stack.engine.set_config("preset", "prod")
    stack.up()
    try:
        ended = command(stack, "kill-primary")
        _, err = ended.communicate(timeout=200)
        assert ended.returncode == ExitCode.USAGE
        assert "--i-know" in err
    finally:
        stack.engine.set_config("preset", "dev")


def _is_frozen(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
