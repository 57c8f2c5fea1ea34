"""What the machine itself has, as seen before ``make env`` changed a shell."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from toolchain.cache import cache_dir
from toolchain.paths import STATE


def search_path(environment: Mapping[str, str], ours: tuple[Path, ...]) -> str:
    """PATH without the folders that this toolchain put there.

    Args:
        environment: variables of the process.
        ours: folders below which everything is the toolchain's.
    """
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(
        folder
        for folder in folders
        if folder and not any(Path(folder).is_relative_to(own) for own in ours)
    )


def which(name: str) -> Path | None:
    """Where the machine has a program, not counting what the toolchain unpacked or built."""
    ours = (cache_dir(), Path(__file__).resolve().parent)
    found = shutil.which(name, path=search_path(os.environ, ours))
    return Path(found) if found else None


def of_another_checkout(value: str) -> bool:
    """Whether a path or file URL lies in the state folder of another checkout.

    A shell that evaluated ``make env`` there carries its settings here, where they would make this
    checkout work on that one's stack.
    """
    path = Path(value.removeprefix("file://"))
    return STATE.name in path.parts and not path.is_relative_to(STATE)
