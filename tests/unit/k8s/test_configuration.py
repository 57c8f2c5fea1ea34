from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from holdfast.roles import SENTINEL_RULES, SERVER_RULES, Place, Role
from k8s.configuration import (
    PRESENTED_ROLES,
    SCRIPTS,
    conf_data,
    conf_map,
    load_scripts,
    scripts_map,
    secret,
)
from tests.unit.k8s.specs import config, spec

STORE = spec()


def test_a_config_map_is_named_by_its_content_and_cannot_change() -> None:
    one, same = (scripts_map(STORE, {"a.sh": "1"}) for _ in range(2))
    other = scripts_map(STORE, {"a.sh": "2"})
    assert one == same
    assert one["immutable"] is True
    assert one["data"] == {"a.sh": "1"}
    assert one["metadata"]["name"] != other["metadata"]["name"]
    assert one["metadata"]["name"].startswith("agents-scripts-")


def test_another_setting_is_another_config_map_of_that_kind_alone() -> None:
    changed = spec(config=config(sentinels=5))
    for place, differs in ((Place.SERVER, False), (Place.SENTINEL, True)):
        names = {conf_map(made, place)["metadata"]["name"] for made in (STORE, changed)}
        assert (len(names) == 2) is differs


@pytest.mark.parametrize("place", list(Place))
def test_the_template_asks_for_no_password_that_the_pod_does_not_hold(place: Place) -> None:
    ((_, text),) = conf_data(STORE, place).items()
    asked = {part.split("@")[0] for part in text.split("@secret:")[1:]}
    assert asked
    assert asked <= {role.value for role in PRESENTED_ROLES[place]}


@pytest.mark.parametrize("place", list(Place))
def test_pods_hold_no_password_of_an_application_and_none_of_the_other_kind(place: Place) -> None:
    held = set(PRESENTED_ROLES[place])
    other = Role.SENTINEL if place is Place.SERVER else Role.REPLICA
    assert other not in held
    assert not held & {Role.SVC, Role.WORKER, Role.CONSOLIDATOR, Role.MONITOR, Role.ADMIN}
    # What a pod presents, somebody has to accept.
    assert held <= SERVER_RULES.keys() | SENTINEL_RULES.keys()


def test_a_checkout_without_a_script_is_refused_by_its_name(tmp_path: Path) -> None:
    for name in SCRIPTS[1:]:
        (tmp_path / name).write_text("#!/bin/sh\n")
    with pytest.raises(ConfigError, match=SCRIPTS[0]):
        load_scripts(tmp_path)
    (tmp_path / SCRIPTS[0]).write_text("first\n")
    (tmp_path / "lib.sh").write_text("shared\n")
    (tmp_path / "notes.txt").write_text("no script\n")
    found = load_scripts(tmp_path)
    assert set(found) == {*SCRIPTS, "lib.sh"}
    assert found[SCRIPTS[0]] == "first\n"


def test_a_secret_takes_texts_under_file_names() -> None:
    made = secret(STORE, "agents-server-acl", {"users.acl": "user default off"}, Place.SERVER)
    assert made["metadata"]["name"] == "agents-server-acl"
    assert made["stringData"] == {"users.acl": "user default off"}
    assert made["type"] == "Opaque"
