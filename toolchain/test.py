"""``make test``: every suite that this machine can run, in one pytest run.

What cannot run is said first, with the reason; the last line is pytest's own, which counts all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from toolchain import ahead, foreground
from toolchain.env import prepend
from toolchain.errors import EXIT_FAILED, ToolchainError, run_command
from toolchain.paths import PROJECT, VENV
from toolchain.progress import say
from toolchain.pulumi_cli import find_pulumi
from toolchain.servers import MATRIX, ServerInstall, find_server
from toolchain.venv import ensure_venv

SUITES = ("unit", "policy", "local", "aws", "cluster", "apps")
NEED_TOOLS = frozenset({"local", "aws", "apps"})
"""Suites that run the Pulumi CLI and servers."""


@dataclass(frozen=True)
class Tools:
    """What the tests that need more than Python are given.

    Attributes:
        exports: variables for the tests.
        missing: for each tool that cannot be had, why.
    """

    exports: Mapping[str, str]
    missing: Mapping[str, str]


def gather_tools() -> Tools:
    """Get the Pulumi CLI and the servers of the matrix, as far as this machine can."""
    missing: dict[str, str] = {}
    folders = [VENV / "bin"]
    exports = {}
    try:
        pulumi = find_pulumi()
        folders += [pulumi.binary.parent, *filter(None, [pulumi.host_folder])]
    except ToolchainError as error:
        missing["the Pulumi CLI"] = str(error)
    found: list[ServerInstall] = []
    for engine, version in MATRIX:
        try:
            found.append(find_server(str(version), engine))
        except ToolchainError as error:
            missing[f"{engine} {version}"] = str(error)
    if found:
        exports["HOLDFAST_SERVER"] = str(found[0].server)
        exports["HOLDFAST_SERVER_CLI"] = str(found[0].cli)
        exports["HOLDFAST_TEST_SERVERS"] = server_list(found)
    exports["PATH"] = prepend(folders, os.environ.get("PATH", os.defpath))
    exports["PULUMI_SKIP_UPDATE_CHECK"] = "true"
    return Tools(exports, missing)


def server_list(found: Sequence[ServerInstall]) -> str:
    """The servers as the tests read them: ``9.1.2=/path,redis-7.0.15=/path``."""
    return ",".join(
        f"{'' if item.engine == 'valkey' else item.engine + '-'}{item.version}={item.server}"
        for item in found
    )


def plan(folder: Path, missing: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Which suites run, and why the others do not.

    Args:
        folder: of the suites.
        missing: tools that cannot be had, with the reason.
    """
    runs, left_out = [], {}
    have_servers = len(missing.keys() - {"the Pulumi CLI"}) < len(MATRIX)
    for suite in SUITES:
        if not any((folder / suite).rglob("test_*.py")):
            left_out[suite] = "no tests yet"
        elif suite in NEED_TOOLS and ("the Pulumi CLI" in missing or not have_servers):
            left_out[suite] = "it needs the Pulumi CLI and a server, see below"
        else:
            runs.append(suite)
    return runs, left_out


def main() -> int:
    """Run the suites; further arguments go to pytest, paths among them replace the suites."""
    arguments = sys.argv[1:]
    python = ensure_venv("all")
    tools = gather_tools()
    runs, left_out = plan(PROJECT / "tests", tools.missing)
    for suite, reason in left_out.items():
        say(f"not run: tests/{suite}: {reason}")
    for tool, reason in tools.missing.items():
        say(f"not tested with: {tool}: {reason}")
    if not runs:
        say("there is no test that this machine can run")
        return EXIT_FAILED
    named = any((PROJECT / argument.partition("::")[0]).exists() for argument in arguments)
    suites = [] if named else [f"tests/{suite}" for suite in runs]
    argv = [str(python), "-m", "pytest", *suites, *arguments]
    # The cluster's tests come last, and building its programs takes minutes once: the tests before
    # them keep one core busy, this takes the other.
    programs = [str(python), "-m", "toolchain.cluster.binaries"]
    builds = "cluster" in runs and not named and os.geteuid() == 0
    with ahead.beside(programs) if builds else nullcontext():
        return foreground.run(argv, env=tools.exports, cwd=PROJECT).code


if __name__ == "__main__":
    raise SystemExit(run_command(main))
