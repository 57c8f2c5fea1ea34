"""Volumes and claims."""

from __future__ import annotations

from collections.abc import Sequence

from tests.standin.kubernetes.awaits.progress import Progress
from tests.standin.kubernetes.objects import Object, field


def volume(item: Object, related: Sequence[Object]) -> Progress:
    """Available, or bound to a claim."""
    phase = field(item, "status", "phase")
    text = f"PersistentVolume is {phase or 'not seen yet'}, neither Available nor Bound"
    return Progress(phase in {"Available", "Bound"}, text, (text,))


def claim(item: Object, storage_classes: Sequence[Object]) -> Progress:
    """Bound; or waiting for its first pod, if its class binds no sooner."""
    phase = field(item, "status", "phase")
    waits = any(
        field(found, "volumeBindingMode") == "WaitForFirstConsumer" for found in storage_classes
    )
    text = f"PersistentVolumeClaim is {phase or 'not seen yet'}, not Bound"
    return Progress(phase == "Bound" or (waits and phase == "Pending"), text, (text,))
