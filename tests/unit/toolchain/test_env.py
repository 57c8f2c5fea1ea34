"""What `make env` prints can be evaluated by a shell, any number of times."""

from __future__ import annotations

import subprocess
from pathlib import Path

from toolchain.env import prepend, shell_lines


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
