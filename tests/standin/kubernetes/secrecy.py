"""Which outputs are secret: what was secret in the inputs, at the same place; and Secrets' data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provider.codec import Decoded, Path
from provider.values import Properties

INPUTS: Final = "__inputs"
"""Where the state keeps the inputs of the object beside it."""

_DATA: Final = ("data", "stringData")


def secret_places(values: Properties, *sources: Decoded) -> frozenset[Path]:
    """Paths in ``values`` to wrap.

    A secret inside an object stays a secret of that one field; inside a list it makes the whole
    list one, since elements move.
    """
    return frozenset(_places(values, sources))


def _places(values: Properties, sources: tuple[Decoded, ...]) -> Iterator[Path]:
    for source in sources:
        for path in source.secrets:
            yield from _marked(values, source.values, path)
    if values.get("kind") == "Secret":
        yield from ((name,) for name in _DATA if name in values)
    inputs = values.get(INPUTS)
    if isinstance(inputs, dict):
        yield from ((INPUTS, *path) for path in _places(inputs, sources))


def _marked(values: object, source: object, path: Path) -> Iterator[Path]:
    for depth, step in enumerate(path, start=1):
        if not isinstance(values, dict) or step not in values:
            return
        values, source = values[step], source[step]  # type: ignore[index]  # made from this source
        is_last = depth == len(path)
        if is_last or not (isinstance(values, dict) and isinstance(source, dict)):
            yield path[:depth]
            return
