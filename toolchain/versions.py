"""Version numbers: how tools print them, and their order."""

from __future__ import annotations

import re
from typing import NamedTuple


class Version(NamedTuple):
    """A release, compared number by number. Pre-releases are not told apart."""

    major: int
    minor: int = 0
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def parse(text: str) -> Version:
    """Read the first version in a text: ``v3.259.0``, ``go1.26.8``, ``9.1``.

    Raises:
        ValueError: there is no number in it.
    """
    match = re.search(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", text)
    if match is None:
        raise ValueError(f"no version in {text!r}")
    return Version(*(int(part or 0) for part in match.groups()))


def parse_server(text: str) -> tuple[str, Version]:
    """Read engine and version from what ``valkey-server --version`` or its kin prints.

    Raises:
        ValueError: the text is not such a line.
    """
    match = re.search(r"(?:(\w+) )?server v=(\d[\d.]*)", text, re.IGNORECASE)
    if match is None:
        raise ValueError(f"not the version line of a server: {text.strip()[:100]!r}")
    return (match.group(1) or "unknown").lower(), parse(match.group(2))


def parse_package(text: str) -> Version:
    """Read the upstream version of a Debian package version: ``5:7.0.15-1~deb12u8`` is 7.0.15."""
    return parse(text.partition(":")[2] or text)


def same_series(found: Version, wanted: Version) -> bool:
    """Whether a release may stand in for the wanted one: same minor series, not older."""
    return found[:2] == wanted[:2] and found >= wanted
