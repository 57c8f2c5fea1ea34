"""The head of every object."""

from __future__ import annotations

from holdfast.roles import Place
from k8s.names import labels
from k8s.spec import Object, StoreSpec


def metadata(spec: StoreSpec, name: str, place: Place | None = None) -> Object:
    """Name, namespace and labels; ``place`` for what belongs to one kind of pod."""
    return {
        "name": name,
        "namespace": spec.names.namespace,
        "labels": labels(spec.names, engine=spec.config.engine.value, place=place),
    }
