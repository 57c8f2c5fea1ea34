"""The kinds of rule that plans are held to; plan_table says what they are applied to.

Paths are the words of a resource's own inputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

Path = tuple[str | int, ...]
Inputs = Mapping[str, Any]

_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]{0,2})\Z")
_KIB: Final = 1024
_QUANTITY_UNITS: Final = {
    unit: factor
    for factor, units in (
        # Servers write k for 1000 and kb for 1024; Kubernetes writes k and Ki.
        (1, ("", "b", "B")),
        (1000, ("k",)),
        (1000**2, ("m", "M")),
        (1000**3, ("g", "G")),
        (1000**4, ("T",)),
        (_KIB, ("kb", "Ki")),
        (_KIB**2, ("mb", "MB", "Mi")),
        (_KIB**3, ("gb", "GB", "Gi")),
        (_KIB**4, ("Ti",)),
    )
    for unit in units
}


class Harm(StrEnum):
    """What a refused change would do."""

    DELETE = "deletes sessions"
    REPLACE = "replaces what holds sessions"
    EMPTY = "leaves sessions behind"
    ENCRYPTION = "turns encryption off"
    ACCESS = "turns access control off"
    DURABILITY = "stops keeping sessions"
    SHRINK = "shrinks below what is stored"
    USERS = "breaks logins"
    WAITS = "waits for the maintenance window"
    COST = "lifts a limit of cost"


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that decides where sessions are found.

    Attributes:
        path: of the input.
        why: what its change does.
        allowed: pairs of old and new value that keep the sessions.
    """

    path: Path
    why: str
    allowed: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """A protection that may be gained but not lost.

    Attributes:
        path: of the input.
        good: whether a value protects; it also gets None for an absent one.
        harm: what losing it means.
        shown: whether values may be quoted; not where they may be secret or long.
        wanted: what is good, for people.
    """

    path: Path
    good: Callable[[Any], bool]
    harm: Harm
    shown: bool = True
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class Noted:
    """A change that harms nothing yet, but that a person should have seen.

    Attributes:
        path: of the input.
        good: whether a value needs no word.
        note: what losing it means.
    """

    path: Path
    good: Callable[[Any], bool]
    note: str


@dataclass(frozen=True, slots=True)
class NotLower:
    """An amount that may not sink below what is stored.

    Attributes:
        path: of the input.
        memory: bytes that the servers' data must fit into: with the store at hand only what
            is below the used memory is refused. False: any lower amount is refused.
    """

    path: Path
    memory: bool = False


Rule = Fixed | Kept | Noted | NotLower


@dataclass(frozen=True, slots=True)
class Holder:
    """A type of resource that holds sessions or guards them.

    Attributes:
        noun: what it is, for people.
        only: which of them; all by default.
        kept: whether its data survives deletion and replacement.
        harm: of a deletion; None where deleting it harms nothing.
        rules: on its inputs.
    """

    noun: str
    only: Callable[[Inputs], bool] = lambda _: True
    kept: Callable[[Inputs], bool] = lambda _: False
    harm: Harm | None = Harm.DELETE
    rules: tuple[Rule, ...] = ()


def value_at(inputs: Any, path: Path) -> Any:  # noqa: ANN401 - any JSON value
    """The value at a path, None where there is none."""
    value = inputs
    for step in path:
        if isinstance(step, str) and isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def amount(value: object) -> float | None:
    """A number, or a text such as ``512mb``, ``10Gi`` or ``268435456``; None if it is neither."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _QUANTITY.match(value.strip()) if isinstance(value, str) else None
    if match is None or match.group(2) not in _QUANTITY_UNITS:
        return None
    return float(match.group(1)) * _QUANTITY_UNITS[match.group(2)]
