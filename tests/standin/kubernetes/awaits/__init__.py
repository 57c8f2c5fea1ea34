"""When an object is ready: what the official plugin documents, as pure functions of objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.standin.kubernetes.awaits import storage, workloads
from tests.standin.kubernetes.awaits.progress import Progress
from tests.standin.kubernetes.awaits.services import service
from tests.standin.kubernetes.objects import Kind, Object

_TEN_MINUTES: Final = 600.0
_FIVE_MINUTES: Final = 300.0


class Related(StrEnum):
    """What else tells of an object's progress."""

    NOTHING = "nothing"
    PODS = "pods"
    ENDPOINTS = "endpoints"
    STORAGE_CLASS = "storage class"


@dataclass(frozen=True)
class Await:
    """How to wait for objects of a kind.

    Attributes:
        progress: from the object and what is related to it.
        related: what that is.
        timeout_seconds: by default.
        on_read: a refresh reports an object that is not ready.
    """

    progress: Callable[[Object, Sequence[Object]], Progress]
    related: Related = Related.NOTHING
    timeout_seconds: float = _TEN_MINUTES
    on_read: bool = True


_AWAITS: Final[Mapping[tuple[str, str], Await]] = {
    ("apps", "StatefulSet"): Await(workloads.stateful_set, Related.PODS),
    ("apps", "Deployment"): Await(workloads.deployment, Related.PODS),
    ("apps", "DaemonSet"): Await(workloads.daemon_set, Related.PODS),
    ("batch", "Job"): Await(workloads.job, Related.PODS),
    ("", "Pod"): Await(workloads.pod),
    ("", "Service"): Await(service, Related.ENDPOINTS),
    ("", "PersistentVolume"): Await(storage.volume, timeout_seconds=_FIVE_MINUTES, on_read=False),
    ("", "PersistentVolumeClaim"): Await(
        storage.claim, Related.STORAGE_CLASS, timeout_seconds=_FIVE_MINUTES, on_read=False
    ),
}
_NOT_WAITED_FOR_WHEN_DELETED: Final = frozenset(
    {
        ("", "Namespace"),
        ("", "Pod"),
        ("", "ReplicationController"),
        ("apps", "DaemonSet"),
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("batch", "Job"),
    }
)


def await_of(kind: Kind) -> Await | None:
    """How to wait for objects of ``kind``; None if they are ready at once."""
    return _AWAITS.get((kind.group, kind.name))


def skips_deletion(kind: Kind) -> bool:
    """Whether ``skipAwait`` also skips the wait for a deletion, an old habit of some kinds."""
    return (kind.group, kind.name) in _NOT_WAITED_FOR_WHEN_DELETED
