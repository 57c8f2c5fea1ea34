"""What `make env` prints can be evaluated by a shell, any number of times."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from toolchain.env import name_of_user, prepend, shell_lines


def test_a_shell_gets_every_value_as_it_is() -> None:
    exports = {"A": "plain", "B": "with space", "C": 'it\'s $HOME `id` "x"\nnext'}
    script = shell_lines(exports) + 'printf \'%s|\' "$A" "$B" "$C"'
    printed = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert printed.stdout == "|".join(exports.values()) + "|"


def test_folders_stand_first_once_however_often_they_are_put_there() -> None:
    folders = [Path("/venv/bin"), Path("/cli")]
    once = prepend(folders, "/usr/bin:/cli::/bin")
    assert once == "/venv/bin:/cli:/usr/bin:/bin"
    assert prepend(folders, once) == once


def test_a_user_without_a_name_gets_one_and_others_keep_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert name_of_user({}) == {}
    monkeypatch.setattr("os.getuid", lambda: 987654321)
    assert name_of_user({}) == {"USER": "uid-987654321"}
    assert name_of_user({"USER": "ann"}) == {}
