"""From what is there and what is wanted to the answer of Diff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provider.diffs import DiffKind, DiffResult, PropertyChange
from provider.values import is_known
from tests.standin.kubernetes.objects import AUTONAMED, Object, is_on, name_of, namespace_of
from tests.standin.kubernetes.replacements import Step, touches

_NEEDS_QUOTES: Final = frozenset('."[]')


@dataclass(frozen=True)
class Change:
    """One difference; ``value`` is what is written there, or the old one where it is removed."""

    path: tuple[Step, ...]
    kind: DiffKind
    value: Any

    @property
    def text(self) -> str:
        """The path as the engine writes it."""
        return path_text(self.path)


def compare(
    there: Object, wanted: Object, *, replacing: Sequence[str], ignored: Sequence[str] = ()
) -> DiffResult:
    """Compare a live object, pruned to the shape of its inputs, with new inputs.

    Args:
        there: the live object, pruned.
        wanted: normalized inputs, may hold UNKNOWN.
        replacing: paths whose change replaces the object.
        ignored: ``ignore_changes`` of the user's options.
    """
    changes: dict[str, PropertyChange] = {}
    for change in _compare((), there, wanted):
        if any(_is_under(change.text, path) for path in ignored):
            continue
        replaces = any(touches(change.path, change.value, pattern) for pattern in replacing)
        kind = change.kind.replacing if replaces else change.kind
        changes[change.text] = PropertyChange(kind, is_input=change.kind is DiffKind.DELETE)
    # Two objects of one name cannot be there at a time; made-up names differ anyhow.
    same_name = name_of(there) == name_of(wanted) and namespace_of(there) == namespace_of(wanted)
    return DiffResult(changes, delete_before_replace=same_name and not is_on(wanted, AUTONAMED))


def _compare(path: tuple[Step, ...], there: object, wanted: object) -> Iterator[Change]:
    if isinstance(there, dict) and isinstance(wanted, dict):
        for key in sorted(there.keys() | wanted.keys()):
            if key not in wanted:
                yield Change((*path, key), DiffKind.DELETE, there[key])
            elif key not in there:
                yield Change((*path, key), DiffKind.ADD, wanted[key])
            else:
                yield from _compare((*path, key), there[key], wanted[key])
    elif isinstance(there, list) and isinstance(wanted, list):
        for index in range(max(len(there), len(wanted))):
            if index >= len(wanted):
                yield Change((*path, index), DiffKind.DELETE, there[index])
            elif index >= len(there):
                yield Change((*path, index), DiffKind.ADD, wanted[index])
            else:
                yield from _compare((*path, index), there[index], wanted[index])
    elif not is_known(wanted) or not _equal(there, wanted):
        yield Change(path, DiffKind.UPDATE, wanted)


def _equal(one: object, other: object) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def path_text(path: Sequence[Step]) -> str:
    """``metadata.annotations["a.b/c"]``, ``spec.containers[0].image``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _NEEDS_QUOTES & set(step):
            text += '["' + step.replace('"', '\\"') + '"]'
        else:
            text += f".{step}" if text else step
    return text


def _is_under(path: str, ancestor: str) -> bool:
    return path == ancestor or path.startswith((f"{ancestor}.", f"{ancestor}["))
