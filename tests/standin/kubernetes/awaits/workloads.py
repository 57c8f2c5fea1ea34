"""Pods and what makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.standin.kubernetes.awaits.pods import condition, is_true, problems_of
from tests.standin.kubernetes.awaits.progress import Progress
from tests.standin.kubernetes.objects import Object, field

_ON_DELETE: Final = "OnDelete"


def stateful_set(item: Object, pods: Sequence[Object]) -> Progress:
    """All replicas exist and are ready, and all are of the revision that is wanted.

    With ``OnDelete`` a person rolls the pods: after an update their number is enough.
    """
    wanted, generation = _number(item, "spec", "replicas"), _number(item, "metadata", "generation")
    status = item.get("status") or {}
    current, update = status.get("currentRevision", ""), status.get("updateRevision", "")
    ready = _number(item, "status", "readyReplicas")
    counted = [_number(item, "status", "replicas"), ready]
    by_hand = generation > 1 and field(item, "spec", "updateStrategy", "type") == _ON_DELETE
    if not by_hand:
        counted.append(_number(item, "status", "currentReplicas"))
    seen = _is_observed(item)
    replicas_ready = seen and all(number == wanted for number in counted)
    revision_ready = seen and (by_hand or (bool(current) and current == update))
    if replicas_ready and revision_ready:
        return Progress(done=True)
    # During a roll the pods of the old revision are ready, and do not count.
    shown = ready if revision_ready else min(ready, _number(item, "status", "updatedReplicas"))
    problems = []
    if not replicas_ready:
        problems.append(f"{shown} out of {wanted} replicas succeeded readiness checks")
    if not revision_ready:
        problems.append(
            "StatefulSet controller failed to advance from revision "
            f'"{current}" to revision "{update}"'
        )
    if generation <= 1:
        text = f"[1/2] Waiting for StatefulSet to create Pods ({shown}/{wanted} Pods ready)"
    elif not replicas_ready:
        text = f"[1/3] Waiting for StatefulSet update to roll out ({shown}/{wanted} Pods ready)"
    else:
        text = "[2/3] Waiting for StatefulSet to update .status.currentRevision"
    return Progress(done=False, status=text, problems=(*problems, *problems_of(pods)))


def deployment(item: Object, pods: Sequence[Object]) -> Progress:
    """The new ReplicaSet is complete, and enough pods are available."""
    wanted = _number(item, "spec", "replicas")
    progressing = condition(item, "Progressing")
    rolled_out = (
        _is_observed(item)
        and progressing.get("status") == "True"
        and progressing.get("reason") == "NewReplicaSetAvailable"
        and _number(item, "status", "updatedReplicas") == wanted
        and _number(item, "status", "replicas") == wanted
    )
    if rolled_out and is_true(item, "Available"):
        return Progress(done=True)
    ready = min(
        _number(item, "status", "readyReplicas"), _number(item, "status", "updatedReplicas")
    )
    problems = [f"{ready} out of {wanted} replicas are available"]
    if progressing.get("status") == "False":
        reason, message = progressing.get("reason", ""), progressing.get("message", "")
        problems.insert(0, f"[{reason}] {message}")
    text = f"[1/2] Waiting for app ReplicaSet be available ({ready}/{wanted} Pods available)"
    return Progress(done=False, status=text, problems=(*problems, *problems_of(pods)))


def daemon_set(item: Object, pods: Sequence[Object]) -> Progress:
    """Every node that should have the pod has the new one, available."""
    wanted = _number(item, "status", "desiredNumberScheduled")
    available = _number(item, "status", "numberAvailable")
    updated = _number(item, "status", "updatedNumberScheduled")
    by_hand = field(item, "spec", "updateStrategy", "type") == _ON_DELETE
    if _is_observed(item) and available == wanted and (by_hand or updated == wanted):
        return Progress(done=True)
    text = f"DaemonSet has {available} of {wanted} pods available"
    return Progress(done=False, status=text, problems=(text, *problems_of(pods)))


def job(item: Object, pods: Sequence[Object]) -> Progress:
    """It started and is complete. A failed one will not be."""
    failed = condition(item, "Failed")
    if failed.get("status") == "True":
        reason = f"[{failed.get('reason', 'Failed')}] {failed.get('message', '')}".rstrip()
        return Progress(done=False, failed=True, problems=(reason, *problems_of(pods)))
    if field(item, "status", "startTime") and is_true(item, "Complete"):
        return Progress(done=True)
    done = _number(item, "status", "succeeded")
    text = f"Waiting for Job to succeed ({done} of its Pods did)"
    return Progress(done=False, status=text, problems=(text, *problems_of(pods)))


def pod(item: Object, related: Sequence[Object]) -> Progress:
    """Ready, or over and successful."""
    if is_true(item, "Ready") or field(item, "status", "phase") == "Succeeded":
        return Progress(done=True)
    text = f"Waiting for Pod to be ready ({field(item, 'status', 'phase') or 'not seen yet'})"
    return Progress(done=False, status=text, problems=problems_of([item]) or (text,))


def _is_observed(item: Object) -> bool:
    # Right after a change the status still tells of what was before it.
    return _number(item, "status", "observedGeneration") >= _number(item, "metadata", "generation")


def _number(item: Object, *path: str) -> int:
    value = field(item, *path)
    return value if isinstance(value, int) else 0
