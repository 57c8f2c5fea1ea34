"""Values as JSON and back, by their types: what the two sides of a channel tell each other.

Both sides run the same version, so the types are the schema. Numbers, texts, enums, dataclasses,
and collections of these are known; anything else is a mistake of the programmer's.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

_ANYTHING: Final = (Any, object)
_PLAIN: Final = (bool, int, float, str)
_SETS: Final = (frozenset, set, collections.abc.Set)
_MAPPINGS: Final = (dict, collections.abc.Mapping)
_ROWS: Final = (
    tuple,
    list,
    collections.abc.Sequence,
    collections.abc.Collection,
    collections.abc.Iterable,
)


class WireError(ValueError):
    """Something else arrived than the type says."""


def to_wire(value: object) -> Any:  # noqa: ANN401 - JSON
    """A value as JSON has it.

    Raises:
        TypeError: a kind of value that is not sent.
    """
    if isinstance(value, Enum):
        return to_wire(value.value)
    if value is None or isinstance(value, _PLAIN):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_wire(getattr(value, field.name)) for field in fields(value) if field.init
        }
    if isinstance(value, collections.abc.Mapping):
        return {_key(key): to_wire(entry) for key, entry in value.items()}
    if isinstance(value, collections.abc.Set):
        return sorted((to_wire(entry) for entry in value), key=repr)
    if isinstance(value, tuple | list):
        return [to_wire(entry) for entry in value]
    raise TypeError(f"{type(value).__name__} is not sent over a channel")


def from_wire(hint: Any, data: Any) -> Any:  # noqa: ANN401 - types and JSON
    """The value that a type hint makes of some JSON.

    Raises:
        WireError: it is not of that type.
        TypeError: a kind of type that is not sent.
    """
    if hint in _ANYTHING:
        return data
    if hint in (None, type(None)):
        return _expect(data is None, None, hint, data)
    origin = typing.get_origin(hint)
    if origin is not None:
        return _generic(hint, origin, data)
    if not isinstance(hint, type):
        raise TypeError(f"{hint} is not sent over a channel")
    if issubclass(hint, Enum):
        return _made(hint, data, hint)
    if hint in _PLAIN:
        return _plain(hint, data)
    if is_dataclass(hint):
        return _dataclass(hint, data)
    raise TypeError(f"{hint.__name__} is not sent over a channel")


def _generic(hint: Any, origin: Any, data: Any) -> Any:  # noqa: ANN401
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(hint, arguments, data)
    if origin in _MAPPINGS:
        _expect(isinstance(data, dict), data, hint, data)
        of_key, of_entry = arguments
        return {_read_key(of_key, key): from_wire(of_entry, entry) for key, entry in data.items()}
    if origin not in _SETS + _ROWS:
        raise TypeError(f"{hint} is not sent over a channel")
    _expect(isinstance(data, list), data, hint, data)
    if origin in _SETS:
        return frozenset(from_wire(arguments[0], entry) for entry in data)
    if origin is tuple and arguments[-1] is not Ellipsis:
        _expect(len(data) == len(arguments), data, hint, data)
        return tuple(from_wire(of, entry) for of, entry in zip(arguments, data, strict=True))
    read = [from_wire(arguments[0], entry) for entry in data]
    return read if origin is list else tuple(read)


def _union(hint: Any, arguments: tuple[Any, ...], data: Any) -> Any:  # noqa: ANN401
    for member in arguments:
        try:
            return from_wire(member, data)
        except WireError:
            continue
    raise _wrong(hint, data)


def _plain(hint: type, data: Any) -> Any:  # noqa: ANN401
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    return _expect(type(data) is hint, data, hint, data)


def _dataclass(hint: Any, data: Any) -> Any:  # noqa: ANN401
    _expect(isinstance(data, dict), data, hint, data)
    hints = typing.get_type_hints(hint)
    wanted = {field.name for field in fields(hint) if field.init}
    _expect(set(data) == wanted, data, hint, sorted(map(str, data)))
    return _made(
        lambda read: hint(**read), {name: from_wire(hints[name], data[name]) for name in data}, hint
    )


def _made(make: Any, data: Any, hint: Any) -> Any:  # noqa: ANN401
    """Call a constructor, whose own rules count too."""
    try:
        return make(data)
    except (ValueError, TypeError):
        raise _wrong(hint, data) from None


def _key(key: object) -> str:
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise TypeError(f"{type(key).__name__} is not sent as a key")
    return str(key)


def _read_key(hint: Any, key: str) -> Any:  # noqa: ANN401
    if hint is int:
        return _made(int, key, hint)
    return from_wire(hint, key)


def _expect(holds: bool, value: Any, hint: Any, data: Any) -> Any:  # noqa: ANN401
    if not holds:
        raise _wrong(hint, data)
    return value


def _wrong(hint: Any, data: Any) -> WireError:  # noqa: ANN401
    # The value may hold a secret, so only its kind is named.
    return WireError(f"{getattr(hint, '__name__', hint)} was expected, not {type(data).__name__}")
