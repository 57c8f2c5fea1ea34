"""The tables of the stand-in against the SDK that programs use."""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.standin.aws.types import TYPES

_ASSIGNED = re.compile(r'__props__\.__dict__\["(\w+)"\] = (.+)')
_REQUIRED = re.compile(r"Missing required property '(\w+)'")


@cache
def source(token: str) -> str:
    """What the SDK does as it makes a resource of this type."""
    found = find_spec("pulumi_aws")
    assert found is not None
    assert found.submodule_search_locations is not None
    path = token.split(":")[1]
    module, _, name = path.partition("/")
    file = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    folder = Path(found.submodule_search_locations[0]) / (
        "lambda_" if module == "lambda" else module
    )
    text = (folder / f"{file}.py").read_text()
    start = text.index("def _internal_init")
    return text[start : text.index("super(", start)]


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def outputs_and_inputs(token: str) -> tuple[set[str], set[str]]:
    # A secret input is assigned as "None if it is None else ..."; an output as None, to its end.
    assigned = _ASSIGNED.findall(source(token))
    outputs = {camel(name) for name, value in assigned if value == "None"}
    return outputs, {camel(name) for name, _ in assigned} - outputs


def test_the_tables_are_of_the_sdk_that_is_installed() -> None:
    assert metadata.version("pulumi-aws") == "7.51.1"


@pytest.mark.parametrize("token", sorted(TYPES))
def test_every_property_is_one_of_the_sdk(token: str) -> None:
    outputs, inputs = outputs_and_inputs(token)
    shape = TYPES[token].shape
    assert shape.inputs <= inputs
    assert shape.computed <= outputs
    required = {camel(name) for name in _REQUIRED.findall(source(token))}
    assert required <= shape.required
    assert ("region" in inputs) == shape.regional
    assert ("tags" in inputs) == shape.tagged
