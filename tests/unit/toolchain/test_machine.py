"""What belongs to the machine, and what to this or another checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolchain import machine
from toolchain.paths import STATE


def test_folders_of_the_toolchain_are_no_part_of_the_machines_path() -> None:
    environment = {"PATH": "/cache/pulumi/3:/usr/bin::/cache-of-mine:/bin"}
    assert machine.search_path(environment, (Path("/cache"),)) == "/usr/bin:/cache-of-mine:/bin"


@pytest.mark.parametrize(
    ("value", "foreign"),
    [
        ("file:///other/checkout/.holdfast/pulumi", True),
        ("/other/checkout/.holdfast/passphrase", True),
        (f"file://{STATE}/pulumi", False),
        ("file:///home/me/state", False),
        ("https://api.example", False),
        ("true", False),
    ],
)
def test_settings_of_another_checkout_are_known(value: str, foreign: bool) -> None:
    assert machine.of_another_checkout(value) is foreign
