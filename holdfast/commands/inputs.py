"""Checks of what callers pass, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.errors import ConfigError

FIELD_PREFIX: Final = "m:"
"""Metadata fields carry it in the session hash, apart from the store's own fields."""

MAX_FIELDS: Final = 256
MAX_FIELD_NAME_BYTES: Final = 256
MAX_HINT_BYTES: Final = 1024
MAX_NAME_BYTES: Final = 256
MAX_USER_BYTES: Final = 512


def check_text(field: str, value: str, most_bytes: int, *, empty: bool = False) -> str:
    """Check a short text. Raises ConfigError."""
    if (
        not isinstance(value, str)
        or not (value or empty)
        or len(value.encode(errors="replace")) > most_bytes
    ):
        least = 0 if empty else 1
        raise ConfigError(field, value, f"text of {least} to {most_bytes} bytes", "shorten it")
    return value


def split_fields(fields: Mapping[str, str | None]) -> tuple[list[str], list[str]]:
    """Metadata as arguments: names and values to set, then names to remove (value None).

    Raises:
        ConfigError: a bad name, a value that is no text, or more than 256 fields.
    """
    if len(fields) > MAX_FIELDS:
        raise ConfigError("fields", len(fields), f"at most {MAX_FIELDS} at once", "split the call")
    to_set: list[str] = []
    to_remove: list[str] = []
    for name, value in fields.items():
        check_text("field name", name, MAX_FIELD_NAME_BYTES)
        if value is None:
            to_remove.append(FIELD_PREFIX + name)
        elif isinstance(value, str):
            to_set += (FIELD_PREFIX + name, value)
        else:
            raise ConfigError(
                f"fields.{name}", type(value).__name__, "text, or None to remove", "convert it"
            )
    return to_set, to_remove
