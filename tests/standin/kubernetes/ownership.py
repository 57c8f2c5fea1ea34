"""Field managers: who may change which field of an object."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final

from tests.standin.kubernetes.objects import FIELD_MANAGER, Object, annotation, field

_PREFIX: Final = "pulumi-kubernetes-"
_ADOPTED: Final = frozenset(
    {
        ("kubectl", "Apply"),
        ("kubectl", "Update"),
        ("before-first-apply", "Update"),
        ("pulumi-kubernetes", "Update"),
        ("pulumi-resource-kubernetes", "Update"),
    }
)


def manager_name(inputs: Object, known: object = None) -> str:
    """The manager of an object's fields.

    Args:
        inputs: may name it.
        known: from the state, where the object has one.
    """
    return annotation(inputs, FIELD_MANAGER) or (
        str(known) if known else _PREFIX + secrets.token_hex(4)
    )


def adopted(live: Object, manager: str) -> list[Object] | None:
    """``managedFields`` in which what was created, or applied by kubectl, is ``manager``'s own.

    Creation is no apply to the server, so it counts those fields as another manager's. Without
    this an apply could neither remove them nor, where kubectl holds them, change them.

    Returns:
        None if there is nothing to adopt.
    """
    kept: list[Object] = []
    mine: list[Object] = []
    found: Sequence[Object] = field(live, "metadata", "managedFields") or ()
    for entry in found:
        identity = (entry.get("manager"), entry.get("operation"))
        is_taken = identity in _ADOPTED or identity == (manager, "Update")
        is_mine = identity == (manager, "Apply")
        is_object = not entry.get("subresource")
        (mine if is_object and (is_taken or is_mine) else kept).append(entry)
    if not mine or all(
        (entry["manager"], entry["operation"]) == (manager, "Apply") for entry in mine
    ):
        return None
    merged = deepcopy(mine[0])
    for entry in mine[1:]:
        _merge(merged["fieldsV1"], entry["fieldsV1"])
    return [*kept, {**merged, "manager": manager, "operation": "Apply"}]


def is_owned_by_others(live: Object, manager: str, path: str) -> bool:
    """Whether managers own the field at ``path`` (dots between names), and ``manager`` does not."""
    owners = {
        entry.get("manager")
        for entry in field(live, "metadata", "managedFields") or ()
        if _has(entry.get("fieldsV1"), path.split("."))
    }
    return bool(owners) and manager not in owners


def _has(fields: Any, steps: Sequence[str]) -> bool:  # noqa: ANN401 (JSON)
    for step in steps:
        if not isinstance(fields, dict) or f"f:{step}" not in fields:
            return False
        fields = fields[f"f:{step}"]
    return True


def _merge(into: Object, more: Object) -> None:
    for key, value in more.items():
        if isinstance(into.get(key), dict) and isinstance(value, dict):
            _merge(into[key], value)
        else:
            into.setdefault(key, deepcopy(value))
