"""Clusters as they describe themselves."""

from __future__ import annotations

from components.cluster_facts import ClusterFacts, StorageClass


def cluster(**changes: object) -> ClusterFacts:
    """A cluster in which any store can be made."""
    values: dict[str, object] = {
        "where": "test (https://cluster.test)",
        "login": "somebody",
        "version": (1, 33),
        "cluster_id": "uid-of-kube-system",
        "namespace_owner": "",
        "namespace_exists": True,
        "classes": {"standard": StorageClass(default=True, expandable=True)},
        "claims": {},
        "owners": {},
        "jobs": {},
        "zones": ("a", "b", "c"),
        "missing": (),
        "issuer": True,
    }
    return ClusterFacts(**{**values, **changes})  # type: ignore[arg-type]  # checked by the test that passes them
