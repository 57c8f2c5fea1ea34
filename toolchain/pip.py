"""pip, whether or not the machine has one, and installing from a lock with progress."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from toolchain import apt, cache, process
from toolchain.errors import ToolchainError
from toolchain.progress import Task

DEBIAN_WHEELS = Path("/usr/share/python-wheels")


def wheel() -> Path:
    """A wheel of pip: the one that Python brings, Debian's, or Debian's fetched into the cache.

    Debian and Ubuntu take ``ensurepip`` out of Python; it comes back with the package python3-venv.

    Raises:
        ToolchainError: there is none and the mirror has none.
    """
    folders = [DEBIAN_WHEELS]
    spec = importlib.util.find_spec("ensurepip")
    if spec and spec.origin:
        folders.insert(0, Path(spec.origin).parent / "_bundled")
    for folder in folders:
        if found := _newest(folder):
            return found
    purpose = "fetching pip"
    try:
        entry = cache.ensure("pip/debian", purpose, _fetch)
    except ToolchainError as error:
        raise ToolchainError(
            f"this Python has no pip and no ensurepip, and none can be fetched:\n{error}\n"
            "install the package python3-venv (Debian, Ubuntu) and run again"
        ) from error
    found = _newest(entry / DEBIAN_WHEELS.relative_to("/"))
    if found is None:
        raise ToolchainError(f"{entry} holds no pip; remove it and run again")
    return found


def _newest(folder: Path) -> Path | None:
    found = sorted(folder.glob("pip-*.whl"))
    return found[-1] if found else None


def _fetch(folder: Path) -> None:
    with Task("fetching pip from the distribution"):
        apt.unpack(("python3-pip-whl",), folder)


def count_requirements(lock: Path) -> int:
    """How many packages a lock names."""
    return len(re.findall(r"^[A-Za-z0-9][\w.\[\]-]*==", lock.read_text(), re.M))


def install_lock(python: Path, lock: Path, title: str, *, target: Path | None = None) -> None:
    """Install what a lock names, every file checked against its hashes.

    Args:
        python: the interpreter whose environment it is for.
        lock: names every package, dependencies included.
        title: of the progress line.
        target: a folder to install into, instead of the environment.

    Raises:
        ToolchainError: a package cannot be had or does not match.
    """
    total = count_requirements(lock)
    argv: list[str | Path] = [python, "-m", "pip", "install", "--require-hashes", "--no-deps"]
    # Building a source package would fetch its build tools, which no lock names.
    argv += ["--only-binary=:all:", "--progress-bar=off", "-r", lock]
    argv += ["--target", target] if target else []
    seen = 0
    with Task(title) as task:

        def on_line(line: str) -> None:
            nonlocal seen
            if line.startswith(("Collecting ", "Requirement already satisfied")):
                seen += 1
                task.detail = f"{seen} of {total} packages"
            elif line.startswith("Installing "):
                task.detail = f"writing {seen} packages"

        process.stream(argv, on_line, env=environment(python))


def environment(python: Path) -> dict[str, str]:
    """Variables under which ``python -m pip`` works, also where that Python has no pip."""
    env = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    has_pip = list(python.parent.parent.glob("lib/python*/site-packages/pip/__init__.py"))
    return env if has_pip else env | {"PYTHONPATH": str(wheel())}
