"""Property values as resources see them: plain Python data, and one sentinel for the unknown."""

from __future__ import annotations

from typing import Any, Final, TypeAlias, TypeGuard

Properties: TypeAlias = dict[str, Any]
"""Properties by their names on the wire (camelCase): JSON-like values, and UNKNOWN in previews.

Secrets are plain here; the gRPC base unwraps them on the way in and wraps them on the way out.
"""


class Unknown:
    """Type of UNKNOWN, the value that another resource has yet to produce; one instance."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        raise TypeError("the value is not known during this preview; ask is_known() first")

    def __copy__(self) -> Unknown:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Unknown:
        return self


UNKNOWN: Final = Unknown()


def is_unknown(value: object) -> TypeGuard[Unknown]:
    """Whether the value itself is unknown (containers are not looked into)."""
    return value is UNKNOWN


def is_known(value: object) -> bool:
    """Whether neither the value nor anything inside it is unknown."""
    if value is UNKNOWN:
        return False
    if isinstance(value, dict):
        return all(is_known(item) for item in value.values())
    if isinstance(value, list | tuple):
        return all(is_known(item) for item in value)
    return True
