"""Names that the plugin makes up: a prefix and something random, within AWS's limit."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from holdfast.errors import ConfigError

_RANDOM_CHARACTERS: Final = 7
_PREFIXED_CHARACTERS: Final = 26


@dataclass(frozen=True)
class NameRule:
    """How a resource type is named if the program names nothing.

    Attributes:
        property: the input that takes the name.
        limit: of the whole name.
        lower: whether capitals are made small.
        head: what every name begins with.
        prefix_property: the input that gives a prefix instead, if the type has one.
    """

    property: str = "name"
    limit: int = 255
    lower: bool = False
    head: str = ""
    prefix_property: str | None = None

    def made_up(self, resource: str, seed: bytes) -> str:
        """``<resource>-<7 hex digits>``; the same seed gives the same name.

        Raises:
            ConfigError: the resource's name leaves no room. It is not shortened.
        """
        stem = f"{resource.lower() if self.lower else resource}-"
        if len(stem) + _RANDOM_CHARACTERS > self.limit:
            room = self.limit - _RANDOM_CHARACTERS - 1
            fix = f"name the resource shorter, or give {self.property}"
            raise ConfigError(self.property, resource, f"at most {room} characters", fix)
        name = (
            stem + hashlib.sha256(seed or secrets.token_bytes(16)).hexdigest()[:_RANDOM_CHARACTERS]
        )
        return name if name.startswith(self.head) else self.head + name


def prefixed(prefix: str) -> str:
    """A name under a ``namePrefix``: the prefix and 26 characters."""
    return prefix + secrets.token_hex(_PREFIXED_CHARACTERS // 2)
