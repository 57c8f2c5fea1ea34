"""What a key of a stack's settings is.

The engine hands declared defaults to the program as if a person had set them. A key whose value
follows from other keys or from the preset therefore has the default :data:`AUTO_TEXT` or
:data:`AUTO_NUMBER`, which says: not set.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

AUTO_TEXT: Final = ""
AUTO_NUMBER: Final = -1
NAMESPACE: Final = "holdfast"

Value = str | int | bool | tuple[str, ...]


class Kind(StrEnum):
    """Types of a key, in the words of Pulumi's configuration schema."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    ARRAY = "array"


class Target(StrEnum):
    """Where the store runs."""

    LOCAL = "local"
    KUBERNETES = "kubernetes"
    AWS = "aws"
    EXISTING = "existing"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key.

    Attributes:
        name: without the namespace.
        kind: its type.
        default: what the engine passes when nothing is set.
        description: for people, one or two sentences.
        automatic: how the value comes about while it is not set; empty where the default is
            an ordinary value.
        only: the targets that it says something to; empty for all.
        secret: no message shows its value, and the engine must hold it encrypted.
    """

    name: str
    kind: Kind
    default: Value
    description: str
    automatic: str = ""
    only: tuple[Target, ...] = ()
    secret: bool = False

    def suits(self, target: Target) -> bool:
        """Whether the key says something to ``target``."""
        return not self.only or target in self.only

    @property
    def key(self) -> str:
        """The full key, as ``pulumi config set`` takes it."""
        return f"{NAMESPACE}:{self.name}"

    def shown(self, value: object) -> object:
        """A value as a message may have it."""
        return "(hidden)" if self.secret else value

    def is_unset(self, value: Value) -> bool:
        """Whether ``value`` is the mark for: not set."""
        return bool(self.automatic) and value == self.default


def text_setting(
    name: str, default: str, description: str, automatic: str = "", *, only: tuple[Target, ...] = ()
) -> Setting:
    """A text; with ``automatic`` the default is the mark for: not set."""
    return Setting(name, Kind.STRING, default, description, automatic, only)


def auto_text(
    name: str, description: str, automatic: str, *, only: tuple[Target, ...] = ()
) -> Setting:
    """A text that other keys decide while it is not set."""
    return Setting(name, Kind.STRING, AUTO_TEXT, description, automatic, only)


def auto_number(
    name: str, description: str, automatic: str, *, only: tuple[Target, ...] = ()
) -> Setting:
    """A number that other keys decide while it is not set."""
    return Setting(name, Kind.INTEGER, AUTO_NUMBER, description, automatic, only)


def number_setting(
    name: str, default: int, description: str, *, only: tuple[Target, ...] = ()
) -> Setting:
    """A whole number."""
    return Setting(name, Kind.INTEGER, default, description, only=only)


def flag_setting(
    name: str, description: str, *, default: bool = False, only: tuple[Target, ...] = ()
) -> Setting:
    """True or false."""
    return Setting(name, Kind.BOOLEAN, default, description, only=only)


def auto_flag(
    name: str, description: str, automatic: str, *, only: tuple[Target, ...] = ()
) -> Setting:
    """True or false, which other keys decide while it is not set.

    A text to the engine: its booleans have no value left that says: not set.
    """
    return Setting(name, Kind.STRING, AUTO_TEXT, description, automatic, only)


def secret_setting(
    name: str, description: str, automatic: str, *, only: tuple[Target, ...] = ()
) -> Setting:
    """A text that nobody may see; not set by default."""
    return Setting(name, Kind.STRING, AUTO_TEXT, description, automatic, only, secret=True)


def list_setting(name: str, description: str, *, only: tuple[Target, ...] = ()) -> Setting:
    """Texts; none by default."""
    return Setting(name, Kind.ARRAY, (), description, only=only)
