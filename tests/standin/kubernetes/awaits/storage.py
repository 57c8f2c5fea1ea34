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
    """Bound; or pending, of a class that binds when the first pod comes.

    Of such a class a claim that is bound is not waited for in vain only when it is updated: then
    there are no ``storage_classes``. The first run of a patch of a bound claim counts as its
    creation, and needs ``pulumi.com/skipAwait``: so it is with the official plugin.
    """
    phase = field(item, "status", "phase")
    binds_late = any(
        field(found, "volumeBindingMode") == "WaitForFirstConsumer" for found in storage_classes
    )
    wanted = "Pending" if binds_late else "Bound"
    text = f"PersistentVolumeClaim is {phase or 'not seen yet'}, not {wanted}"
    return Progress(phase == wanted, text, (text,))
