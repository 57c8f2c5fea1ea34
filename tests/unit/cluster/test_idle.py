from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from holdfast.cluster import idle

_FAR_SIDE = """
import pathlib, signal, sys, time
from holdfast.cluster.idle import occupied
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
with occupied(pathlib.Path(sys.argv[1])):
    print("in", flush=True)
    while not ended:
        time.sleep(0.01)
print("cleaned up", flush=True)
"""


def _start(folder: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", _FAR_SIDE, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "in\n"
    return child


def test_a_pod_that_nobody_uses_ends_by_itself(tmp_path: Path) -> None:
    why = idle.wait(tmp_path, threading.Event(), unused_seconds=0.1)
    assert why == "nobody has been here for 0.1 s"


def test_it_waits_while_a_far_side_works_and_ends_when_that_was_killed(tmp_path: Path) -> None:
    child = _start(tmp_path)
    assert idle.at_work(tmp_path) == [child.pid]
    said: list[str] = []
    waiting = threading.Thread(
        target=lambda: said.append(
            idle.wait(tmp_path, threading.Event(), unused_seconds=0.1, linger_seconds=0.2)
        )
    )
    waiting.start()
    waiting.join(0.6)
    assert waiting.is_alive()
    # Killed, it cannot take its mark away; the lock on it is what counts.
    child.kill()
    child.communicate()
    waiting.join(10)
    assert said == ["nobody has been here for 0.2 s"]
    assert idle.at_work(tmp_path) == []


def test_asked_to_end_it_lets_the_far_side_clean_up_first(tmp_path: Path) -> None:
    child = _start(tmp_path)
    ending = threading.Event()
    ending.set()
    assert idle.wait(tmp_path, ending) == "asked to end"
    assert child.communicate(timeout=10)[0] == "cleaned up\n"
    assert child.returncode == 0


def test_as_a_process_it_ends_well_on_sigterm(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "holdfast.cluster.idle"],
        stderr=subprocess.PIPE,
        text=True,
        # Far sides of somebody else are not its own to end.
        env=os.environ | {"PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)},
    )
    assert child.stderr is not None
    assert "waiting for a caller" in child.stderr.readline()
    child.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert "asked to end" in child.communicate(timeout=30)[1]
    assert child.returncode == 0
    assert time.monotonic() - began < 20
