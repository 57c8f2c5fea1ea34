"""Errors on their way over a channel: raised again on the other side as what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.cluster.values import to_wire
from holdfast.errors import HoldfastError, VerificationFailed


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it travels.

    Attributes:
        kinds: its class and the bases of that, nearest first, as ``module.name``.
        message: its text.
        attributes: its fields, those that can travel.
        notes: what was added to it.
    """

    kinds: tuple[str, ...]
    message: str
    attributes: Mapping[str, Any]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Pack an error; one that is not this project's travels as a failed verification."""
        if not isinstance(error, HoldfastError):
            kind = type(error)
            error = VerificationFailed(f"{kind.__name__}: {error}")
        kinds = [_name(kind) for kind in type(error).__mro__ if issubclass(kind, HoldfastError)]
        notes = getattr(error, "__notes__", ())
        return cls(tuple(kinds), str(error), _sendable(vars(error)), tuple(map(str, notes)))

    def error(self) -> HoldfastError:
        """Unpack it, as the nearest class that this side knows."""
        known = {_name(kind): kind for kind in _tree(HoldfastError)}
        kind = next((known[name] for name in self.kinds if name in known), HoldfastError)
        # Constructors differ from class to class, and the message is made already.
        error = kind.__new__(kind)
        error.args = (self.message,)
        vars(error).update(self.attributes)
        for note in self.notes:
            error.add_note(note)
        return error


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _tree(kind: type[HoldfastError]) -> Iterator[type[HoldfastError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


def _sendable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in attributes.items():
        if name.startswith("_"):
            continue
        try:
            found[name] = json.loads(json.dumps(to_wire(value)))
        except (TypeError, ValueError):
            continue
    return found
