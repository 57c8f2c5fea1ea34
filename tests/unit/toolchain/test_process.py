"""How the failure of another program is told."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from toolchain import process
from toolchain.errors import ToolchainError


def test_what_a_program_prints_is_returned(tmp_path: Path) -> None:
    assert process.output(["sh", "-c", "echo $WORD; pwd"], env={"WORD": "x"}, cwd=tmp_path) == (
        f"x\n{tmp_path}\n"
    )


def test_a_failure_tells_the_last_words_and_the_exit_code() -> None:
    with pytest.raises(ToolchainError, match=r"failed \(exit code 3\):\n  cannot reach it"):
        process.output(["sh", "-c", "echo cannot reach it >&2; exit 3"])


def test_lines_arrive_one_by_one_and_the_last_are_kept_for_the_failure() -> None:
    lines: list[str] = []
    with pytest.raises(ToolchainError, match=r"exit code 4.*\n  one\n  two"):
        process.stream(["sh", "-c", "echo one; echo two >&2; exit 4"], lines.append)
    assert lines == ["one", "two"]


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(ToolchainError, match="no-such-program is not installed"):
        process.output(["no-such-program"])


def test_a_full_disk_is_told_apart_from_other_failures() -> None:
    script = "echo 'write error (28: No space left on device)' >&2; exit 100"
    with pytest.raises(OSError, match="No space left") as raised:
        process.output(["sh", "-c", script])
    assert raised.value.errno == errno.ENOSPC


def test_a_program_that_hangs_is_given_up() -> None:
    with pytest.raises(ToolchainError, match=r"did not end within 0\.1 s"):
        process.output(["sleep", "10"], timeout_seconds=0.1)
