from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from provider.credentials.password import ALPHABET, Password, generate
from provider.resource import Context, Stored
from provider.values import UNKNOWN, Properties
from tests.unit.provider.grpc_context import urn

_CONTEXT = Context(urn(Password.token))


def _checked(**inputs: object) -> Properties:
    result = Password().check({}, inputs, _CONTEXT)
    assert not result.failures
    return result.inputs


def _created(**inputs: object) -> Stored:
    checked = _checked(**inputs)
    created = Password().create(checked, _CONTEXT)
    return Stored(created.id, checked, created.outputs)


def _updated(stored: Stored, **inputs: object) -> Stored:
    checked = _checked(**inputs)
    return Stored(stored.id, checked, Password().update(stored, checked, _CONTEXT))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@given(st.integers(min_value=20, max_value=128))
def test_a_password_is_letters_and_digits_of_the_length_asked_for(length: int) -> None:
    value = generate(length)
    assert len(value) == length
    assert set(value) <= set(ALPHABET)


def test_two_passwords_differ() -> None:
    assert _created().outputs["value"] != _created().outputs["value"]


def test_a_new_password_has_none_before_it() -> None:
    outputs = _created().outputs
    assert outputs["previous"] == ""
    assert outputs["sha256"] == [_sha256(outputs["value"])]


def test_a_rotation_keeps_the_old_value_until_it_is_dropped() -> None:
    first = _created()
    both = _updated(first, rotation="2")
    assert both.outputs["value"] != first.outputs["value"]
    assert both.outputs["previous"] == first.outputs["value"]
    assert both.outputs["sha256"] == [
        _sha256(both.outputs["value"]),
        _sha256(first.outputs["value"]),
    ]
    one = _updated(both, rotation="2", keepPrevious=False)
    assert one.outputs["value"] == both.outputs["value"]
    assert one.outputs["previous"] == ""
    assert one.outputs["sha256"] == [_sha256(both.outputs["value"])]


def test_a_rotation_that_keeps_nothing_cuts_the_old_value_off() -> None:
    first = _created()
    rotated = _updated(first, rotation="leaked", keepPrevious=False)
    assert rotated.outputs["value"] != first.outputs["value"]
    assert rotated.outputs["previous"] == ""


def test_a_second_rotation_keeps_only_the_latest_of_the_old_values() -> None:
    second = _updated(_created(), rotation="2")
    third = _updated(second, rotation="3")
    assert third.outputs["previous"] == second.outputs["value"]


def test_another_length_mints_a_value_of_that_length() -> None:
    first = _created()
    longer = _updated(first, length=40)
    assert len(longer.outputs["value"]) == 40
    assert longer.outputs["previous"] == first.outputs["value"]


def test_unchanged_inputs_keep_both_values() -> None:
    both = _updated(_created(), rotation="2")
    assert _updated(both, rotation="2").outputs == both.outputs
    assert not Password().diff(both, _checked(rotation="2"), _CONTEXT)


def test_a_password_is_never_replaced() -> None:
    result = Password().diff(_created(), _checked(length=40, rotation="9"), _CONTEXT)
    assert set(result.changes) == {"length", "rotation"}
    assert not result.replaces


def test_a_preview_knows_everything_but_what_is_to_be_minted() -> None:
    first = _created()
    rotating = Password().preview_update(first, _checked(rotation="2"), _CONTEXT)
    assert rotating["value"] is UNKNOWN
    assert rotating["previous"] == first.outputs["value"]
    both = _updated(first, rotation="2")
    inputs = _checked(rotation="2", keepPrevious=False)
    dropping = Password().preview_update(both, inputs, _CONTEXT)
    assert dropping == Password().update(both, inputs, _CONTEXT)


def test_reading_changes_nothing_and_finds_none_to_import() -> None:
    stored = _created()
    found = Password().read(stored, _CONTEXT)
    assert found is not None
    assert found.outputs == stored.outputs
    assert Password().read(Stored("any", {}, {}), _CONTEXT) is None


def test_a_short_password_is_refused() -> None:
    [failure] = Password().check({}, {"length": 19}, _CONTEXT).failures
    assert failure.reason == "length: got 19, need a whole number from 20 to 128; correct it"
