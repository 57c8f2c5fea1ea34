"""A new user's walk through docs/targets.md on AWS, typed word by word as the page has it.

Emulation: moto and real Valkey on one machine; the official plugin and AWS were not run. The page
offers the emulation to whoever has no account, so the walk takes these lines too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.aws.left_over import left_over
from tests.engine import PROJECT, require_engine
from tests.servers import Install
from tests.standin.aws.emulator.lifetime import Emulator, attach, take_down
from tests.typed import Typed, run_typed
from toolchain.cache import cache_dir
from toolchain.machine import search_path
from toolchain.paths import VENV
from toolchain.venv import ensure_venv

pytestmark = [pytest.mark.timeout(1200), pytest.mark.whole]

WALK_SECONDS: Final = 1000.0
EMULATOR: Final = "aws-emulator"
GUARD: Final = "scripts/preview_guard.py"
NOT_A_READERS: Final = ("AWS_", "CI", "GITHUB_", "GITLAB_", "HOLDFAST_", "PULUMI_")
"""Variables that a reader's shell has not: of this run, and of hosted machines."""


def walk() -> list[str]:
    """The commands of the page's section on AWS, up to where it turns from telling to listing."""
    page = (PROJECT / "docs" / "targets.md").read_text()
    section = page.split("\n## aws\n")[1].split("\n### What it makes\n")[0]
    blocks = re.findall(r"^```\n(.*?)^```$", section, re.M | re.S)
    return [line for block in blocks for line in block.splitlines()]


def region(commands: list[str]) -> str:
    """Where the page has the store."""
    (found,) = {line.split()[-1] for line in commands if "holdfast:region" in line}
    return found


@dataclass(frozen=True)
class Reader:
    """Somebody with a fresh copy of the checkout and no login anywhere.

    Attributes:
        checkout: the copy.
        environment: of the shell.
        cache: what the toolchain has got before, and where the emulator will be.
    """

    checkout: Path
    environment: Mapping[str, str]
    cache: Path

    def emulator(self) -> Emulator:
        """The one that the page's command has brought up."""
        found = attach(self.cache / EMULATOR)
        assert found is not None
        return found


@pytest.fixture
def reader(server_install: Install, tmp_path: Path) -> Iterator[Reader]:
    require_engine()
    # The copy shares this environment: were it not up to date, the walk would change it.
    ensure_venv("all")
    checkout, cache = tmp_path / "checkout", tmp_path / "cache" / "holdfast"
    not_in_a_clone = shutil.ignore_patterns(".*", "Pulumi.*.yaml", "build", "dist", "plan.json")
    shutil.copytree(PROJECT, checkout, ignore=not_in_a_clone, symlinks=True)
    (checkout / ".venv").symlink_to(VENV)
    cache.mkdir(parents=True)
    for entry in cache_dir().iterdir():
        if entry.name != EMULATOR:
            (cache / entry.name).symlink_to(entry)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(NOT_A_READERS)}
    environment = {
        **kept,
        "PATH": search_path(os.environ, (cache_dir(), PROJECT)),
        # What `toolchain.venv` installs is this checkout, and in the copy it is the copy.
        "PYTHONPATH": str(checkout),
        "PULUMI_HOME": str(tmp_path / "pulumi-home"),
        "XDG_CACHE_HOME": str(cache.parent),
    }
    try:
        yield Reader(checkout, environment, cache)
    finally:
        take_down(cache / EMULATOR)


def shown(done: list[Typed], begin: str) -> str:
    """What the commands showed that begin like this."""
    return "".join(one.shown for one in done if one.command.startswith(begin))


def test_the_walk_works_as_the_page_has_it_and_leaves_nothing(reader: Reader) -> None:
    commands = walk()
    done = run_typed(
        commands,
        folder=reader.checkout,
        environment=reader.environment,
        code=lambda command: 1 if command.startswith(GUARD) else 0,
        deadline_seconds=WALK_SECONDS,
    )
    for one in done:
        sys.stderr.write(f"{one.seconds:6.1f} s  {one.command}\n")
    assert re.search(r"holds: \d+ ok", shown(done, "scripts/smoke.py"))
    assert "to create" in shown(done, "pulumi preview")
    refused = shown(done, GUARD)
    assert "aws:elasticache/replicationGroup:ReplicationGroup" in refused
    assert re.search(r"cost a month: \$\d+ before, \$\d+ after", refused)
    assert "passwords of chat: rotated" in shown(done, "scripts/rotate.py passwords")

    emulator, where = reader.emulator(), region(commands)

    def client(service: str) -> Any:  # noqa: ANN401 - of boto3
        return emulator.client(service, region_name=where)

    assert left_over(client) == {}
    subprocess.run(
        [VENV / "bin" / "python", "-m", "tests.standin.aws.emulator", "down"],
        cwd=reader.checkout,
        env=dict(reader.environment),
        check=True,
    )
    assert attach(reader.cache / EMULATOR) is None
