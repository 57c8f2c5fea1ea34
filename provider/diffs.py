"""What a change means: property by property, in the words of the Pulumi protocol."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from provider.values import Properties

_PLAIN_KEY_EXTRA: Final = "_-"


class DiffKind(StrEnum):
    """How one property changes, and whether that replaces the resource."""

    ADD = "add"
    ADD_REPLACE = "add-replace"
    DELETE = "delete"
    DELETE_REPLACE = "delete-replace"
    UPDATE = "update"
    UPDATE_REPLACE = "update-replace"

    @property
    def replaces(self) -> bool:
        """Whether this change needs a new resource."""
        return self.value.endswith("-replace")

    @property
    def replacing(self) -> DiffKind:
        """The same change, made by replacement."""
        return self if self.replaces else DiffKind(f"{self.value}-replace")


@dataclass(frozen=True)
class PropertyChange:
    """One changed property.

    Attributes:
        kind: what happens to it.
        is_input: compare the old and the new input for display. False: the stored output (what
            was found) is compared with the new input.
    """

    kind: DiffKind
    is_input: bool = True


@dataclass(frozen=True)
class DiffResult:
    """The answer of ``Resource.diff``. Empty means: nothing to do.

    Attributes:
        changes: by property path (``directives.maxmemory``).
        stables: outputs that keep their value through the update, so that a preview knows them.
        delete_before_replace: the old one must go first (it holds a port, a folder, a name).
    """

    changes: Mapping[str, PropertyChange] = field(default_factory=dict)
    stables: frozenset[str] = frozenset()
    delete_before_replace: bool = False

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def replaces(self) -> tuple[str, ...]:
        """Paths of the properties that force a replacement."""
        return tuple(path for path, change in self.changes.items() if change.kind.replaces)

    def with_drift(self, *names: str) -> DiffResult:
        """The same and the named outputs, found to differ from what they should be."""
        drift = {name: PropertyChange(DiffKind.UPDATE, is_input=False) for name in names}
        return DiffResult({**self.changes, **drift}, self.stables, self.delete_before_replace)


def compare_inputs(
    old: Properties,
    new: Properties,
    *,
    replace_on: Collection[str] = (),
    stables: Collection[str] = (),
    delete_before_replace: bool = False,
) -> DiffResult:
    """Compare old and new inputs, maps key by key, lists as a whole.

    A value that is still unknown counts as changed: the engine asks again when it is known.

    Args:
        old: inputs as last applied.
        new: checked inputs.
        replace_on: top-level names whose change replaces the resource.
        stables: outputs that survive an update unchanged.
        delete_before_replace: whether a replacement must delete first.
    """
    changes: dict[str, PropertyChange] = {}
    for name in sorted(old.keys() | new.keys()):
        for path, kind in _changes(
            _key(name), name in old, old.get(name), name in new, new.get(name)
        ):
            changes[path] = PropertyChange(kind.replacing if name in replace_on else kind)
    return DiffResult(changes, frozenset(stables), delete_before_replace)


def _changes(
    path: str, in_old: bool, old: object, in_new: bool, new: object
) -> Iterator[tuple[str, DiffKind]]:
    if not in_old:
        yield path, DiffKind.ADD
    elif not in_new:
        yield path, DiffKind.DELETE
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _changes(
                path + _step(key), key in old, old.get(key), key in new, new.get(key)
            )
    elif old is not new and not _equal(old, new):
        yield path, DiffKind.UPDATE


def _equal(old: object, new: object) -> bool:
    # 1 == True in Python, but they are two values to the engine and to a config file.
    return isinstance(old, bool) == isinstance(new, bool) and old == new


def _key(name: str) -> str:
    plain = name and all(char.isalnum() or char in _PLAIN_KEY_EXTRA for char in name)
    return name if plain else '["' + name.replace('"', '\\"') + '"]'


def _step(name: str) -> str:
    key = _key(name)
    return key if key.startswith("[") else f".{key}"
