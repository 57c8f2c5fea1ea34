"""An interrupt reaches the program once, and its end is waited for."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from toolchain import foreground

PROGRAM = """
import signal, sys, time
caught = []
signal.signal(signal.SIGINT, lambda *_: caught.append(1))
print("ready", flush=True)
deadline = time.monotonic() + 10
while not caught and time.monotonic() < deadline:
    time.sleep(0.01)
time.sleep(0.1)
print(f"caught {len(caught)}", flush=True)
sys.exit(7)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_handed_on_once_and_the_end_waited_for(
    tmp_path: Path, number: signal.Signals
) -> None:
    lines = []

    def on_line(line: str) -> None:
        lines.append(line)
        if line == "ready":
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    ended = foreground.run([sys.executable, "-c", PROGRAM], env={}, cwd=tmp_path, on_line=on_line)
    assert lines == ["ready", "caught 1"]
    assert ended == foreground.Ended(7, True, "ready\ncaught 1")
    assert signal.getsignal(number) is before


def test_a_program_that_was_killed_ends_as_a_shell_would_say_it(tmp_path: Path) -> None:
    ended = foreground.run(["sh", "-c", "kill -9 $$"], env={}, cwd=tmp_path)
    assert ended == foreground.Ended(137, False)
