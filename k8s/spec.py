"""What the objects of one store follow from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from config.directives import ServerConfig
from holdfast.roles import Place
from k8s.memory import ServerMemory
from k8s.names import Names

Object = dict[str, Any]
"""An object, or part of one, as the API server takes it."""

OLDEST_KUBERNETES: Final = "1.28"
"""Gives pods their ordinal as a label, and keeps claims when a StatefulSet goes."""
COLD_START_GRACE_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """One store in a cluster, checked.

    Attributes:
        names: of its objects.
        config: what its servers are told, as on every target.
        memory: of each server.
        image: of servers, Sentinels and agents; ``name@sha256:...`` or ``name:tag``.
        image_pull_secrets: names of Secrets in the namespace.
        storage_class: of the volumes; None for the cluster's default.
        server_cpu: requested by a server, as in ``250m``. There is no limit on CPU.
        cold_start_grace_seconds: without a primary for this long, the freshest replica may
            become one.
        share_nodes: whether pods of one kind may run on one node.
        spread_zones: whether a pod that cannot be spread over zones stays pending.
        client_namespaces: further namespaces whose labelled pods may connect.
        dns_namespace: where the cluster's DNS runs.
        dns_ports: its ports, UDP and TCP.
        owner: ``<project>/<stack>``, written on the objects that two stacks must not share.
    """

    names: Names
    config: ServerConfig
    memory: ServerMemory
    image: str
    image_pull_secrets: tuple[str, ...] = ()
    storage_class: str | None = None
    server_cpu: str = "250m"
    cold_start_grace_seconds: int = COLD_START_GRACE_SECONDS
    share_nodes: bool = False
    spread_zones: bool = False
    client_namespaces: tuple[str, ...] = ()
    dns_namespace: str = "kube-system"
    dns_ports: tuple[int, ...] = (53,)
    owner: str = ""

    def count(self, place: Place) -> int:
        """Pods of one kind."""
        shape = self.config.shape
        return shape.servers if place is Place.SERVER else shape.sentinels

    def fqdns(self, place: Place) -> tuple[str, ...]:
        """Announced names of one kind, by ordinal."""
        return tuple(self.names.fqdn(place, ordinal) for ordinal in range(self.count(place)))

    @property
    def all_fqdns(self) -> tuple[str, ...]:
        """Announced names of servers, then of Sentinels."""
        return self.fqdns(Place.SERVER) + self.fqdns(Place.SENTINEL)
