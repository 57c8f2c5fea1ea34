from __future__ import annotations

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from provider.codec import (
    OUTPUT_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN_TEXT,
    Decoded,
    Path,
    decode,
    encode,
    mask,
    secret_paths,
)
from provider.values import UNKNOWN, Properties, is_known

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**53), max_value=2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.just(UNKNOWN)
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
_PROPERTIES = st.dictionaries(st.text(max_size=8), _VALUES, max_size=5)


def _paths(value: object, path: Path = ()) -> list[Path]:
    found: list[Path] = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += _paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += _paths(item, (*path, index))
    return found


@st.composite
def _properties_with_secrets(draw: st.DrawFn) -> tuple[Properties, frozenset[Path]]:
    values = draw(_PROPERTIES)
    paths = _paths(values)
    return values, frozenset(draw(st.lists(st.sampled_from(paths))) if paths else [])


@given(_properties_with_secrets())
def test_values_secrets_and_unknowns_survive_the_round_trip(
    case: tuple[Properties, frozenset[Path]],
) -> None:
    values, secrets = case
    wire = Struct.FromString(encode(values, secrets).SerializeToString())
    assert decode(wire) == Decoded(values, secrets)


@given(_properties_with_secrets())
def test_echoed_inputs_are_wrapped_exactly_where_the_input_was(
    case: tuple[Properties, frozenset[Path]],
) -> None:
    values, secrets = case
    assert secret_paths(values, Decoded(values, secrets)) == secrets


@given(_properties_with_secrets(), st.text(max_size=5))
def test_a_property_that_held_a_secret_never_leaves_unwrapped(
    case: tuple[Properties, frozenset[Path]], other: str
) -> None:
    values, secrets = case
    changed = {name: [value, other] for name, value in values.items()}
    wrapped = secret_paths(changed, Decoded(values, secrets))
    assert wrapped == {(path[0],) for path in secrets}


def test_properties_that_are_always_secret_are_wrapped() -> None:
    wire = encode(
        {"value": "x", "length": 1}, secret_paths({"value": "x"}, always={"value", "old"})
    )
    assert decode(wire).secrets == {("value",)}


def test_whole_numbers_come_back_as_int_and_others_as_float() -> None:
    values = decode(encode({"port": 7600, "ratio": 0.5})).values
    assert values == {"port": 7600, "ratio": 0.5}
    assert isinstance(values["port"], int)
    assert isinstance(values["ratio"], float)


def test_an_unknown_inside_a_secret_is_unknown_and_secret() -> None:
    wire = encode({"content": UNKNOWN}, [("content",)])
    assert UNKNOWN_TEXT in str(wire)
    assert decode(wire) == Decoded({"content": UNKNOWN}, frozenset({("content",)}))


@pytest.mark.parametrize(("value", "expected"), [({"value": "x"}, "x"), ({}, UNKNOWN)])
def test_output_values_are_taken_apart(value: Properties, expected: object) -> None:
    wire = encode({"a": {SIGNATURE_KEY: OUTPUT_SIGNATURE, "secret": True, **value}})
    assert decode(wire) == Decoded({"a": expected}, frozenset({("a",)}))


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (2**53 + 1, "beyond 2"),
        (b"raw", "bytes has no form"),
        ({1: "x"}, "keys are text, not int"),
        ({"deep": [object()]}, "bad.deep.0: a object has no form"),
    ],
)
def test_values_without_a_form_on_the_wire_are_refused_by_path(value: object, named: str) -> None:
    with pytest.raises(TypeError, match=named):
        encode({"bad": value})


def test_an_unknown_cannot_be_taken_for_true_or_false() -> None:
    with pytest.raises(TypeError, match="not known during this preview"):
        bool(UNKNOWN)
    assert not is_known({"list": [1, {"deep": UNKNOWN}]})
    assert is_known({"list": [1, {"deep": None}]})


def test_secrets_are_masked_wherever_they_stand() -> None:
    source = Decoded(
        {"password": "s3cret-s3cret", "map": {"a": ["deep-secret", 5]}, "name": "plain-text"},
        frozenset({("password",), ("map",)}),
    )
    text = mask("plain-text: s3cret-s3cret and deep-secret", source)
    assert text == "plain-text: [secret] and [secret]"
