"""Whether a value fits a shape of a service's model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from botocore.model import ListShape, Shape, StringShape, StructureShape

_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "integer": int,
    "long": int,
    "double": (int, float),
    "boolean": bool,
    "timestamp": datetime,
}


def assert_fits(value: object, shape: Shape | None, where: str) -> None:
    """Every name of a result is the model's, and every value has its type.

    Raises:
        AssertionError: with the place of the part that does not fit; moto would leave it out.
    """
    if shape is None:
        assert value == {}, f"{where} has no result in the model"
    elif isinstance(shape, StructureShape):
        assert isinstance(value, dict), f"{where} is not a structure"
        for name, part in value.items():
            assert name in shape.members, f"{where}.{name} is not in the model"
            assert_fits(part, shape.members[name], f"{where}.{name}")
    elif isinstance(shape, ListShape):
        assert isinstance(value, list), f"{where} is not a list"
        for part in value:
            assert_fits(part, shape.member, f"{where}[]")
    else:
        assert isinstance(value, _TYPES[shape.type_name]), f"{where} is not a {shape.type_name}"
        if isinstance(shape, StringShape) and shape.enum:
            assert value in shape.enum, f"{where}: {value!r} is not one of {shape.enum}"
