"""A command that is run while writers are at work."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from typing import Final

from holdfast.errors import ConfigError, VerificationFailed

_LAST_LINES: Final = 15


def run_command(command: Sequence[str]) -> None:
    """Run it to its end; what it prints is shown on stderr as it comes.

    Ctrl-C reaches it as it reaches this process, and it ends by itself.

    Raises:
        ConfigError: there is no such program.
        VerificationFailed: it failed.
    """
    last: deque[str] = deque(maxlen=_LAST_LINES)
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise ConfigError(
            "--while", command[0], "a program that can be run", error.strerror or "correct it"
        ) from None
    with child:
        assert child.stdout is not None  # noqa: S101 - PIPE was asked for
        for line in child.stdout:
            last.append(line.rstrip())
            sys.stderr.write(f"  {line.rstrip()}\n")
    if child.returncode != 0:
        raise VerificationFailed(
            f"{command[0]} ended with exit code {child.returncode}:\n" + "\n".join(last)
        )
