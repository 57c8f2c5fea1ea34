"""Where a store works: application, tenant, and how its target publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from holdfast.connection import Connection, Topology
from holdfast.keys import KeySpace


@dataclass(frozen=True, slots=True)
class Scope:
    """What every builder needs to know besides its own arguments.

    Attributes:
        keys: the keys of the application and tenant.
        publish: ``SPUBLISH`` where channels are sharded, else ``PUBLISH``.
    """

    keys: KeySpace
    publish: str = "PUBLISH"

    @classmethod
    def of(cls, connection: Connection, tenant: str) -> Self:
        """The scope of a tenant in a store. Raises ConfigError for a bad tenant name."""
        sharded = connection.topology is Topology.CLUSTER
        return cls(
            KeySpace(connection.app, tenant, connection.buckets),
            "SPUBLISH" if sharded else "PUBLISH",
        )
