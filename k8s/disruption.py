"""How many pods a drain may take at once."""

from __future__ import annotations

from holdfast.roles import Place
from k8s.metadata import metadata
from k8s.names import selector
from k8s.spec import Object, StoreSpec


def disruption_budget(spec: StoreSpec, place: Place) -> Object:
    """One of each kind: two of three would take the quorum, or leave one server."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(spec, spec.names.workload(place), place),
        "spec": {
            "maxUnavailable": 1,
            # A pod that is broken already must not keep its node from being drained.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(spec.names, place)},
        },
    }
