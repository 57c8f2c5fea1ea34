"""A store's names in its cluster, read from its Connection."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.connection import Connection
from holdfast.errors import ConfigError
from holdfast.roles import Role


@dataclass(frozen=True, slots=True)
class StoreName:
    """What the objects of a store are called.

    Attributes:
        name: begins every name.
        namespace: where they live.
        domain: the end of every announced name, ``svc.cluster.local``.
    """

    name: str
    namespace: str
    domain: str

    @classmethod
    def of(cls, connection: Connection) -> StoreName:
        """Read it from a Sentinel's announced name.

        Raises:
            ConfigError: the store is not one that this kit made in a cluster.
        """
        host = connection.sentinels[0].host if connection.sentinels else ""
        pod, _, rest = host.partition(".")
        namespace, _, domain = rest.partition(".")
        name = pod.rpartition("-sentinel-")[0]
        if connection.target != "kubernetes" or not (name and namespace and domain):
            raise ConfigError(
                "connection",
                f"target {connection.target}, first Sentinel {host or 'none'}",
                "a store of the target kubernetes",
                "name that stack, or leave the cluster's options out",
            )
        return cls(name, namespace, domain)

    @property
    def labels(self) -> dict[str, str]:
        """What selects every pod of the store."""
        return {"app.kubernetes.io/part-of": "holdfast", "app.kubernetes.io/instance": self.name}

    def workload(self, *, sentinel: bool) -> str:
        """A StatefulSet."""
        return f"{self.name}-{'sentinel' if sentinel else 'server'}"

    def connection_secret(self, role: Role) -> str:
        """The Secret with a role's Connection."""
        return f"{self.name}-connection-{role}"

    def fqdn(self, pod: str) -> str:
        """The name under which a pod is announced."""
        return f"{pod}.{self.namespace}.{self.domain}"
