"""Commands that are typed at a terminal: one shell, answered questions, codes that count."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.typed import Typed, run_typed


def typed(
    folder: Path, *commands: str, code: int = 0, deadline_seconds: float = 20.0
) -> list[Typed]:
    return run_typed(
        commands,
        folder=folder,
        environment={"PATH": os.environ["PATH"]},
        code=lambda _: code,
        deadline_seconds=deadline_seconds,
    )


def test_the_shell_keeps_what_was_set_and_what_it_runs_sees_a_terminal(tmp_path: Path) -> None:
    first, second = typed(tmp_path, "NAME=chat", 'test -t 0 && echo "[$NAME]"')
    assert first.shown == ""
    assert second.shown.split() == ["[chat]"]
    assert second.seconds < 20


def test_questions_are_answered_once_a_command(tmp_path: Path) -> None:
    asks = "read -p 'Rotate passwords of the stack chat? [y/N] ' said; echo \"said $said\""
    names = "read -p 'that you mean it by typing `chat`: ' said; echo \"said $said\""
    update = "read -p 'Do you want to perform this update? ' said; echo \"said $said\""
    said = [one.shown.split()[-1] for one in typed(tmp_path, asks, names, asks, update)]
    assert said == ["y", "chat", "y", "yes"]


def test_an_unwanted_exit_code_fails_and_shows_what_the_command_showed(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"(?s)\$ echo why; false\nwhy.*exit code 1"):
        typed(tmp_path, "echo why; false", "touch later")
    assert not (tmp_path / "later").exists()


def test_a_command_that_is_expected_to_fail_and_does_not_fails(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="exit code 0, wanted 1"):
        typed(tmp_path, "true", code=1)


def test_a_command_without_an_end_is_killed(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"(?s)at\n\$ sleep 60"):
        typed(tmp_path, "true", "sleep 60", deadline_seconds=6.0)
