"""Which Holdfast this is, to the file: the two sides of a channel have to be the same."""

from __future__ import annotations

import functools
import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent
_SOURCES: Final = (".py", ".lua")
_DIGITS: Final = 12


@functools.cache
def edition() -> str:
    """Version and digest of the sources, such as ``0.1.0 (3f0c1e2ab94d)``."""
    digest = hashlib.sha256()
    for path in sorted(_ROOT.rglob("*")):
        if path.suffix in _SOURCES:
            for part in (path.relative_to(_ROOT).as_posix().encode(), path.read_bytes()):
                digest.update(len(part).to_bytes(8, "big") + part)
    return f"{kit_version()} ({digest.hexdigest()[:_DIGITS]})"


def kit_version() -> str:
    """As the package says; ``unknown`` where it is not installed."""
    try:
        return version("holdfast")
    except PackageNotFoundError:
        return "unknown"
