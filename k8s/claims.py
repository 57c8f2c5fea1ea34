"""The servers' volume claims: a StatefulSet makes them once, and they grow by themselves only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from holdfast.errors import ConfigError
from holdfast.roles import Place
from k8s.memory import quantity
from k8s.names import Names
from k8s.spec import Object, StoreSpec

VOLUME: Final = "data"
PATCH_MANAGER: Final = "holdfast-storage"
"""Owns the size of a claim that was grown; by this it is known for one that was."""


@dataclass(frozen=True, slots=True)
class ExistingClaim:
    """A claim that is there.

    Attributes:
        size_bytes: that it asks for.
        grown: whether this kit has grown it before.
        storage_class: its class; None where it has none.
    """

    size_bytes: int
    grown: bool = False
    storage_class: str | None = None


def claim_name(names: Names, ordinal: int) -> str:
    """The claim of a server, as its StatefulSet calls it."""
    return f"{VOLUME}-{names.pod(Place.SERVER, ordinal)}"


def plan_disk(
    wanted_bytes: int | None, least_bytes: int, existing: Mapping[str, ExistingClaim]
) -> int:
    """The size of every server's volume.

    Args:
        wanted_bytes: what was asked for; None for what is needed, or is there already.
        least_bytes: what is needed.
        existing: claims by name.

    Raises:
        ConfigError: a claim that exists is larger than what was asked for.
    """
    largest = max(existing, key=lambda name: existing[name].size_bytes, default=None)
    held = 0 if largest is None else existing[largest].size_bytes
    if wanted_bytes is None:
        return max(least_bytes, held)
    if wanted_bytes < held:
        raise ConfigError(
            "storage",
            quantity(wanted_bytes),
            f"at least {quantity(held)}, which the claim {largest} has: volumes do not shrink",
            f"set {quantity(held)} or more",
        )
    return wanted_bytes


def claims_to_grow(spec: StoreSpec, existing: Mapping[str, ExistingClaim]) -> tuple[int, ...]:
    """Servers whose claim is to ask for ``spec.memory.disk_bytes`` from now on, by ordinal.

    Those that were grown before stay among them: a program that is run again changes nothing.
    """
    grown = []
    for ordinal in range(spec.count(Place.SERVER)):
        claim = existing.get(claim_name(spec.names, ordinal))
        if claim is not None and (claim.grown or claim.size_bytes < spec.memory.disk_bytes):
            grown.append(ordinal)
    return tuple(grown)


def claim_patch(spec: StoreSpec, ordinal: int) -> Object:
    """What the claim of a server is to ask for; to be applied to the one that exists."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim_name(spec.names, ordinal),
            "namespace": spec.names.namespace,
            "annotations": {
                # The controller that made the claim owns its size.
                "pulumi.com/patchForce": "true",
                # The plugin would wait for a claim of a late class to be pending: it is bound.
                "pulumi.com/skipAwait": "true",
                "pulumi.com/patchFieldManager": PATCH_MANAGER,
            },
        },
        "spec": {"resources": {"requests": {"storage": quantity(spec.memory.disk_bytes)}}},
    }
