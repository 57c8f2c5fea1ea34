"""Rules of identifiers. Pure."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Collection
from typing import Final

from tests.standin.aws.emulator.elasticache.faults import invalid

_LETTERS: Final = string.ascii_lowercase + string.digits
_USER_ID: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
_IDENTIFIER: Final = re.compile(r"[a-zA-Z](?:-?[a-zA-Z0-9])*")
GROUP_ID_LENGTH: Final = 40
_USER_LENGTH: Final = 40
_NAME_LENGTH: Final = 255


def identifier(what: str, value: str, longest: int = GROUP_ID_LENGTH) -> str:
    """An identifier, lower-cased as AWS stores it: a letter first, no hyphen last or twice."""
    if not 1 <= len(value) <= longest or not _IDENTIFIER.fullmatch(value):
        message = (
            f"The parameter {what} must be provided, begin with a letter, contain 1 to {longest} "
            "letters, digits and hyphens, and must not end with a hyphen or contain two "
            f"consecutive ones: {value!r}."
        )
        raise invalid(message)
    return value.lower()


def group_name(what: str, value: str) -> str:
    """A name of a subnet or parameter group, lower-cased."""
    return identifier(what, value, _NAME_LENGTH)


def user_identifier(what: str, value: str) -> str:
    """A user's or a user group's id."""
    if not 1 <= len(value) <= _USER_LENGTH or not _USER_ID.fullmatch(value):
        message = (
            f"{what} must begin with a letter and contain 1 to {_USER_LENGTH} letters, digits and "
            f"hyphens: {value!r}."
        )
        raise invalid(message)
    return value


def user_name(value: str) -> str:
    """A login."""
    if not 1 <= len(value) <= _USER_LENGTH or any(character.isspace() for character in value):
        message = f"UserName must have 1 to {_USER_LENGTH} characters and no space: {value!r}."
        raise invalid(message)
    return value


def one_of(what: str, value: str, allowed: Collection[str]) -> str:
    """A value out of a fixed set."""
    if value not in allowed:
        message = f"{what} must be one of {', '.join(sorted(allowed))}: {value!r}."
        raise invalid(message)
    return value


def between(what: str, value: int, least: int, most: int) -> int:
    """A number in its range."""
    if not least <= value <= most:
        message = f"{what} must be between {least} and {most}: {value}."
        raise invalid(message)
    return value


def name_hash() -> str:
    """Six characters that make the names of one store its own."""
    return "".join(secrets.choice(_LETTERS) for _ in range(6))
