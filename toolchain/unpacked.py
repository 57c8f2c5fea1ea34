"""Servers unpacked from Debian packages, run with their own loader and libraries.

So a server built for a newer suite runs on an older system, and nothing needs to be installed.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolchain import apt, process
from toolchain.errors import ToolchainError
from toolchain.progress import say
from toolchain.versions import Version, parse_package, parse_server, same_series

PROGRAMS = ("server", "cli", "sentinel", "benchmark")
RECORD = "origin.json"
LIBRARY = re.compile(r"lib.+\.so(\.\d+)+")

# The kernel runs the loader as this very process, so the wrapper's process id is the server's.
# Paths are relative to the wrapper, so that the cache may be moved. --argv0 keeps the program's
# name in the process list, and its path is how the server knows that it is to be a Sentinel.
WRAPPER = """#!/bin/sh
root="${{0%/*}}/.."
exec "$root/{loader}" --argv0 "$0" --library-path "{libraries}" "$root/{program}" "$@"
"""


def unpack_server(
    engine: str, wanted: Version, suites: Mapping[str, Sequence[str]], folder: Path
) -> None:
    """Fill a folder with the packages of a server and ``bin/`` with programs that run.

    Args:
        engine: "valkey" or "redis"; the packages are named after it.
        wanted: the oldest version to take. Another series is taken only when it is newer, and said.
        suites: where to look, in this order, by distribution; "" is the suite of the machine.
        folder: empty, filled by this.

    Raises:
        ToolchainError: no suite has such a version, or what was unpacked does not run.
    """
    tools = (f"{engine}-server", f"{engine}-tools")
    tried = []
    for mirror in apt.mirrors():
        for suite in dict.fromkeys(suite or mirror.suite for suite in suites[mirror.distribution]):
            try:
                with apt.Archive(mirror, suite, folder / ".apt") as archive:
                    archive.refresh()
                    candidate = archive.packages(tools).get(tools[0])
                    version = parse_package(candidate.version) if candidate else None
                    if version is None or not acceptable(version, wanted):
                        tried.append(f"{suite}: {engine}-server {version or 'is not there'}")
                        continue
                    archive.download(archive.closure(tools), folder)
            except ToolchainError as error:
                tried.append(f"{suite}: {error}")
                continue
            if version != wanted:
                say(f"{suite} has {engine} {version} by now; taking it for {wanted}")
            write_wrappers(engine, folder)
            _verify(engine, version, folder)
            record = {"suite": suite, "version": str(version)}
            (folder / RECORD).write_text(json.dumps(record) + "\n")
            return
    raise ToolchainError("\n".join(tried) or "this machine's apt has no Debian or Ubuntu archive")


def acceptable(found: Version, wanted: Version) -> bool:
    """Whether a suite's version will do: the wanted series, or anything newer for the newest."""
    newest = wanted >= Version(9)
    return same_series(found, wanted) or (newest and found >= wanted)


def origin(root: Path) -> str:
    """The suite that an unpacked server came from."""
    record = json.loads((root / RECORD).read_text())
    return str(record["suite"])


def write_wrappers(engine: str, root: Path) -> None:
    """Write ``bin/<engine>-server`` and its kin, which start the unpacked programs.

    Raises:
        ToolchainError: the packages hold no loader.
    """
    # In /lib64 stands a symbolic link to an absolute path; the file itself is what is wanted.
    loaders = [path for path in sorted(root.rglob("ld-linux-*.so.*")) if not path.is_symlink()]
    if not loaders:
        raise ToolchainError(f"the unpacked C library has no loader for {platform.machine()}")
    shared = (path for path in root.rglob("lib*.so.*") if LIBRARY.fullmatch(path.name))
    folders = {path.parent for path in shared}
    libraries = ":".join(f"$root/{path.relative_to(root)}" for path in sorted(folders))
    (root / "bin").mkdir()
    for name in PROGRAMS:
        program = Path("usr/bin") / f"{engine}-{name}"
        if not (root / program).exists():
            continue
        wrapper = root / "bin" / program.name
        text = WRAPPER.format(
            loader=loaders[0].relative_to(root), libraries=libraries, program=program
        )
        wrapper.write_text(text)
        wrapper.chmod(0o755)


def _verify(engine: str, version: Version, root: Path) -> None:
    printed = process.output([root / "bin" / f"{engine}-server", "--version"])
    found = parse_server(printed)[1]
    if found != version:
        raise ToolchainError(f"the unpacked {engine}-server is {found}, its package said {version}")
