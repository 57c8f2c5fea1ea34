"""Services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.standin.kubernetes.awaits.progress import Progress
from tests.standin.kubernetes.objects import Object, field

SETTLE_SECONDS: Final = 10.0
"""Pods come one after the other: so long after the last of them the Service is taken as whole."""

_NO_PODS: Final = (
    "Service does not target any Pods. Selected Pods may not be ready, or "
    "field '.spec.selector' may not match labels on any Pods"
)
_NO_ADDRESS: Final = (
    "Service was not allocated an IP address; does your cloud provider support this?"
)


def service(item: Object, endpoints: Sequence[Object]) -> Progress:
    """It leads to pods, and has an address of its own if it is a load balancer.

    A headless one, or one that is a name only, needs no pods.
    """
    kind = field(item, "spec", "type") or "ClusterIP"
    has_address = kind != "LoadBalancer" or bool(field(item, "status", "loadBalancer", "ingress"))
    needs_pods = kind != "ExternalName" and field(item, "spec", "clusterIP") != "None"
    if not needs_pods:
        return Progress(done=has_address, problems=() if has_address else (_NO_ADDRESS,))
    has_pods = any(field(found, "subsets") for found in endpoints)
    problems = [] if has_pods else [_NO_PODS]
    if not has_address:
        problems.append(_NO_ADDRESS)
    text = (
        "[2/3] Attempting to allocate IP address to Service"
        if has_pods
        else "[1/3] Finding Pods to direct traffic to"
    )
    return Progress(
        done=has_pods and has_address,
        status=text,
        problems=tuple(problems),
        settle_seconds=SETTLE_SECONDS,
    )
