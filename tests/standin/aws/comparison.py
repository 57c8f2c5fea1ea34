"""Whether two values mean the same to AWS, and what differs between a state and a wish."""

from __future__ import annotations

import json
from collections.abc import Sequence

from provider.diffs import DiffKind, DiffResult, PropertyChange, compare_inputs
from provider.resource import Stored
from provider.values import Properties, is_known
from tests.standin.aws.shape import DEFAULTS, Shape


def normal(shape: Shape, name: str, value: object) -> object:
    """A value so that two which mean the same are equal."""
    if name in shape.documents and isinstance(value, str):
        return _document(value)
    if name in shape.caseless and isinstance(value, str):
        return value.lower()
    if name == "authenticationMode" and isinstance(value, dict):
        # AWS counts them; nobody asks for a count.
        return _plain({key: item for key, item in value.items() if key != "passwordCount"})
    if name == "accessString" and isinstance(value, str):
        return value.split()
    if name in shape.sets and isinstance(value, list):
        # An item may be unknown during a preview: it then equals none that is known.
        return sorted(json.dumps(_plain(item), sort_keys=True, default=repr) for item in value)
    return _plain(value)


def _plain(value: object) -> object:
    # Optional parts of a nested object may be absent, or there and empty.
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value).removesuffix(".0")
    return value


def _document(text: str) -> object:
    try:
        return _policy(json.loads(text))
    except ValueError:
        return text


def _policy(value: object) -> object:
    # A policy's element may be one text or a list of one; order inside does not matter.
    if isinstance(value, dict):
        return {key: _policy(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_policy(item) for item in value]
        if len(items) == 1 and isinstance(items[0], str):
            return items[0]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value


def same(shape: Shape, name: str, one: object, other: object) -> bool:
    """Whether both mean the same."""
    return normal(shape, name, one) == normal(shape, name, other)


def is_empty(value: object) -> bool:
    """What an absent property counts as."""
    return value is None or value is False or value == 0 or value in ("", [], {})


def changed_names(shape: Shape, outputs: Properties, inputs: Properties) -> list[str]:
    """Inputs that differ between what is there and what is wanted."""
    found = []
    for name in sorted(shape.settable):
        old, new = outputs.get(name), inputs.get(name)
        if new is None:
            if name not in shape.keeping and name != "region" and not is_empty(old):
                found.append(name)
        elif not is_known(new) or (
            not same(shape, name, old, new) and not (old is None and is_empty(new))
        ):
            found.append(name)
    return found


def compare(
    shape: Shape, stored: Stored, inputs: Properties, *, ignored: Sequence[str] = ()
) -> DiffResult:
    """What Diff answers."""
    changes: dict[str, PropertyChange] = {}
    for name in changed_names(shape, stored.outputs, inputs):
        if any(path == name or path.startswith((f"{name}.", f"{name}[")) for path in ignored):
            continue
        changes.update(_changes(shape, name, stored, inputs))
    volatile = shape.volatile if changes else frozenset[str]()
    fixed = _has_fixed_name(shape, stored, inputs)
    return DiffResult(
        changes, shape.computed - volatile, delete_before_replace=shape.delete_first or fixed
    )


def _changes(
    shape: Shape, name: str, stored: Stored, inputs: Properties
) -> dict[str, PropertyChange]:
    new = {name: inputs[name]} if inputs.get(name) is not None else {}
    given = stored.inputs.get(name)
    is_input = given is None or not new or not same(shape, name, given, new[name])
    found = given if is_input else stored.outputs.get(name)
    old = {name: found} if found is not None else {}
    result = compare_inputs(old, new, replace_on=shape.replacing)
    if not result.changes:
        # They differ as AWS sees them only: another layout of an unknown, a default gone.
        kind = DiffKind.UPDATE_REPLACE if name in shape.replacing else DiffKind.UPDATE
        return {name: PropertyChange(kind, is_input=False)}
    return {
        path: PropertyChange(change.kind, is_input=is_input)
        for path, change in result.changes.items()
    }


def _has_fixed_name(shape: Shape, stored: Stored, inputs: Properties) -> bool:
    # A name that the program gave is taken until the old one is gone; a made-up one differs.
    if shape.name is None:
        return False
    name = shape.name.property
    given = inputs.get(name)
    if given is None or name in inputs.get(DEFAULTS, ()):
        return False
    return same(shape, name, given, stored.outputs.get(name))
