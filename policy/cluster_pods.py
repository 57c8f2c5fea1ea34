"""Rules for pods: limits, a root that nothing writes to, images by digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from holdfast.verify.plan_rules import value_at
from holdfast.verify.protections import present
from policy.rule import Level, Resource, Rule, items, known

_POD: Final = "kubernetes:core/v1:Pod"
_CRON_JOB: Final = "kubernetes:batch/v1:CronJob"
_TYPES: Final = frozenset(
    {
        _POD,
        _CRON_JOB,
        "kubernetes:apps/v1:StatefulSet",
        "kubernetes:apps/v1:Deployment",
        "kubernetes:apps/v1:DaemonSet",
        "kubernetes:batch/v1:Job",
    }
)


def pod_of(resource: Resource) -> Mapping[str, Any]:
    """The spec of a resource's pods, empty where it has none that is known."""
    path: tuple[str, ...] = ("spec", "template", "spec")
    if resource.type == _POD:
        path = ("spec",)
    elif resource.type == _CRON_JOB:
        path = ("spec", "jobTemplate", *path)
    found = value_at(resource.props, path)
    return found if isinstance(found, Mapping) else {}


def containers_of(resource: Resource) -> list[Mapping[str, Any]]:
    """The containers, those that run first among them."""
    pod = pod_of(resource)
    return [*items(pod.get("initContainers")), *items(pod.get("containers"))]


def limits(resource: Resource) -> Iterator[str]:
    """K3: a container without them takes its node down with it, or is the first to be killed."""
    for container in containers_of(resource):
        wanted = (("limits", "memory"), ("requests", "memory"), ("requests", "cpu"))
        for kind, what in wanted:
            if not present(value_at(container, ("resources", kind, what))):
                yield f"container {container.get('name')}: got no resources.{kind}.{what}"


def locked_root(resource: Resource) -> Iterator[str]:
    """K4: who breaks into a server finds nothing to write to, and is nobody."""
    pod_context = pod_of(resource).get("securityContext")
    outer = pod_context if isinstance(pod_context, Mapping) else {}
    for container in containers_of(resource):
        own = container.get("securityContext")
        context = {**outer, **(own if isinstance(own, Mapping) else {})}
        name = container.get("name")
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"container {name}: need readOnlyRootFilesystem true"
        if context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0:
            yield f"container {name}: need runAsNonRoot true, and no runAsUser 0"
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"container {name}: need allowPrivilegeEscalation false"
        if context.get("privileged") is True:
            yield f"container {name}: need privileged false"
        if "ALL" not in (value_at(context, ("capabilities", "drop")) or []):
            yield f"container {name}: need capabilities.drop ALL"


def digests(resource: Resource) -> Iterator[str]:
    """K5: a tag is another image tomorrow."""
    for container in containers_of(resource):
        image = container.get("image")
        if known(image) and "@sha256:" not in str(image):
            yield f"container {container.get('name')}: got {image!r}, need name@sha256:..."


RULES: Final = (
    Rule(
        "K3",
        "kubernetes-limits",
        "containers have a limit of memory, and requests of memory and processor",
        Level.MANDATORY,
        _TYPES,
        limits,
    ),
    Rule(
        "K4",
        "kubernetes-locked-root",
        "containers cannot write to their root, are nobody, and gain nothing",
        Level.MANDATORY,
        _TYPES,
        locked_root,
        source='Pod Security "restricted"',
    ),
    Rule(
        "K5",
        "kubernetes-image-digest-in-production",
        "images are named by digest",
        Level.MANDATORY,
        _TYPES,
        digests,
        production=True,
    ),
)
