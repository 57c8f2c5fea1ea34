"""The project's Python environment, made from a lock and left alone while the lock is the same."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

from toolchain import cache, pip, process
from toolchain.errors import run_command
from toolchain.paths import PROJECT, REQUIREMENTS, STATE, VENV
from toolchain.progress import say

LOCKS = {"local": REQUIREMENTS / "local.lock", "all": REQUIREMENTS / "all.lock"}
"""What the local target needs; everything, tools for development included."""

STAMP = "holdfast-stamp.json"
UNFINISHED = "holdfast-unfinished"
MINIMUM_PYTHON = (3, 11)


def stamp_key(lock: str, project: str, python: str) -> str:
    """What an environment was made from, as one hash.

    Args:
        lock: text of the lock file.
        project: text of pyproject.toml; only what an installation depends on counts.
        python: version of the environment's Python.
    """
    tables = tomllib.loads(project)
    installed = {"project": tables.get("project"), "build": tables.get("build-system")}
    parts = (lock, json.dumps(installed, sort_keys=True), ".".join(python.split(".")[:2]))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def satisfied(stamps: dict[str, str], keys: dict[str, str], level: str) -> bool:
    """Whether an environment with these stamps will do; "all" holds what "local" needs."""
    return any(stamps.get(name) == keys[name] for name in dict.fromkeys((level, "all")))


def ensure_venv(level: str = "local") -> Path:
    """Make the environment, or bring it up to date.

    Args:
        level: a key of ``LOCKS``.

    Returns:
        The environment's Python.

    Raises:
        ToolchainError: a package cannot be had.
    """
    if _is_current(level):
        return _python()
    with cache.locked(STATE / "venv.lock", "setting up the Python environment"):
        if not _is_current(level):
            _make("all" if "all" in _stamps() else level)
    return _python()


def _python() -> Path:
    return VENV / "bin" / "python"


def _stamps() -> dict[str, str]:
    path = VENV / STAMP
    if not path.exists():
        return {}
    try:
        stamps = json.loads(path.read_text())
    except json.JSONDecodeError:
        return {}
    return stamps if isinstance(stamps, dict) else {}


def _python_version() -> str | None:
    configuration = VENV / "pyvenv.cfg"
    # A dangling link is what stays when the system's Python was replaced.
    if not configuration.exists() or not _python().exists():
        return None
    found = re.search(r"^version(?:_info)? *= *(\d+\.\d+)", configuration.read_text(), re.M)
    return found.group(1) if found else None


def _keys(python: str) -> dict[str, str]:
    project = (PROJECT / "pyproject.toml").read_text()
    return {name: stamp_key(lock.read_text(), project, python) for name, lock in LOCKS.items()}


def _is_current(level: str) -> bool:
    python = _python_version()
    return python is not None and satisfied(_stamps(), _keys(python), level)


def _make(level: str) -> None:
    version = _python_version()
    if VENV.exists() and _is_broken(version):
        say(f"{VENV.name} is unfinished or of another Python; making it anew")
        shutil.rmtree(VENV)
    python = _python()
    if not VENV.exists():
        # Without pip, as ensurepip is missing on a fresh Debian; pip.wheel() gets it there too.
        process.output([sys.executable, "-m", "venv", "--without-pip", VENV])
    (VENV / STAMP).unlink(missing_ok=True)
    (VENV / UNFINISHED).touch()
    if not list(VENV.glob("lib/python*/site-packages/pip/__init__.py")):
        # The official language host asks the environment's pip which packages there are.
        own = ["--quiet", "--no-index", "--no-deps", str(pip.wheel())]
        process.output([python, "-m", "pip", "install", *own], env=pip.environment(python))
    pip.install_lock(python, LOCKS[level], f"installing Python packages ({level})")
    project = ["--quiet", "--no-deps", "--no-build-isolation", "-e", "."]
    process.output(
        [python, "-m", "pip", "install", *project], env=pip.environment(python), cwd=PROJECT
    )
    made = {level: _keys(_python_version() or "")[level]}
    (VENV / STAMP).write_text(json.dumps(made) + "\n")
    (VENV / UNFINISHED).unlink()


def _is_broken(version: str | None) -> bool:
    if version is None or (VENV / UNFINISHED).exists():
        return True
    return tuple(int(part) for part in version.split(".")) < MINIMUM_PYTHON


def main() -> int:
    """Make the project's environment and print its Python."""
    parser = argparse.ArgumentParser(prog="toolchain.venv", description=main.__doc__)
    parser.add_argument("--level", default="local", choices=sorted(LOCKS))
    print(ensure_venv(parser.parse_args().level))
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
