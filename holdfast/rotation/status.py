"""Where a store stands in its rotations."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.rotation import nodes as shown
from holdfast.rotation.means import Means
from holdfast.rotation.settings import CaStage, PasswordStage, RotationSettings
from holdfast.rotation.steps import rotating_roles


@dataclass(frozen=True, slots=True)
class Status:
    """What is configured and what the nodes show.

    Attributes:
        settings: as configured.
        accepted: by role, how many passwords each node accepts.
        trusted: how many CAs clients are told to trust.
        unfinished: what the next run goes on with; empty: nothing.
    """

    settings: RotationSettings
    accepted: Mapping[str, Mapping[str, int]]
    trusted: int
    unfinished: tuple[str, ...]


def look(means: Means, stop: threading.Event) -> Status:
    """Ask settings and nodes; nothing is changed.

    Raises:
        StoreUnavailable, AccessDenied, TlsFailed: the store cannot be asked.
    """
    settings = means.settings()
    with shown.opened(means.connection(), stop) as (access, nodes):
        valid = shown.count_valid(access, shown.members(nodes))
    trusted = shown.count_certificates(access.connection.tls.ca)
    rotating = rotating_roles({role: found.values() for role, found in valid.items()})
    unfinished = []
    if rotating or settings.password_stage is not PasswordStage.SINGLE:
        named = ", ".join(sorted(rotating)) or "no role yet"
        unfinished.append(f"passwords ({named}) at stage {settings.password_stage}")
    if trusted > 1 or settings.ca_stage is not CaStage.SINGLE:
        unfinished.append(f"ca at stage {settings.ca_stage}")
    accepted = {
        role.value: {str(address): count for address, count in found.items()}
        for role, found in valid.items()
    }
    return Status(settings, accepted, trusted, tuple(unfinished))
