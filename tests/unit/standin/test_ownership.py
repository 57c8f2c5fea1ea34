from __future__ import annotations

import re

from tests.standin.kubernetes.objects import FIELD_MANAGER, Object
from tests.standin.kubernetes.ownership import adopted, is_owned_by_others, manager_name

MINE = "pulumi-kubernetes-1234"


def entry(manager: str, operation: str, fields: Object, **more: object) -> Object:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def live(*entries: Object) -> Object:
    return {"metadata": {"managedFields": list(entries)}}


def test_what_was_created_belongs_to_the_manager_that_applies_from_then_on() -> None:
    others = entry("controller", "Update", {"f:status": {}}, subresource="status")
    created = entry(MINE, "Update", {"f:spec": {"f:a": {}}})
    assert adopted(live(others, created), MINE) == [others, {**created, "operation": "Apply"}]


def test_fields_of_creation_and_of_kubectl_are_added_to_what_was_applied() -> None:
    found = adopted(
        live(
            entry(MINE, "Apply", {"f:spec": {"f:a": {}}}),
            entry(MINE, "Update", {"f:spec": {"f:b": {}}}),
            entry("kubectl", "Update", {"f:metadata": {}}),
        ),
        MINE,
    )
    fields: Object = {"f:spec": {"f:a": {}, "f:b": {}}, "f:metadata": {}}
    assert found == [entry(MINE, "Apply", fields)]


def test_nothing_is_adopted_where_everything_was_applied() -> None:
    applied = entry(MINE, "Apply", {"f:spec": {}})
    assert adopted(live(applied, entry("controller", "Update", {})), MINE) is None
    assert adopted(live(entry("somebody", "Apply", {})), MINE) is None


def test_a_field_is_others_when_they_own_it_and_we_do_not() -> None:
    theirs = entry("theirs", "Apply", {"f:spec": {"f:replicas": {}}})
    ours = entry(MINE, "Apply", {"f:spec": {"f:replicas": {}}})
    assert is_owned_by_others(live(theirs), MINE, "spec.replicas")
    assert not is_owned_by_others(live(theirs, ours), MINE, "spec.replicas")
    assert not is_owned_by_others(live(theirs), MINE, "spec.other")


def test_a_manager_is_named_by_the_inputs_else_by_the_state_else_made_up() -> None:
    named: Object = {"metadata": {"annotations": {FIELD_MANAGER: "given"}}}
    assert manager_name(named, "known") == "given"
    assert manager_name({}, "known") == "known"
    assert re.fullmatch("pulumi-kubernetes-[0-9a-f]{8}", manager_name({}))
