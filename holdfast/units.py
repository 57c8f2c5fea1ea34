"""Amounts of memory in the servers' own notation: ``256mb`` is 256 * 1024 * 1024 bytes."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {
    "": 1,
    "b": 1,
    "k": 1000,
    "kb": 1024,
    "m": 1000**2,
    "mb": 1024**2,
    "g": 1000**3,
    "gb": 1024**3,
}
_AMOUNT: Final = re.compile(r"([0-9]{1,18})([a-z]{0,2})\Z", re.IGNORECASE)


def parse_bytes(text: str) -> int | None:
    """Bytes of an amount such as ``256mb``, ``1g`` or ``1048576``; None if it is none."""
    match = _AMOUNT.match(text.strip())
    if match is None or match.group(2).lower() not in _UNITS:
        return None
    return int(match.group(1)) * _UNITS[match.group(2).lower()]


def format_bytes(amount: int) -> str:
    """The shortest exact notation with a binary unit: 268435456 is ``256mb``."""
    for unit in ("gb", "mb", "kb"):
        if amount and amount % _UNITS[unit] == 0:
            return f"{amount // _UNITS[unit]}{unit}"
    return str(amount)
