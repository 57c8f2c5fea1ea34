"""Commands that run while writers are at work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from holdfast.errors import ConfigError, VerificationFailed
from holdfast.verify.drills.command import run_command


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_what_a_command_says_is_shown_on_stderr_and_nothing_on_stdout(
    capfd: pytest.CaptureFixture[str],
) -> None:
    run_command(python("import sys; print('out', flush=True); print('err', file=sys.stderr)"))
    shown = capfd.readouterr()
    assert shown.err.splitlines() == ["  out", "  err"]
    assert shown.out == ""


def test_a_command_that_fails_is_told_with_its_code_and_its_last_lines() -> None:
    with pytest.raises(VerificationFailed) as failed:
        run_command(python("[print('line', n) for n in range(40)]; raise SystemExit(7)"))
    text = str(failed.value)
    assert f"{sys.executable} ended with exit code 7" in text
    assert "line 39" in text
    assert "line 25" in text
    assert "line 24" not in text


def test_output_that_is_no_text_is_shown_and_does_not_end_the_drill(
    capfd: pytest.CaptureFixture[str],
) -> None:
    run_command(python(r"import sys; sys.stdout.buffer.write(b'a\xffb\n')"))
    assert "a\ufffdb" in capfd.readouterr().err


@pytest.fixture
def typed() -> Iterator[None]:
    """Somebody has typed yes already."""
    kept = os.dup(0)
    reading, writing = os.pipe()
    os.write(writing, b"yes\n")
    os.dup2(reading, 0)
    yield
    os.dup2(kept, 0)
    for number in (kept, reading, writing):
        os.close(number)


@pytest.mark.usefixtures("typed")
def test_a_command_that_asks_hears_nobody_and_does_not_wait() -> None:
    with pytest.raises(VerificationFailed, match="EOFError"):
        run_command(python("input('sure? ')"))


def test_a_program_that_is_not_there_is_a_wrong_argument() -> None:
    with pytest.raises(ConfigError, match=r"--while.*no-such-program-here"):
        run_command(("no-such-program-here", "--now"))
