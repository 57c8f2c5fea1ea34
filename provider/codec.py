"""Between the engine's marshalled properties and plain Python values.

On the wire a secret is an object with a signature and an unknown is a reserved text. Decoding
takes both apart: plain values, and beside them the paths of what is secret. Encoding wraps those
paths again, so that a state never holds a plain secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value

from provider.values import UNKNOWN, Properties

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands: property name, then keys and indexes."""

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a protocol constant)
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_TEXTS: Final = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
_MAX_EXACT_INTEGER: Final = 2**53
_MIN_MASKED_CHARACTERS: Final = 6


@dataclass(frozen=True)
class Decoded:
    """Plain values and the paths of the secret ones among them."""

    values: Properties
    secrets: frozenset[Path] = field(default_factory=frozenset)


def decode(properties: Struct) -> Decoded:
    """Take marshalled properties apart. Whole numbers come back as int."""
    secrets: set[Path] = set()
    values = {key: _decode(item, (key,), secrets) for key, item in properties.fields.items()}
    return Decoded(values, frozenset(secrets))


def _decode(value: Value, path: Path, secrets: set[Path]) -> object:
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWN_TEXTS else value.string_value
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            whole = number.is_integer() and abs(number) <= _MAX_EXACT_INTEGER
            return int(number) if whole else number
        case "list_value":
            items = value.list_value.values
            return [_decode(item, (*path, index), secrets) for index, item in enumerate(items)]
        case "struct_value":
            return _decode_object(value.struct_value, path, secrets)
        case _:
            return None


def _decode_object(value: Struct, path: Path, secrets: set[Path]) -> object:
    fields = value.fields
    signature = fields[SIGNATURE_KEY].string_value if SIGNATURE_KEY in fields else None
    if signature == SECRET_SIGNATURE:
        secrets.add(path)
        return _decode(fields["value"], path, secrets)
    if signature == OUTPUT_SIGNATURE:
        if "secret" in fields and fields["secret"].bool_value:
            secrets.add(path)
        return _decode(fields["value"], path, secrets) if "value" in fields else UNKNOWN
    return {key: _decode(item, (*path, key), secrets) for key, item in fields.items()}


def encode(values: Properties, secrets: Iterable[Path] = ()) -> Struct:
    """Marshal properties, wrapping the values at ``secrets``.

    Raises:
        TypeError: a value that has no form on the wire, or a whole number too large to be exact.
    """
    wrapped = frozenset(secrets)
    target = Struct()
    for key, item in values.items():
        _encode(item, target.fields[key], (key,), wrapped)
    return target


def _encode(value: object, target: Value, path: Path, secrets: frozenset[Path]) -> None:
    if path in secrets:
        target.struct_value.fields[SIGNATURE_KEY].string_value = SECRET_SIGNATURE
        target = target.struct_value.fields["value"]
    if isinstance(value, list | tuple):
        target.list_value.SetInParent()
        for index, item in enumerate(value):
            _encode(item, target.list_value.values.add(), (*path, index), secrets)
    elif isinstance(value, dict):
        target.struct_value.SetInParent()
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{_text(path)}: keys are text, not {type(key).__name__}")
            _encode(item, target.struct_value.fields[key], (*path, key), secrets)
    else:
        _encode_scalar(value, target, path)


def _encode_scalar(value: object, target: Value, path: Path) -> None:
    if value is None:
        target.null_value = NULL_VALUE
    elif value is UNKNOWN:
        target.string_value = UNKNOWN_TEXT
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, str):
        target.string_value = str(value)
    elif isinstance(value, int | float):
        if isinstance(value, int) and abs(value) > _MAX_EXACT_INTEGER:
            raise TypeError(f"{_text(path)}: a whole number beyond 2**53 is not exact; use text")
        target.number_value = value
    else:
        raise TypeError(f"{_text(path)}: a {type(value).__name__} has no form on the wire")


def _text(path: Path) -> str:
    return ".".join(str(step) for step in path)


def secret_paths(
    values: Properties, *sources: Decoded, always: Iterable[str] = ()
) -> frozenset[Path]:
    """What to wrap in ``values``: the properties in ``always``, and what was secret in a source.

    A property that equals its source is wrapped exactly where the source was; one that differs
    but held a secret there is wrapped as a whole.
    """
    paths: set[Path] = {(name,) for name in always if name in values}
    for source in sources:
        for path in source.secrets:
            name = str(path[0])
            if name in values:
                same = name in source.values and values[name] == source.values[name]
                paths.add(path if same else (name,))
    return frozenset(paths)


def mask(text: str, *sources: Decoded) -> str:
    """The text with every secret of the sources replaced, for error messages."""
    found = {
        secret
        for source in sources
        for path in source.secrets
        for secret in _leaves(source.values, path)
    }
    for secret in sorted(found, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text


def _leaves(values: object, path: Path) -> Iterator[str]:
    for step in path:
        values = values[step]  # type: ignore[index]  # the path was made from these values
    yield from _texts(values)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= _MIN_MASKED_CHARACTERS:
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
