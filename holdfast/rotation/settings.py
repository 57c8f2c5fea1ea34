"""What a stack is told about rotation: how often each secret was made anew, and the stage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

from holdfast.errors import ConfigError
from holdfast.roles import Role

_Stage = TypeVar("_Stage", bound=StrEnum)
NAMESPACE: Final = "holdfast"
_ENTRY: Final = re.compile(r"([a-z]+)=([1-9][0-9]{0,8})\Z")


class PasswordStage(StrEnum):
    """How far a rotation of passwords has come; roles that are not rotated are not concerned.

    Three and not two, because one run changes node after node: a replica that presents the new
    password to a primary which has not learned it yet, or a Sentinel to such a peer, is refused.
    So every node accepts both before the first one presents the new.
    """

    SINGLE = "single"
    """One password is valid."""
    ACCEPT_BOTH = "accept-both"
    """Old and new are valid; clients get the new one, the servers still present the old."""
    PRESENT_NEW = "present-new"
    """Old and new are valid; servers and Sentinels present the new one to each other."""


class CaStage(StrEnum):
    """How far a rotation of the CA has come.

    Each stage has to have reached all servers and clients before the next. A new CA under
    ``single`` replaces the old one at once, for one that has leaked.
    """

    SINGLE = "single"
    """One CA; the one before it is forgotten."""
    TRUST_BOTH = "trust-both"
    """Both are trusted, the old one still issues."""
    ISSUE_NEW = "issue-new"
    """Both are trusted, the new one issues."""


@dataclass(frozen=True, slots=True)
class RotationSettings:
    """The five settings of a stack.

    Attributes:
        password_rotations: how often each role's password was made anew; absent: never.
        password_stage: of the rotation of passwords.
        certificate_rotation: how often the certificates were issued anew.
        ca_rotation: how often the CA was made anew.
        ca_stage: of the rotation of the CA.
    """

    password_rotations: Mapping[Role, int] = field(default_factory=lambda: MappingProxyType({}))
    password_stage: PasswordStage = PasswordStage.SINGLE
    certificate_rotation: int = 0
    ca_rotation: int = 0
    ca_stage: CaStage = CaStage.SINGLE

    def password_rotation(self, role: Role) -> str:
        """The ``rotation`` of a role's Password."""
        return serial_text(self.password_rotations.get(role, 0))

    def to_config(self) -> dict[str, str]:
        """Values by full key, as ``pulumi config set`` takes them."""
        return {
            f"{NAMESPACE}:passwordRotations": format_rotations(self.password_rotations),
            f"{NAMESPACE}:passwordStage": self.password_stage.value,
            f"{NAMESPACE}:certificateRotation": str(self.certificate_rotation),
            f"{NAMESPACE}:caRotation": str(self.ca_rotation),
            f"{NAMESPACE}:caStage": self.ca_stage.value,
        }

    @classmethod
    def from_config(cls, values: Mapping[str, str]) -> RotationSettings:
        """The inverse of :meth:`to_config`; keys that are absent have their defaults.

        Raises:
            ConfigError: a value breaks its rule.
        """
        given = {name.removeprefix(f"{NAMESPACE}:"): value for name, value in values.items()}
        return cls(
            parse_rotations(given.get("passwordRotations", "")),
            _member(PasswordStage, "passwordStage", given),
            _serial("certificateRotation", given),
            _serial("caRotation", given),
            _member(CaStage, "caStage", given),
        )


def serial_text(serial: int) -> str:
    """A serial as the ``rotation`` of a resource; what was never rotated has none."""
    return str(serial) if serial else ""


def check_serial(name: str, serial: int) -> int:
    """A serial of a setting. Raises ConfigError."""
    if serial < 0:
        raise ConfigError(
            f"{NAMESPACE}:{name}", serial, "0 or more", "let scripts/rotate.py count it up"
        )
    return serial


def parse_rotations(text: str | None) -> Mapping[Role, int]:
    """``"svc=2,replica=1"`` by role; None and the empty text mean never.

    Raises:
        ConfigError: no such role, a role twice, or something else than ``role=number``.
    """
    found: dict[Role, int] = {}
    for entry in filter(None, (part.strip() for part in (text or "").split(","))):
        match = _ENTRY.match(entry)
        if match is None or match[1] not in set(Role) or Role(match[1]) in found:
            raise ConfigError(
                f"{NAMESPACE}:passwordRotations",
                entry,
                f"role=number, each role once, of {', '.join(Role)}",
                "let scripts/rotate.py write it, or correct it",
            )
        found[Role(match[1])] = int(match[2])
    return MappingProxyType(found)


def format_rotations(rotations: Mapping[Role, int]) -> str:
    """The inverse of :func:`parse_rotations`, roles in their order."""
    return ",".join(f"{role}={rotations[role]}" for role in Role if rotations.get(role))


def _serial(name: str, values: Mapping[str, str]) -> int:
    text = values.get(name, "0")
    if not (text.isascii() and text.isdigit()):
        raise ConfigError(f"{NAMESPACE}:{name}", text, "a whole number", "set it to 0 or more")
    return check_serial(name, int(text))


def _member(kind: type[_Stage], name: str, values: Mapping[str, str]) -> _Stage:
    text = values.get(name, "single")
    try:
        return kind(text)
    except ValueError:
        raise ConfigError(
            f"{NAMESPACE}:{name}", text, f"one of {', '.join(kind)}", "set one of them"
        ) from None
