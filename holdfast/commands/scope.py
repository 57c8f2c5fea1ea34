"""Where a store works: application, tenant, and how its target publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from holdfast.connection import Capability, Connection
from holdfast.keys import KeySpace

DEFAULT_CONFIRM_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Scope:
    """What every builder needs to know besides its own arguments.

    Attributes:
        keys: the keys of the application and tenant.
        publish: ``SPUBLISH`` where channels are sharded, else ``PUBLISH``.
        confirm_ms: how long a turn waits for its replicas; None where the target cannot wait.
    """

    keys: KeySpace
    publish: str = "PUBLISH"
    confirm_ms: int | None = DEFAULT_CONFIRM_MS

    @classmethod
    def of(
        cls, connection: Connection, tenant: str, *, confirm_ms: int = DEFAULT_CONFIRM_MS
    ) -> Self:
        """The scope of a tenant in a store. Raises ConfigError for a bad tenant name."""
        sharded = connection.topology.clustered
        return cls(
            KeySpace(connection.app, tenant, connection.buckets),
            "SPUBLISH" if sharded else "PUBLISH",
            confirm_ms if Capability.WAIT in connection.capabilities else None,
        )
