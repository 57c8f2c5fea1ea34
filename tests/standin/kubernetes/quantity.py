"""Quantities in the form in which the API server writes them: ``1024Mi`` becomes ``1Gi``."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal
from typing import Final

_QUANTITY: Final = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?"
)
_BINARY: Final = {f"{prefix}i": 1024 ** (power + 1) for power, prefix in enumerate("KMGTPE")}
_DECIMAL: Final = {
    "E": Decimal(10) ** 18,
    "P": Decimal(10) ** 15,
    "T": Decimal(10) ** 12,
    "G": Decimal(10) ** 9,
    "M": Decimal(10) ** 6,
    "k": Decimal(10) ** 3,
    "": Decimal(1),
    "m": Decimal(10) ** -3,
    "u": Decimal(10) ** -6,
    "n": Decimal(10) ** -9,
}
_SMALLEST: Final = _DECIMAL["n"]


def canonical(text: str) -> str:
    """The canonical form; anything that is not a quantity comes back as it is."""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return text
    number, suffix = Decimal(found[1]), found[2] or ""
    if suffix in _BINARY:
        value = number * _BINARY[suffix]
        if value == value.to_integral_value() and abs(value) >= _BINARY["Ki"]:
            return _binary(int(value))
        return _decimal(value)
    if suffix[:1] in {"e", "E"} and suffix != "E":
        # An exponent stays one, in the server's own notation: nobody writes sizes like that.
        return text
    return _decimal(number * _DECIMAL[suffix])


def _binary(value: int) -> str:
    for suffix, factor in reversed(_BINARY.items()):
        if value % factor == 0:
            return f"{value // factor}{suffix}"
    return str(value)


def _decimal(value: Decimal) -> str:
    value = value.quantize(_SMALLEST, rounding=ROUND_UP)
    if value == 0:
        return "0"
    for suffix, factor in _DECIMAL.items():
        scaled = value / factor
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    raise AssertionError("every value is a whole number of the smallest unit")
