"""Which Holdfast this is, to the file: the two sides of a channel have to be the same."""

from __future__ import annotations

import functools
import hashlib
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from holdfast.errors import ConfigError

ANY_VARIABLE: Final = "HOLDFAST_VERIFY_ANY_SOURCES"
"""Set to 1, other sources on the far side are a warning: for work on Holdfast itself."""

_ROOT: Final = Path(__file__).parent.parent
_SOURCES: Final = (".py", ".lua")
_DIGITS: Final = 12
_AN: Final = ("a", "an")


@functools.cache
def edition() -> str:
    """Digest of the package's sources, twelve hex digits."""
    digest = hashlib.sha256()
    for path in sorted(_ROOT.rglob("*")):
        if path.suffix in _SOURCES:
            for part in (path.relative_to(_ROOT).as_posix().encode(), path.read_bytes()):
                digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:_DIGITS]


def kit_version() -> str:
    """As the package says; ``unknown`` where it is not installed."""
    try:
        return version("holdfast")
    except PackageNotFoundError:
        return "unknown"


IMAGE_FIX: Final = (
    "build it from the same version (k8s/verify/Dockerfile), or name another with --image"
)


def compare(
    other: str, *, field: str = "--image", holder: str = "image", fix: str = IMAGE_FIX
) -> str:
    """A warning about the far side's edition; empty where it is this one.

    Args:
        other: of the far side.
        field: what names the far side.
        holder: what holds its sources, in a word.
        fix: how the two become the same.

    Raises:
        ConfigError: it is another one, and nobody said that this is meant.
    """
    if other == edition():
        return ""
    if os.environ.get(ANY_VARIABLE) == "1":
        return f"the {holder} holds other sources ({other}) than this Holdfast ({edition()})"
    raise ConfigError(
        field,
        f"{_AN[holder[0] in 'aeiou']} {holder} with the sources {other}",
        f"one with the sources {edition()}, as here (Holdfast {kit_version()})",
        fix,
    )
