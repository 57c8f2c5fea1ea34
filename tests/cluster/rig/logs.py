"""The logs of an instance, for when something went wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_LINES: Final = 4
_WIDTH: Final = 220


def last_words(root: Path) -> str:
    """The last lines of every log of a run folder, the ones written to last at the end."""
    parts = []
    for path in sorted((root / "logs").glob("*.log"), key=lambda one: one.stat().st_mtime):
        lines = path.read_text(errors="replace").splitlines()[-_LINES:]
        if lines:
            parts.append("\n".join([f"--- {path.name}", *(line[:_WIDTH] for line in lines)]))
    return "\n".join(parts)
