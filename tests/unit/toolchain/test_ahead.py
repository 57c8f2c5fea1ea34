"""Work beside other work: it gets done, and nothing of it outlives the block."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.processes import lives
from toolchain.ahead import beside


def wait_for(file: Path) -> str:
    deadline = time.monotonic() + 90
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return file.read_text()


def python(script: str, *arguments: Path) -> list[str]:
    return [sys.executable, "-c", script, *map(str, arguments)]


def test_what_runs_beside_a_block_does_its_work_at_the_lowest_priority(tmp_path: Path) -> None:
    script = "import os, sys; open(sys.argv[1], 'w').write(str(os.nice(0)))"
    with beside(python(script, tmp_path / "done")):
        assert wait_for(tmp_path / "done") == "19"


_PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(600)
"""


def test_what_outlasts_the_block_is_ended_with_its_children(tmp_path: Path) -> None:
    with beside(python(_PARENT, tmp_path / "pid")):
        child = int(wait_for(tmp_path / "pid"))
        assert lives(child)
    deadline = time.monotonic() + 30
    while lives(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)
