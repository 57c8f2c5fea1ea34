"""Types commands at a terminal, one after another in one shell, as a page's reader would.

What a command asks there is answered with yes; the shell keeps what earlier commands set.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

_SIZE: Final = (50, 200)
_ENDED: Final = re.compile(r"@@ ended with (\d+) @@\r?\n")
_LONGEST: Final = 300
"""Of what is looked for in what the terminal shows; an update's progress is megabytes."""

_WHERE_IS_THE_CURSOR: Final = "\x1b[6n"
_CONTROLS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_QUESTIONS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    (re.compile(r"Do you want to perform this \w+\?"), lambda _: "yes\r"),
    (re.compile(r"by typing `([^`]+)`"), lambda asked: f"{asked.group(1)}\r"),
    (re.compile(r"\? \[y/N\] "), lambda _: "y\r"),
)
"""Of Pulumi and of the kit's own commands."""


@dataclass(frozen=True)
class Typed:
    """One command at its end.

    Attributes:
        command: as it was typed.
        shown: what the terminal showed, without its control sequences.
        seconds: that it took.
    """

    command: str
    shown: str
    seconds: float


def run_typed(
    commands: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    code: Callable[[str], int],
    deadline_seconds: float,
) -> list[Typed]:
    """Run commands in one shell at a terminal. Fails the test at an unwanted exit code.

    Args:
        commands: a line of shell each.
        folder: where the shell is.
        environment: of the shell.
        code: the exit code that a command is to have.
        deadline_seconds: for all together; then the shell is killed, and the test fails.
    """
    deadline = time.monotonic() + deadline_seconds
    done: list[Typed] = []
    script = "".join(_line(command, code(command)) for command in commands)
    with _shell(script, folder, environment) as terminal:
        began, heard = time.monotonic(), ""
        answered: set[str] = set()
        for text in _heard(terminal, deadline):
            for _ in range(text.count(_WHERE_IS_THE_CURSOR)):
                os.write(terminal, b"\x1b[1;1R")
            since = max(len(heard) - _LONGEST, 0)
            heard += _CONTROLS.sub("", text)
            while (ended := _ENDED.search(heard, since)) is not None:
                now = time.monotonic()
                last = Typed(commands[len(done)], heard[: ended.start()], now - began)
                done.append(last)
                if int(ended.group(1)) != code(last.command):
                    pytest.fail(
                        f"$ {last.command}\n{last.shown}\nexit code {ended.group(1)}, "
                        f"wanted {code(last.command)}",
                        pytrace=False,
                    )
                began, heard, since = now, heard[ended.end() :], 0
                answered.clear()
            for question, answer in _QUESTIONS:
                asked = question.search(heard, since)
                # A question is drawn anew at every key that answers it.
                if asked is not None and question.pattern not in answered:
                    answered.add(question.pattern)
                    os.write(terminal, answer(asked).encode())
        if len(done) < len(commands):
            stuck = f"the shell ended, or {deadline_seconds:g} s were over, at"
            pytest.fail(f"{stuck}\n$ {commands[len(done)]}\n{heard}", pytrace=False)
    return done


def _line(command: str, code: int) -> str:
    """For the script: the command, its end told, and no more after an unwanted one."""
    told = "typed=$?; printf '@@ ended with %d @@\\n' \"$typed\""
    return f'{command}\n{told}; [ "$typed" = {code} ] || exit\n'


@contextmanager
def _shell(script: str, folder: Path, environment: Mapping[str, str]) -> Iterator[int]:
    """A shell at a terminal of its own; killed at the end with what it runs."""
    terminal, theirs = os.openpty()
    termios.tcsetwinsize(theirs, _SIZE)
    try:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env={**environment, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
    finally:
        os.close(theirs)
    try:
        yield terminal
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
        os.close(terminal)


def _heard(terminal: int, deadline: float) -> Iterator[str]:
    """What the terminal shows, piece by piece, until it is closed or the time is over."""
    kept = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([terminal], [], [], left)[0]:
            return
        try:
            read = os.read(terminal, 65536)
        except OSError:  # as Linux says that nobody has the other end any more
            return
        if not read:
            return
        kept += read
        # A control sequence that was cut in two waits for its other half.
        cut = kept.rfind(b"\x1b")
        whole = cut < 0 or re.match(rb"\x1b\[[0-9;?]*[A-Za-z]", kept[cut:]) or len(kept) - cut > 16
        if whole:
            yield kept.decode(errors="replace")
            kept = b""
