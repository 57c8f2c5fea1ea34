"""Running a program that a person may interrupt, and that then has to end in good order.

Ctrl-C at a terminal goes to every process of the group at once; some of them would end before the
one that coordinates them. So the program gets a group of its own, and each interrupt is handed on
to it alone, once; it decides how to end, and this waits for it. A termination is handed on as an
interrupt too: that is what programs clean up after.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from toolchain.process import LAST_LINES

HANDED_ON = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        code: its exit code; 128 and the number of the signal where one killed it.
        interrupted: whether an interrupt was handed on to it.
        last_lines: the end of its output, where it was read.
    """

    code: int
    interrupted: bool
    last_lines: str = ""


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    on_line: Callable[[str], None] | None = None,
) -> Ended:
    """Run a program to its end, handing interrupts on to it.

    Args:
        argv: the program and its arguments.
        env: variables added to this process's own.
        cwd: its working directory.
        on_line: gets each line of its stdout and stderr; without it they are this process's own.
    """
    last: deque[str] = deque(maxlen=LAST_LINES)
    arrived = 0
    child: subprocess.Popen[str] | None = None

    def hand_on(_: int, __: FrameType | None) -> None:
        nonlocal arrived
        arrived += 1
        if child is not None:
            child.send_signal(signal.SIGINT)

    # Before it starts, so that no interrupt can end this process and leave the program behind.
    before = {number: signal.signal(number, hand_on) for number in HANDED_ON}
    try:
        pipe = None if on_line is None else subprocess.PIPE
        child = subprocess.Popen(
            [str(part) for part in argv],
            env={**os.environ, **env},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=None if pipe is None else subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        if arrived:
            child.send_signal(signal.SIGINT)
        with child:
            for line in child.stdout or ():
                last.append(line.rstrip())
                if on_line is not None:
                    on_line(line.rstrip())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    # As a shell would say it; a negative one cannot be handed on.
    code = child.returncode if child.returncode >= 0 else 128 - child.returncode
    return Ended(code, arrived > 0, "\n".join(last))
