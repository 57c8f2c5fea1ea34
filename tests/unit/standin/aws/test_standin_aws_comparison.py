from __future__ import annotations

import json
from typing import Any

import pytest

from provider.diffs import DiffKind
from provider.resource import Stored
from provider.values import UNKNOWN
from tests.standin.aws.comparison import compare, same
from tests.standin.aws.names import NameRule
from tests.standin.aws.services.elasticache_store import ReplicationGroup
from tests.standin.aws.services.elasticache_users import User
from tests.standin.aws.services.iam import Policy
from tests.standin.aws.shape import DEFAULTS, Shape, names

THING = Shape(
    token="aws:test/thing:Thing",
    label="Thing",
    inputs=names("name size zone filled note items"),
    replace_on=names("zone"),
    kept=names("filled"),
    computed=names("arn turn"),
    volatile=names("turn"),
    sets=names("items"),
    name=NameRule(),
)
THERE = {"name": "thing-1", "size": 1, "zone": "a", "filled": "by AWS", "region": "r"}


def changes(inputs: dict[str, Any], outputs: dict[str, Any] = THERE) -> dict[str, DiffKind]:
    stored = Stored("id", {**outputs, DEFAULTS: ["name"]}, outputs)
    result = compare(THING, stored, {DEFAULTS: ["name"], **inputs})
    return {path: change.kind for path, change in result.changes.items()}


def test_what_aws_filled_in_may_be_left_out() -> None:
    wanted = {name: value for name, value in THERE.items() if name != "filled"}
    assert changes(wanted) == {}


def test_what_the_program_leaves_out_goes() -> None:
    assert changes({**THERE}, {**THERE, "note": "old"}) == {"note": DiffKind.DELETE}


def test_what_aws_cannot_change_replaces() -> None:
    assert changes({**THERE, "zone": "b", "size": 2}) == {
        "zone": DiffKind.UPDATE_REPLACE,
        "size": DiffKind.UPDATE,
    }


def test_another_region_replaces() -> None:
    assert changes({**THERE, "region": "other"}) == {"region": DiffKind.UPDATE_REPLACE}


def test_an_unknown_value_counts_as_changed() -> None:
    assert changes({**THERE, "zone": UNKNOWN}) == {"zone": DiffKind.UPDATE_REPLACE}


def test_nothing_and_empty_mean_the_same() -> None:
    assert changes({**THERE, "items": [], "note": ""}) == {}


def test_a_set_has_no_order() -> None:
    outputs = {**THERE, "items": ["a", "b"]}
    assert changes({**THERE, "items": ["b", "a"]}, outputs) == {}
    assert changes({**THERE, "items": ["b"]}, outputs) == {"items": DiffKind.UPDATE}


def test_drift_is_shown_against_what_was_found() -> None:
    stored = Stored("id", {**THERE, DEFAULTS: ["name"]}, {**THERE, "size": 9})
    change = compare(THING, stored, {**THERE, DEFAULTS: ["name"]}).changes["size"]
    assert not change.is_input


def test_a_name_of_the_program_s_own_is_free_only_when_the_old_one_is_gone() -> None:
    stored = Stored("id", {**THERE, DEFAULTS: []}, THERE)
    assert compare(THING, stored, {**THERE, "zone": "b", DEFAULTS: []}).delete_before_replace
    made_up = compare(THING, stored, {**THERE, "zone": "b", DEFAULTS: ["name"]})
    assert not made_up.delete_before_replace


def test_only_outputs_that_an_update_moves_are_unknown_in_its_preview() -> None:
    stored = Stored("id", {**THERE, DEFAULTS: ["name"]}, THERE)
    assert compare(THING, stored, {**THERE, "size": 2}).stables == {"arn"}


def test_ignored_changes_are_none() -> None:
    stored = Stored("id", THERE, THERE)
    assert not compare(THING, stored, {**THERE, "size": 2}, ignored=["size"])


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"Action": "a:B"}, {"Action": ["a:B"]}, True),
        ({"Action": ["a:B", "a:C"]}, {"Action": ["a:C", "a:B"]}, True),
        ({"Action": ["a:B", "a:C"]}, {"Action": ["a:B"]}, False),
        ({"Effect": "Allow"}, {"Effect": "Deny"}, False),
    ],
)
def test_policies_are_compared_by_what_they_say(one: object, other: object, alike: bool) -> None:
    texts = json.dumps({"Statement": [one]}, indent=4), json.dumps({"Statement": [other]})
    assert same(Policy.shape, "policy", *texts) == alike


def test_access_strings_are_compared_word_by_word() -> None:
    assert same(User.shape, "accessString", "on  ~a:* +@read", "on ~a:* +@read ")
    assert not same(User.shape, "accessString", "on ~a:* +@read", "on ~a:* +@write")


def test_the_engine_s_case_matters_for_a_store_and_not_for_a_user() -> None:
    assert same(User.shape, "engine", "VALKEY", "valkey")
    assert not same(ReplicationGroup.shape, "engine", "VALKEY", "valkey")
    assert same(
        ReplicationGroup.shape, "maintenanceWindow", "Sun:05:00-Sun:06:00", "sun:05:00-sun:06:00"
    )


def test_a_set_with_an_unknown_item_counts_as_changed() -> None:
    there = {**THERE, "items": ["a", "b"]}
    assert set(changes({**there, "items": ["a", UNKNOWN]}, there)) == {"items"}


def test_the_count_of_passwords_is_aws_own() -> None:
    shown = {"type": "iam", "passwordCount": 0}
    assert same(User.shape, "authenticationMode", shown, {"type": "iam"})
    assert not same(User.shape, "authenticationMode", shown, {"type": "password"})
