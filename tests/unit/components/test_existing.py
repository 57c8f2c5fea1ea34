from __future__ import annotations

import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.existing import ExistingSessionStore, ExistingSessionStoreArgs
from components.outputs import OUTPUT_NAMES
from config.schema import Engine
from holdfast.connection import Address, Capability, Connection, Topology
from holdfast.errors import ConfigError
from holdfast.roles import Role
from tests.unit.components.mocks import Deployment, deploy

ROOT = Path(__file__).parents[3]
PASSWORDS = {"svc": "hidden-word-1234", "monitor": "other-word-1234"}
COMPONENT = "holdfast:index:ExistingSessionStore"


@pytest.fixture(autouse=True)
def _outputs_in_texts_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "1")


def arguments(**changes: object) -> ExistingSessionStoreArgs:
    args: ExistingSessionStoreArgs = {
        "topology": Topology.REPLICATION_GROUP,
        "engine": Engine.VALKEY,
        "engine_version": "8.0",
        "users": {Role.SVC: "app", Role.MONITOR: "watch"},
        "passwords": PASSWORDS,
        "primary": Address("cache.example", 6380),
        "reader": Address("ro.cache.example", 6380),
        "capabilities": frozenset({Capability.WAIT}),
        "maxmemory_bytes": 1024**3,
    }
    return {**args, **changes}  # type: ignore[typeddict-item]  # the test says what it changes


def store(changes: Mapping[str, object] | None = None, *, preview: bool = False) -> Deployment:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        made = ExistingSessionStore("s", arguments(**(changes or {})))
        return {name: getattr(made, name) for name in OUTPUT_NAMES}

    return deploy(program, preview=preview)


@pytest.mark.parametrize("preview", [False, True])
def test_it_is_a_component_without_children_that_shows_no_password(*, preview: bool) -> None:
    made = store(preview=preview)
    assert {name: args.typ for name, args in made.created.items()} == {"s": COMPONENT}
    assert made.inputs("s") == {"app": "agent", "buckets": 64, "topology": "replication-group"}


@pytest.mark.parametrize("preview", [False, True])
def test_only_the_connections_are_secret_and_only_they_hold_passwords(*, preview: bool) -> None:
    outputs = store(preview=preview).outputs
    assert {name for name, seen in outputs.items() if seen.secret} == {"connection", "connections"}
    for name, seen in outputs.items():
        assert seen.known
        if not seen.secret:
            for word in PASSWORDS.values():
                assert word not in json.dumps(seen.value), name


def test_the_connection_is_what_was_told() -> None:
    found = Connection.from_json(store().outputs["connection"].value)
    assert (found.target, found.topology) == ("existing", Topology.REPLICATION_GROUP)
    assert (found.engine, found.engine_version) == ("valkey", "8.0")
    assert found.primary == Address("cache.example", 6380)
    assert found.reader == Address("ro.cache.example", 6380)
    assert found.tls.ca == "system"
    assert found.users[Role.SVC].name == "app"
    assert found.users[Role.SVC].password == PASSWORDS["svc"]
    assert set(found.users) == {Role.SVC, Role.MONITOR}
    assert found.capabilities == {Capability.WAIT}
    assert found.capacity.maxmemory_bytes == 1024**3


def test_each_role_gets_a_connection_with_its_login_alone() -> None:
    outputs = store().outputs
    assert outputs["roles"].value == ["svc", "monitor"]
    narrow = outputs["connections"].value
    assert set(narrow) == {"svc", "monitor"}
    for role, text in narrow.items():
        assert Connection.from_json(text).sole_role == role


@pytest.mark.parametrize(
    ("changes", "endpoints"),
    [
        ({}, ["cache.example:6380"]),
        (
            {
                "topology": Topology.CLUSTER,
                "primary": None,
                "reader": None,
                "seeds": (Address("a", 1), Address("b", 2)),
            },
            ["a:1", "b:2"],
        ),
        (
            {
                "topology": Topology.SENTINEL,
                "primary": None,
                "reader": None,
                "sentinels": (Address("a", 3),),
                "sentinel_service": "chat",
            },
            ["a:3"],
        ),
    ],
)
def test_endpoints_are_what_clients_dial_first(
    changes: dict[str, object], endpoints: list[str]
) -> None:
    assert store(changes).outputs["endpoints"].value == endpoints


def test_a_topology_without_its_address_is_refused_before_anything_is_registered() -> None:
    def program() -> dict[str, pulumi.Output[object]]:
        with pytest.raises(ConfigError, match=r"connection\.primary"):
            ExistingSessionStore("s", arguments(primary=None))
        return {}

    assert deploy(program).created == {}


@pytest.mark.parametrize("name", ["topology", "engine"])
def test_an_unknown_choice_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ConfigError, match=f"holdfast:{name}.*one of"):
        ExistingSessionStore("s", arguments(**{name: "another"}))


CONFIG = {
    "holdfast:target": "existing",
    "holdfast:endpoint": "cache.example:6380",
    "holdfast:engineVersion": "8.0",
    "holdfast:passwords": json.dumps(PASSWORDS),
}


def test_the_program_hands_on_what_the_settings_tell() -> None:
    def program() -> dict[str, pulumi.Output[object]]:
        pulumi.runtime.set_all_config(CONFIG, ["holdfast:passwords"])
        runpy.run_path(str(ROOT / "__main__.py"))
        return {}

    created = deploy(program).created
    assert [name for name, args in created.items() if args.typ == COMPONENT] == ["store"]
    for word in PASSWORDS.values():
        assert word not in json.dumps(created["store"].inputs)


def test_a_password_that_is_no_secret_of_the_engine_is_refused_with_the_way_to_make_it_one() -> (
    None
):
    def program() -> dict[str, pulumi.Output[object]]:
        pulumi.runtime.set_all_config(CONFIG, [])
        with pytest.raises(pulumi.RunError) as caught:
            runpy.run_path(str(ROOT / "__main__.py"))
        message = str(caught.value)
        assert "holdfast:passwords: got 'a plain value', need a secret" in message
        assert "pulumi config set --secret holdfast:passwords" in message
        assert PASSWORDS["svc"] not in message
        return {}

    assert deploy(program).created == {}
