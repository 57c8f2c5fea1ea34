"""The head of every object."""

from __future__ import annotations

from typing import Final

from holdfast.roles import Place
from k8s.names import labels
from k8s.spec import Object, StoreSpec

OWNER_ANNOTATION: Final = "holdfast-stack"
"""Which stack an object belongs to. An annotation: stacks have names that labels cannot have."""


def owned(spec: StoreSpec, head: Object) -> Object:
    """The head of an object that two stacks must not share."""
    return {**head, "annotations": {OWNER_ANNOTATION: spec.owner}} if spec.owner else head


def namespace_of(spec: StoreSpec) -> Object:
    """A namespace that is closed to pods which are not restricted."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": owned(spec, {"name": spec.names.namespace, "labels": labels}),
    }


def metadata(spec: StoreSpec, name: str, place: Place | None = None) -> Object:
    """Name, namespace and labels; ``place`` for what belongs to one kind of pod."""
    return {
        "name": name,
        "namespace": spec.names.namespace,
        "labels": labels(spec.names, engine=spec.config.engine.value, place=place),
    }
