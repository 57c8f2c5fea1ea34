"""Which step comes next: pure, from the settings and what the nodes show."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from holdfast.errors import ConfigError
from holdfast.roles import Role
from holdfast.rotation.settings import NAMESPACE, CaStage, PasswordStage, RotationSettings

PRESENTED_BY_SERVERS: Final = frozenset({Role.REPLICA, Role.SENTINEL})
"""Roles that servers and Sentinels themselves log in as."""


def begin_passwords(settings: RotationSettings, roles: Collection[Role]) -> RotationSettings:
    """The first step of a rotation of these roles.

    Raises:
        ConfigError: another rotation of passwords is under way.
    """
    _require_single("passwordStage", settings.password_stage)
    serials = dict(settings.password_rotations)
    for role in roles:
        serials[role] = serials.get(role, 0) + 1
    return replace(settings, password_rotations=serials, password_stage=PasswordStage.ACCEPT_BOTH)


def after_passwords(
    settings: RotationSettings, rotating: Collection[Role], *, delivered_later: bool = False
) -> RotationSettings | None:
    """The step after the present one, None where the rotation is at its end.

    Args:
        settings: the present step, which has reached every node.
        rotating: roles with two valid passwords.
        delivered_later: clients are given the new passwords in a step of its own, because the
            order in which nodes and clients receive what one step gives them is not known.
    """
    match settings.password_stage:
        case PasswordStage.SINGLE:
            return None
        case PasswordStage.ACCEPT_BOTH if delivered_later or PRESENTED_BY_SERVERS.intersection(
            rotating
        ):
            return replace(settings, password_stage=PasswordStage.PRESENT_NEW)
        case _:
            return replace(settings, password_stage=PasswordStage.SINGLE)


def begin_ca(settings: RotationSettings) -> RotationSettings:
    """The first step of a rotation of the CA.

    Raises:
        ConfigError: one is under way.
    """
    _require_single("caStage", settings.ca_stage)
    return replace(settings, ca_rotation=settings.ca_rotation + 1, ca_stage=CaStage.TRUST_BOTH)


def after_ca(settings: RotationSettings) -> RotationSettings | None:
    """The step after the present one, None where the rotation is at its end."""
    following = {CaStage.TRUST_BOTH: CaStage.ISSUE_NEW, CaStage.ISSUE_NEW: CaStage.SINGLE}
    stage = following.get(settings.ca_stage)
    return replace(settings, ca_stage=stage) if stage else None


def renew_certificates(settings: RotationSettings) -> RotationSettings:
    """The only step of a rotation of the certificates."""
    return replace(settings, certificate_rotation=settings.certificate_rotation + 1)


def rotating_roles(valid: Mapping[Role, Collection[int]]) -> frozenset[Role]:
    """Roles that some node still accepts two passwords of.

    Args:
        valid: by role, on each node that knows it, how many passwords it accepts.
    """
    return frozenset(role for role, counts in valid.items() if any(n > 1 for n in counts))


def _require_single(name: str, stage: PasswordStage | CaStage) -> None:
    if stage != PasswordStage.SINGLE.value:
        raise ConfigError(
            f"{NAMESPACE}:{name}",
            stage.value,
            "no other rotation under way",
            "run it again without a choice of roles: it goes on where the other one stopped",
        )
