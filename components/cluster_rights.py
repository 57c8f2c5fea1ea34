"""What a login needs to make a store in a cluster."""

from __future__ import annotations

from typing import Final

from components.kubernetes_spec import KubernetesSpec
from holdfast.cluster.resources import (
    CLAIMS,
    CONFIG_MAPS,
    DISRUPTION_BUDGETS,
    EVENTS,
    JOBS,
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    SECRETS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
    Right,
)

CERTIFICATES: Final = Resource("cert-manager.io", "v1", "certificates")
_MADE: Final = (
    SERVICES,
    SECRETS,
    CONFIG_MAPS,
    STATEFUL_SETS,
    DISRUPTION_BUDGETS,
    NETWORK_POLICIES,
    JOBS,
)
_MAKE: Final = ("get", "create", "patch", "delete")
_WATCHED: Final = (STATEFUL_SETS, JOBS, PODS, EVENTS)
"""What Pulumi looks at while it waits for pods."""
_WATCH: Final = ("list", "watch")


def needed_rights(spec: KubernetesSpec) -> tuple[Right, ...]:
    """Verbs on kinds of objects, in the store's namespace where they live in one."""
    rights = [Right(verb, resource) for resource in _MADE for verb in _MAKE]
    rights += [Right(verb, resource) for resource in _WATCHED for verb in _WATCH]
    # The StatefulSets make claims; they are looked at, and grown.
    rights += [Right(verb, CLAIMS) for verb in ("get", "list", "patch")]
    if spec.create_namespace:
        rights += [Right(verb, NAMESPACES) for verb in _MAKE]
    if spec.issuer is not None:
        rights += [Right(verb, CERTIFICATES) for verb in _MAKE]
    return tuple(rights)
