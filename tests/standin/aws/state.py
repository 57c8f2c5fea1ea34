"""From what AWS tells to what the state keeps: outputs, and inputs after a refresh or an import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from provider.values import Properties
from tests.standin.aws.comparison import is_empty, same
from tests.standin.aws.shape import DEFAULTS, Shape

_AWS_TAGS: Final = "aws:"


def plain(inputs: Properties) -> Properties:
    """Without the plugin's own notes."""
    return {name: value for name, value in inputs.items() if not name.startswith("__")}


def merged(shape: Shape, found: Properties, inputs: Properties, known: Properties) -> Properties:
    """All outputs: what was found, in the words of the program where both mean the same.

    Args:
        shape: the type.
        found: by AWS; None where it has none.
        inputs: of a create or update; {} in a read.
        known: what the state has.
    """
    outputs = {**known, **plain(inputs)}
    for name, value in found.items():
        if value is None:
            outputs.pop(name, None)
        elif name not in outputs or not same(shape, name, outputs[name], value):
            outputs[name] = value
    if not inputs:
        return outputs
    # What was left out of the program and does not come from AWS is gone.
    told = found.keys() | inputs.keys() | shape.computed | shape.keeping
    return {name: value for name, value in outputs.items() if name in told}


def tags(
    everything: Mapping[str, str], known: Properties, defaults: Mapping[str, str]
) -> Properties:
    """``tags`` and ``tagsAll``: those of the provider are in the latter alone."""
    every = {key: value for key, value in everything.items() if not key.startswith(_AWS_TAGS)}
    own = known.get("tags") or {}
    mine = {key: value for key, value in every.items() if key in own or defaults.get(key) != value}
    return {"tags": mine if mine or "tags" in known else None, "tagsAll": every}


def imported(shape: Shape, outputs: Properties) -> Properties:
    """Outputs of an import: what AWS never tells counts as left at its default."""
    ours = {
        name: value
        for name, value in shape.defaults.items()
        if name in shape.ours and name not in outputs
    }
    return {**outputs, **ours}


def imported_inputs(shape: Shape, outputs: Properties) -> Properties:
    """Inputs that a program needs to describe what was imported."""
    inputs = {
        name: value
        for name, value in outputs.items()
        if name in shape.settable
        and not is_empty(value)
        and not (name in shape.defaults and same(shape, name, shape.defaults[name], value))
    }
    return {DEFAULTS: [], **inputs}


def refreshed_inputs(shape: Shape, inputs: Properties, outputs: Properties) -> Properties:
    """Inputs of the state, with what AWS now has in their place where that differs."""
    kept = {
        name: outputs.get(name, value)
        for name, value in inputs.items()
        if name in outputs or name in shape.ours or name.startswith("__")
    }
    return {
        name: inputs[name] if same(shape, name, inputs[name], value) else value
        for name, value in kept.items()
    }
