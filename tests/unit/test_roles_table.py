"""The roles as documentation shows them."""

from __future__ import annotations

import subprocess
import sys

from holdfast.roles import Role
from holdfast.roles_table import markdown_table


def test_the_table_names_every_role_and_is_what_the_module_prints() -> None:
    table = markdown_table()
    for role in Role:
        assert f"| `{role}` |" in table
    for line in table.splitlines():
        if line.startswith("|"):
            assert line.replace(r"\|", "").count("|") in (5, 6)
    printed = subprocess.run(
        [sys.executable, "-m", "holdfast.roles_table"], capture_output=True, text=True, check=True
    )
    assert printed.stdout == table
