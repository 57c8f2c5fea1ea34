"""How a pod is, in words, and whether waiting for it makes sense: pure rules over its JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from holdfast.cluster.resources import Object

_IMAGE_REASONS: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
    }
)
_HOPELESS_REASONS: Final = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "CrashLoopBackOff",
    }
)
_SHOWN_EVENTS: Final = 10


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod will not run.

    Attributes:
        image: whether its image is the reason.
        reason: the API's word.
        message: what the node says.
    """

    image: bool
    reason: str
    message: str


def running(pod: Object) -> bool:
    """Whether every container runs, and the pod is not on its way out."""
    statuses = _status(pod).get("containerStatuses") or ()
    return (
        _status(pod).get("phase") == "Running"
        and not pod["metadata"].get("deletionTimestamp")
        and bool(statuses)
        and all("running" in (status.get("state") or {}) for status in statuses)
    )


def trouble(pod: Object) -> Trouble | None:
    """Why it will not run, None where it may yet."""
    for status in _containers(pod):
        state = status.get("state") or {}
        waiting = state.get("waiting") or {}
        reason = str(waiting.get("reason", ""))
        if reason in _IMAGE_REASONS | _HOPELESS_REASONS:
            message = str(waiting.get("message") or "no message")
            return Trouble(reason in _IMAGE_REASONS, reason, message)
        ended = state.get("terminated")
        if ended:
            return Trouble(
                False,
                str(ended.get("reason", "Terminated")),
                f"exit code {ended.get('exitCode')} {ended.get('message') or ''}".strip(),
            )
    if _status(pod).get("phase") in ("Failed", "Succeeded"):
        status = _status(pod)
        return Trouble(
            False, str(status.get("reason", status["phase"])), str(status.get("message") or "ended")
        )
    return None


def unscheduled(pod: Object) -> str:
    """Why no node takes it so far; empty where one does."""
    for condition in _status(pod).get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return str(condition.get("message") or condition.get("reason") or "no reason given")
    return ""


def describe(pod: Object) -> str:
    """A pod in a line: name, phase, readiness, node, restarts, and what holds it up."""
    statuses = list(_containers(pod))
    ready = sum(bool(status.get("ready")) for status in statuses)
    restarts = sum(int(status.get("restartCount", 0)) for status in statuses)
    parts = [
        str(pod["metadata"]["name"]),
        "Terminating"
        if pod["metadata"].get("deletionTimestamp")
        else str(_status(pod).get("phase", "Unknown")),
        f"{ready}/{len(pod['spec']['containers'])} ready",
        f"on {pod['spec'].get('nodeName') or 'no node'}",
    ]
    if restarts:
        parts.append(f"{restarts} restarts")
    found = trouble(pod)
    if found is not None:
        parts.append(f"{found.reason}: {found.message}")
    elif unscheduled(pod):
        parts.append(unscheduled(pod))
    return "  ".join(parts)


def describe_events(events: Sequence[Object]) -> list[str]:
    """The newest events, a line each; warnings are marked."""
    lines = []
    for event in events[-_SHOWN_EVENTS:]:
        count = int(event.get("count") or 1)
        times = f" (x{count})" if count > 1 else ""
        mark = "! " if event.get("type") == "Warning" else "  "
        message = " ".join(str(event.get("message", "")).split())
        lines.append(f"{mark}{event.get('reason', '')}: {message}{times}")
    return lines


def _containers(pod: Object) -> Iterator[dict[str, Any]]:
    for kind in ("initContainerStatuses", "containerStatuses"):
        for status in _status(pod).get(kind) or ():
            ended = (status.get("state") or {}).get("terminated")
            if kind == "initContainerStatuses" and ended and ended.get("exitCode") == 0:
                continue
            yield status


def _status(pod: Object) -> dict[str, Any]:
    status: dict[str, Any] = pod.get("status") or {}
    return status
