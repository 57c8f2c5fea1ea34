"""A strict reader for the Connection document: every field typed, nothing unknown accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, TypeVar, cast, overload

from holdfast.errors import ConnectionFormatError

_Choice = TypeVar("_Choice", bound=StrEnum)
_Default = TypeVar("_Default")


class _Required:
    """Marks a field without default, so that ``None`` can be one."""


_REQUIRED: Final = _Required()


class Reader:
    """One JSON object, consumed field by field; :meth:`done` refuses what nobody asked for."""

    def __init__(self, path: str, values: dict[str, Any]) -> None:
        self._path = path
        self._left = dict(values)

    @classmethod
    def of_document(cls, text: str | bytes, *, version: int) -> Reader:
        """Parse a whole document and check its version first, before any other field."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            # The decoder's message may quote the document, which holds secrets.
            raise ConnectionFormatError(
                "connection", "text that is not JSON", "a JSON object", "export it again"
            ) from None
        if not isinstance(document, dict):
            raise ConnectionFormatError(
                "connection", type(document).__name__, "a JSON object", "export it again"
            )
        reader = cls("connection", document)
        found = reader.integer("version")
        if found > version:
            raise ConnectionFormatError(
                "connection.version",
                found,
                f"at most {version}",
                "it was written by a newer Holdfast: upgrade this one",
            )
        if found < version:
            raise ConnectionFormatError(
                "connection.version", found, f"{version}", "export it again with this Holdfast"
            )
        return reader

    def child(self, name: str, *, optional: bool = False) -> Reader:
        """A nested object."""
        value = self._take(name, {} if optional else _REQUIRED)
        if not isinstance(value, dict):
            raise self._wrong(name, value, "an object")
        return Reader(f"{self._path}.{name}", value)

    def children(self, name: str) -> Iterator[tuple[str, Reader]]:
        """The members of an object whose values are objects."""
        value = self._take(name, _REQUIRED)
        if not isinstance(value, dict):
            raise self._wrong(name, value, "an object")
        for key, entry in value.items():
            if not isinstance(entry, dict):
                raise self._wrong(f"{name}.{key}", entry, "an object")
            yield key, Reader(f"{self._path}.{name}.{key}", entry)

    @overload
    def text(self, name: str, *, secret: bool = False) -> str: ...
    @overload
    def text(self, name: str, *, default: _Default, secret: bool = False) -> str | _Default: ...
    def text(self, name: str, *, default: object = _REQUIRED, secret: bool = False) -> object:
        """A string that is not empty; ``null`` counts as absent."""
        value = self._take(name, default)
        if value is default and not isinstance(value, _Required):
            return value
        if not isinstance(value, str) or not value:
            raise self._wrong(name, "(hidden)" if secret else value, "a non-empty string")
        return value

    @overload
    def integer(self, name: str) -> int: ...
    @overload
    def integer(self, name: str, *, default: _Default) -> int | _Default: ...
    def integer(self, name: str, *, default: object = _REQUIRED) -> object:
        """A whole number; ``true`` is none."""
        value = self._take(name, default)
        if value is default and not isinstance(value, _Required):
            return value
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, value, "a whole number")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, value, "true or false")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings; absent means empty."""
        value = self._take(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, value, "a list of strings")
        return cast("list[str]", value)

    def text_map(self, name: str) -> dict[str, str]:
        """An object of strings; absent means empty."""
        value = self._take(name, {})
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise self._wrong(name, value, "an object of strings")
        return cast("dict[str, str]", value)

    @overload
    def enum(self, kind: type[_Choice], name: str) -> _Choice: ...
    @overload
    def enum(self, kind: type[_Choice], name: str, *, default: _Choice) -> _Choice: ...
    def enum(
        self, kind: type[_Choice], name: str, *, default: _Choice | _Required = _REQUIRED
    ) -> _Choice:
        """One of the values of ``kind``."""
        return self.enum_value(kind, self._take(name, default), name)

    def enum_value(self, kind: type[_Choice], value: object, name: str) -> _Choice:
        """``value`` as a member of ``kind``."""
        try:
            return kind(cast("str", value))
        except ValueError:
            allowed = ", ".join(member.value for member in kind)
            raise self._wrong(name, value, f"one of {allowed}") from None

    def done(self) -> None:
        """Refuse the fields that were not asked for: a misspelled one must not be ignored."""
        if self._left:
            unknown = ", ".join(sorted(self._left))
            raise ConnectionFormatError(
                f"{self._path}", f"unknown field {unknown}", "known fields only", "remove it"
            )

    def _take(self, name: str, default: object) -> object:
        value = self._left.pop(name, None)
        if value is not None:
            return value
        if isinstance(default, _Required):
            raise ConnectionFormatError(
                f"{self._path}.{name}", "nothing", "a value", "export the connection again"
            )
        return default

    def _wrong(self, name: str, value: object, rule: str) -> ConnectionFormatError:
        shown = value if isinstance(value, str | int | bool | float) else type(value).__name__
        return ConnectionFormatError(
            f"{self._path}.{name}", shown, rule, "export the connection again"
        )
