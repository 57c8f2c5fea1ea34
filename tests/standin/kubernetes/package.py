"""The package ``kubernetes``: a resource type for every kind that the API server has."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.errors import HoldfastError
from provider.package import Package
from provider.resource import Resource
from provider.values import Properties
from tests.standin.kubernetes.cluster import Cluster
from tests.standin.kubernetes.kubeconfig import address
from tests.standin.kubernetes.manifest import Manifest
from tests.standin.kubernetes.objects import TypeToken


class KubernetesPackage(Package):
    """Serves any token that names an object of the API server."""

    def __init__(self, version: str) -> None:
        super().__init__("kubernetes", version, [])
        self._cluster: Cluster | None = None

    def configure(self, config: Properties) -> None:
        """Find the cluster. One that cannot be reached is an error where it is needed."""
        self._cluster = Cluster.connect(config)

    def replaced_settings(self, old: Properties, new: Properties) -> tuple[str, ...]:
        """Another cluster is other objects: by its identifier if there is one, else by address."""
        if "clusterIdentifier" in new:
            # First named, it says nothing of what was before.
            known = old.get("clusterIdentifier")
            changed = known is not None and known != new["clusterIdentifier"]
            return ("clusterIdentifier",) if changed else ()
        servers = address(old), address(new)
        return ("kubeconfig",) if None not in servers and servers[0] != servers[1] else ()

    def resource(self, token: str) -> Resource:
        """The resource type of a token."""
        if self._cluster is None:
            raise HoldfastError(f"{token}: the provider was not configured")
        return Manifest(TypeToken.parse(token), self._cluster)

    def schema(self) -> Mapping[str, object]:
        """No schema: the SDK has its own."""
        return {"name": self.name, "version": self.version}
