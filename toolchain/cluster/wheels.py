"""A few packages of a lock, installed for another Python than the one that runs this."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection
from pathlib import Path

from toolchain import pip, process
from toolchain.cluster.oci import architecture
from toolchain.errors import ToolchainError

PLATFORMS = {
    "amd64": ("manylinux_2_28_x86_64", "manylinux2014_x86_64"),
    "arm64": ("manylinux_2_28_aarch64", "manylinux2014_aarch64"),
}


def excerpt(lock: str, names: Collection[str]) -> str:
    """The entries of some packages of a lock, with their hashes and without their markers.

    pip would judge a marker by the Python that runs it, and these are for another.

    Raises:
        ToolchainError: the lock lacks one of them.
    """
    entries = re.findall(r"^[A-Za-z0-9][^\n]*(?:\n[ \t]+[^\n]*)*", lock, re.M)
    found = {re.split(r"[=\[ ]", entry, maxsplit=1)[0]: entry for entry in entries}
    if missing := sorted(set(names) - found.keys()):
        raise ToolchainError(f"the lock does not name {', '.join(missing)}")
    return "\n".join(re.sub(r" ;[^\\\n]*", " ", found[name]) for name in sorted(names)) + "\n"


def install_wheels(
    python: Path, lock: Path, names: Collection[str], version: str, target: Path
) -> None:
    """Install packages into a folder, checked against the lock's hashes.

    Args:
        python: whose pip does it.
        lock: names more than is wanted.
        names: of the packages; their dependencies are not followed.
        version: of the Python that will import them: "3.11".
        target: the folder.

    Raises:
        ToolchainError: a wheel cannot be had or does not match.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as file:
        file.write(excerpt(lock.read_text(), names))
        file.flush()
        argv: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
        argv += ["--require-hashes", "--no-deps", "--only-binary=:all:", "--target", target]
        argv += ["--python-version", version, "--implementation", "cp", "-r", file.name]
        for platform in PLATFORMS.get(architecture(), ()):
            argv += ["--platform", platform]
        process.output(argv, env=pip.environment(python))
