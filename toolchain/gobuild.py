"""Programs built from Go modules whose versions this project pins, with progress.

A module of ours (a folder with go.mod and go.sum) says what is built; nothing is resolved anew. No
C compiler is needed, and no path of the machine gets into the result.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from toolchain import cache, process
from toolchain.go import find_go, minimum, work_dir
from toolchain.progress import Task


@dataclass(frozen=True)
class Build:
    """What to build, and how.

    Attributes:
        title: for people: "the Pulumi CLI 3.259.0".
        module: the folder of go.mod and go.sum.
        packages: what is built; the programs are named after them.
        ldflags: for the linker.
        tags: build tags.
    """

    title: str
    module: Path
    packages: tuple[str, ...]
    ldflags: str = "-s -w"
    tags: tuple[str, ...] = ()


def digest(*files: Path) -> str:
    """A short name for the content of files, for the names of cache entries."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


def sources(build: Build) -> list[Path]:
    """The files of a module that decide what comes out: its own code and the pins."""
    return sorted([*build.module.rglob("*.go"), *build.module.glob("go.*")])


def compile_into(folder: Path, build: Build, *, more_to_come: bool = False) -> None:
    """Build programs into a folder.

    Args:
        folder: there already; gets one program a package.
        build: what and how.
        more_to_come: keep what the next build can use too; ``drop_caches`` ends that.

    Raises:
        ToolchainError: Go or a module cannot be had, or something does not compile.
    """
    with _alone():
        _compile(folder, build)
    if not more_to_come:
        drop_caches()


def drop_caches() -> None:
    """Remove what builds with an unpacked Go left: gigabytes of modules and compiled packages."""
    if work_dir().exists():
        with _alone():
            shutil.rmtree(work_dir(), ignore_errors=True)


def _alone() -> AbstractContextManager[None]:
    # One at a time: a build must not lose its modules to the end of another, and two at once are
    # no faster.
    return cache.locked(cache.cache_dir() / "locks" / "go-build.lock", "building Go modules")


def _compile(folder: Path, build: Build) -> None:
    go = find_go(minimum((build.module / "go.mod").read_text()))
    # Not in /tmp, which on some machines is small and in memory.
    scratch = folder / ".scratch"
    scratch.mkdir()
    tags = [f"-tags={','.join(build.tags)}"] if build.tags else []
    env = {
        **go.env,
        "GOTMPDIR": str(scratch),
        "CGO_ENABLED": "0",
        "GOFLAGS": " ".join(["-mod=readonly", "-modcacherw", *tags, "-trimpath"]),
    }
    listed: set[str] = set()
    with Task(f"fetching the modules of {build.title}") as task:
        fetched = 0

        def on_line(line: str) -> None:
            nonlocal fetched
            if line.startswith("go: downloading"):
                fetched += 1
                task.detail = f"{fetched} modules"
            else:
                listed.add(line)

        argv: Sequence[str | Path] = [go.binary, "list", "-deps", *build.packages]
        process.stream(argv, on_line, env=env, cwd=build.module)
    with Task(f"building {build.title} (minutes, once)") as task:
        compiled = 0

        def on_package(_: str) -> None:
            nonlocal compiled
            compiled += 1
            task.detail = f"{compiled} of at most {len(listed)} packages"

        # With the slash it is a folder, also where there is only one package.
        argv = [go.binary, "build", "-v", "-ldflags", build.ldflags, "-o", f"{folder}/"]
        process.stream([*argv, *build.packages], on_package, env=env, cwd=build.module)
    shutil.rmtree(scratch)
