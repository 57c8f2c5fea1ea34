"""The package ``kubernetes``: a resource type for every kind that the API server has."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.errors import HoldfastError
from provider.package import Package
from provider.resource import Resource
from provider.values import Properties
from tests.standin.kubernetes.cluster import Cluster
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

    def resource(self, token: str) -> Resource:
        """The resource type of a token."""
        if self._cluster is None:
            raise HoldfastError(f"{token}: the provider was not configured")
        return Manifest(TypeToken.parse(token), self._cluster)

    def schema(self) -> Mapping[str, object]:
        """No schema: the SDK has its own."""
        return {"name": self.name, "version": self.version}
