"""What is wrong with pods, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tests.standin.kubernetes.objects import Object, field, name_of

_WAITING_IS_NORMAL: Final = frozenset({"ContainerCreating", "PodInitializing"})


def problems_of(pods: Sequence[Object]) -> tuple[str, ...]:
    """Everything that keeps these pods from being ready, pod by pod."""
    return tuple(
        f"[Pod {_place(item)}]: {text}"
        for item in sorted(pods, key=name_of)
        for text in _problems(item)
    )


def condition(item: Object, name: str) -> Object:
    """A condition of an object's status, empty if it has none of that name."""
    for found in field(item, "status", "conditions") or ():
        if found.get("type") == name:
            return dict(found)
    return {}


def is_true(item: Object, name: str) -> bool:
    """Whether a condition holds."""
    return condition(item, name).get("status") == "True"


def _place(item: Object) -> str:
    return f"{field(item, 'metadata', 'namespace')}/{name_of(item)}"


def _problems(item: Object) -> Iterator[str]:
    scheduled = condition(item, "PodScheduled")
    if scheduled.get("status") == "False":
        yield f"{scheduled.get('reason', 'Unschedulable')}: {scheduled.get('message', '')}"
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in field(item, "status", kind) or ():
            yield from _container_problems(container)
    ready = condition(item, "Ready")
    if ready.get("status") == "False" and ready.get("message"):
        yield str(ready["message"])


def _container_problems(container: Object) -> Iterator[str]:
    name = container.get("name")
    waiting = field(container, "state", "waiting")
    if waiting and waiting.get("reason") not in _WAITING_IS_NORMAL:
        yield f"container {name}: {waiting.get('reason')}: {waiting.get('message', '')}".rstrip(
            ": "
        )
    for state in ("state", "lastState"):
        ended = field(container, state, "terminated")
        if ended and ended.get("exitCode"):
            yield (
                f"container {name}: {ended.get('reason', 'Error')}: "
                f"ended with exit code {ended['exitCode']}"
            )
