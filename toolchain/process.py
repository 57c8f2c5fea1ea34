"""Running other programs: quietly, or line by line with their last words kept for the error."""

from __future__ import annotations

import errno
import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from toolchain.errors import ToolchainError

LAST_LINES = 25


def output(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_seconds: float | None = None,
) -> str:
    """Run a program and return its stdout.

    Args:
        argv: the program and its arguments.
        env: variables added to this process's own.
        cwd: its working directory.
        timeout_seconds: none by default.

    Raises:
        ToolchainError: it is not there, failed or took too long; its last lines are in the message.
        OSError: it failed because the disk is full.
    """
    try:
        result = subprocess.run(
            [str(part) for part in argv],
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolchainError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise ToolchainError(f"{_name(argv)} did not end within {timeout_seconds} s") from error
    if result.returncode != 0:
        raise _failure(argv, result.returncode, result.stderr or result.stdout)
    return result.stdout


def stream(
    argv: Sequence[str | Path],
    on_line: Callable[[str], None],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run a program and hand over each line of its output (stdout and stderr as one).

    Raises:
        ToolchainError: it is not there or failed; its last lines are in the message.
        OSError: it failed because the disk is full.
    """
    last: deque[str] = deque(maxlen=LAST_LINES)
    try:
        child = subprocess.Popen(
            [str(part) for part in argv],
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise ToolchainError(f"{argv[0]} is not installed") from error
    with child:
        assert child.stdout is not None  # noqa: S101 - PIPE was asked for
        try:
            for line in child.stdout:
                last.append(line.rstrip())
                on_line(line.rstrip())
        except BaseException:
            child.terminate()
            raise
    if child.returncode != 0:
        raise _failure(argv, child.returncode, "\n".join(last))


def _name(argv: Sequence[str | Path]) -> str:
    return " ".join(str(part) for part in argv[:3])


def _failure(argv: Sequence[str | Path], code: int, text: str) -> Exception:
    if os.strerror(errno.ENOSPC) in text:
        # Not a failure of what was tried: trying something else instead would fail too.
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    tail = "\n".join(f"  {line}" for line in text.strip().splitlines()[-LAST_LINES:])
    return ToolchainError(f"{_name(argv)} failed (exit code {code}):\n{tail}")
