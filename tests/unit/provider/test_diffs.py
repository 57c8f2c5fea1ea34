from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provider.diffs import DiffKind, PropertyChange, compare_inputs
from provider.values import UNKNOWN

_MAPS = st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=4)


@given(_MAPS)
def test_equal_inputs_are_no_change(inputs: dict[str, object]) -> None:
    assert not compare_inputs(inputs, dict(inputs))


@given(_MAPS, _MAPS)
def test_each_differing_property_is_one_change(
    old: dict[str, object], new: dict[str, object]
) -> None:
    differing = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    assert len(compare_inputs(old, new).changes) == len(differing)


def test_maps_are_compared_key_by_key_and_lists_as_a_whole() -> None:
    old = {"directives": {"maxmemory": "1gb", "save": ["a"]}, "names": ["a", "b"]}
    new = {"directives": {"maxmemory": "2gb", "hz": "10"}, "names": ["a", "c"]}
    assert compare_inputs(old, new).changes == {
        "directives.hz": PropertyChange(DiffKind.ADD),
        "directives.maxmemory": PropertyChange(DiffKind.UPDATE),
        "directives.save": PropertyChange(DiffKind.DELETE),
        "names": PropertyChange(DiffKind.UPDATE),
    }


def test_keys_that_are_no_plain_names_are_quoted() -> None:
    old: dict[str, object] = {"map": {"a.b": 1, 'say "hi"': 1}}
    assert set(compare_inputs(old, {"map": {}}).changes) == {
        'map["a.b"]',
        'map["say \\"hi\\""]',
    }


def test_a_change_of_a_replacing_property_replaces() -> None:
    result = compare_inputs(
        {"path": "/a", "content": "x"},
        {"path": "/b", "content": "y"},
        replace_on={"path"},
        delete_before_replace=True,
    )
    assert result.replaces == ("path",)
    assert result.changes["content"].kind is DiffKind.UPDATE
    assert result.delete_before_replace


def test_an_unknown_value_counts_as_changed() -> None:
    assert compare_inputs({"a": "x"}, {"a": UNKNOWN}).changes["a"].kind is DiffKind.UPDATE
    assert not compare_inputs({"a": UNKNOWN}, {"a": UNKNOWN})


def test_one_and_true_differ() -> None:
    assert compare_inputs({"a": 1}, {"a": True})


def test_drift_is_a_change_of_an_output() -> None:
    result = compare_inputs({}, {}).with_drift("running")
    assert result.changes == {"running": PropertyChange(DiffKind.UPDATE, is_input=False)}
    assert result.replaces == ()


def test_every_kind_has_a_replacing_form() -> None:
    assert {kind.replacing for kind in DiffKind} == {kind for kind in DiffKind if kind.replaces}
