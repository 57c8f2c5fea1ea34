"""The emulator's commands: up, status, env, down, and what a kill leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standin.aws.emulator.layout import Layout

_SECONDS = 110


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.standin.aws.emulator", *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


@pytest.fixture(name="folder")
def fixture_folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "emulator"
    yield folder
    command("down", "--dir", str(folder))


def pid_of(folder: Path) -> int:
    state = Layout(folder).read_state()
    assert state is not None
    return state.pid


def wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while Layout(folder).held():
        assert time.monotonic() < deadline, "the process is still there"
        time.sleep(0.02)


def test_it_comes_up_once_tells_its_environment_and_leaves_nothing(folder: Path) -> None:
    at = ("--dir", str(folder))
    up = command("up", *at, "--no-data-plane")
    assert up.returncode == 0, up.stderr
    assert "up: http://127.0.0.1:" in up.stderr
    pid = pid_of(folder)
    again = command("up", *at, "--no-data-plane")
    assert (again.returncode, pid_of(folder)) == (0, pid)
    assert "it is up already" in again.stderr
    assert command("status", *at).returncode == 0

    text = command("env", *at).stdout
    script = f"{text}exec {sys.executable} -c '{_CALLER}'"
    caller = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=_SECONDS, check=True
    )
    assert caller.stdout.strip() == "123456789012"

    down = command("down", *at)
    assert down.returncode == 0, down.stderr
    assert not folder.exists()
    assert command("status", *at).returncode == 1
    assert command("env", *at).returncode == 2
    assert command("down", *at).returncode == 0


_CALLER = """
import boto3
print(boto3.client("sts").get_caller_identity()["Account"])
"""


def test_after_a_kill_it_comes_up_again_without_what_was_there(folder: Path) -> None:
    at = ("--dir", str(folder))
    assert command("up", *at, "--no-data-plane").returncode == 0
    (Layout(folder).snapshots / "left").touch()
    os.kill(pid_of(folder), signal.SIGKILL)
    wait_until_gone(folder)
    assert command("status", *at).returncode == 1
    assert command("up", *at, "--no-data-plane").returncode == 0
    assert list(Layout(folder).snapshots.iterdir()) == []
    assert command("down", *at).returncode == 0
    assert not folder.exists()


def test_what_a_kill_left_goes_with_down(folder: Path) -> None:
    at = ("--dir", str(folder))
    assert command("up", *at, "--no-data-plane").returncode == 0
    os.kill(pid_of(folder), signal.SIGKILL)
    wait_until_gone(folder)
    assert command("down", *at).returncode == 0
    assert not folder.exists()


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    for name in ("up", "down"):
        refused = command(name, "--dir", str(tmp_path))
        assert refused.returncode == 2
        assert "holds other files" in refused.stderr
    assert (tmp_path / "mine").read_text() == "kept"


def test_one_of_a_test_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = """
import json, os, sys
from pathlib import Path
from tests.standin.aws.emulator import running
folder = Path(sys.argv[1])
with running(folder) as emulator:
    print(json.dumps(emulator.state.pid), flush=True)
    sys.stdin.read()
"""
    folder = tmp_path / "emulator"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == pid_of(folder)
        process.kill()
        process.wait()
    wait_until_gone(folder)
    assert not Layout(folder).state_file.exists()
