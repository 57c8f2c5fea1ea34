"""The last lines of a server's log, fit to be shown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

_TAIL_BYTES: Final = 16_384
MASK: Final = "[secret]"


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def tail(log: Path, secrets: Iterable[str], *, lines: int = 12) -> str:
    """The last lines, secrets masked; says so if there is no log."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return f"({log} does not exist)"
    last = [line for line in text.splitlines() if line.strip()][-lines:]
    return masked("\n".join(last), secrets) or f"({log} is empty)"


def scrub(log: Path, secrets: Iterable[str]) -> None:
    """Take the secrets out of the log of a dead process.

    A server that refuses its config file prints the line that it refuses, password and all.
    """
    try:
        text = log.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return
    clean = masked(text, secrets)
    if clean != text:
        log.write_text(clean, "utf-8", "surrogateescape")
