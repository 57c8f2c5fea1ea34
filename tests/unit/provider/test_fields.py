from __future__ import annotations

import pytest

from provider.fields import Fields
from provider.values import UNKNOWN


def _reasons(fields: Fields) -> dict[str, str]:
    return {failure.property: failure.reason for failure in fields.result().failures}


def test_defaults_are_filled_in_and_null_counts_as_left_out() -> None:
    fields = Fields({"name": "x", "size": None})
    fields.text("name")
    fields.integer("size", low=1, high=9, default=5)
    fields.flag("keep", default=False)
    assert fields.result().inputs == {"name": "x", "size": 5, "keep": False}
    assert not _reasons(fields)


def test_unknown_values_pass_every_check() -> None:
    fields = Fields({"a": UNKNOWN, "b": UNKNOWN, "c": UNKNOWN, "d": ["x", UNKNOWN]})
    fields.text("a", choices=["one"])
    fields.integer("b", low=1, high=2)
    fields.flag("c")
    fields.texts("d")
    assert not _reasons(fields)
    assert not fields.known("a")
    assert not fields.known("d")


def test_a_missing_required_property_is_named() -> None:
    fields = Fields({})
    fields.text("path")
    assert "it is required" in _reasons(fields)["path"]


def test_a_property_that_nobody_reads_is_refused() -> None:
    fields = Fields({"pth": "/x"})
    fields.text("path", default="")
    assert "a property of this resource: path" in _reasons(fields)["pth"]


@pytest.mark.parametrize("value", [0, 10, 1.5, "5", True])
def test_numbers_out_of_range_or_of_another_type_are_refused(value: object) -> None:
    fields = Fields({"size": value})
    fields.integer("size", low=1, high=9)
    assert f"got {value!r}, need a whole number from 1 to 9" in _reasons(fields)["size"]
    assert not fields.known("size")


def test_text_must_be_one_of_the_choices() -> None:
    fields = Fields({"stage": "both"})
    fields.text("stage", choices=["single", "trust-both"])
    assert "one of single, trust-both" in _reasons(fields)["stage"]


def test_a_list_names_its_own_rule() -> None:
    fields = Fields({"names": ["ok", "not ok"]})
    fields.texts("names", valid=str.isalpha, rule="a list of words")
    assert "need a list of words" in _reasons(fields)["names"]


def test_the_value_of_a_secret_is_not_told() -> None:
    fields = Fields({"content": ["hidden-value"]})
    fields.text("content", secret=True)
    assert "hidden-value" not in _reasons(fields)["content"]
