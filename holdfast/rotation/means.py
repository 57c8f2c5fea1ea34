"""What a rotation needs of a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from holdfast.connection import Connection
from holdfast.errors import HoldfastError
from holdfast.roles import Place, Role
from holdfast.rotation.settings import RotationSettings


class Interrupted(HoldfastError):
    """The person asked to stop; the same command goes on later."""


class Means(Protocol):
    """Tells the store its settings, and says what it should be like then."""

    def settings(self) -> RotationSettings:
        """The settings as they are."""
        ...

    def apply(self, settings: RotationSettings) -> None:
        """Set them, and return when every node and every client's file was told.

        Raises:
            VerificationFailed: the deployment failed.
            Interrupted: it was stopped; what was done so far stays.
        """
        ...

    def connection(self) -> Connection:
        """The operator's Connection after the last ``apply``, every role in it."""
        ...

    def serials(self) -> Mapping[Place, int]:
        """Serial number of the certificate that each kind of process should serve."""
        ...

    def told_at(self, role: Role) -> float | None:
        """When the clients of a role were last given something new (seconds since the epoch).

        None where the target gives that role's clients nothing.
        """
        ...

    def delivery_seconds(self) -> float:
        """How long what nodes and clients were given may take to reach them.

        Not 0 on a target that hands files out later. There, clients are given a new password
        only after every node has shown that it accepts it.
        """
        ...
