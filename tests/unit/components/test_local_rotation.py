"""What the local store does with the stages of a rotation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from components.local import LocalSessionStore
from config.schema import Engine
from holdfast.acl import password_hash
from holdfast.connection import Connection, Topology
from holdfast.roles import Role
from holdfast.rotation.settings import CaStage, PasswordStage, RotationSettings
from tests.unit.components.mocks import Deployment, deploy, password_of, previous_of

ROTATED = {Role.SVC: 2, Role.REPLICA: 1}


def store(settings: RotationSettings) -> Deployment:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        made = LocalSessionStore(
            "s",
            {
                "owner": "holdfast/test",
                "server_path": "/opt/valkey-server",
                "engine": Engine.VALKEY,
                "engine_version": "9.1.2",
                "data_dir": "/state/test",
                "topology": Topology.SENTINEL,
                "rotation": settings,
            },
        )
        return {"connection": made.connection}

    return deploy(program)


def digests(stage: PasswordStage, role: Role) -> str:
    """The digests of a role as they should stand in the ACL file."""
    name = f"s-password-{role}"
    valid = [password_of(name)]
    if stage is not PasswordStage.SINGLE and role in ROTATED:
        valid.append(previous_of(name))
    return f"user {role} on " + " ".join(f"#{password_hash(text)}" for text in valid) + " "


@pytest.mark.parametrize("stage", PasswordStage)
def test_every_node_accepts_the_old_password_until_the_last_stage(stage: PasswordStage) -> None:
    made = store(RotationSettings(ROTATED, stage))
    for node in ("server-0", "server-2"):
        for role in (Role.SVC, Role.REPLICA, Role.WORKER):
            assert digests(stage, role) in made.inputs(f"s-{node}")["acl"]
    assert digests(stage, Role.SVC) in made.inputs("s-sentinel-1")["acl"]


@pytest.mark.parametrize(
    ("stage", "presented"),
    [
        (PasswordStage.ACCEPT_BOTH, previous_of("s-password-replica")),
        (PasswordStage.PRESENT_NEW, password_of("s-password-replica")),
        (PasswordStage.SINGLE, password_of("s-password-replica")),
    ],
)
def test_servers_present_the_new_password_only_when_all_accept_it(
    stage: PasswordStage, presented: str
) -> None:
    made = store(RotationSettings(ROTATED, stage))
    for node in ("server-0", "server-1", "server-2"):
        assert made.inputs(f"s-{node}")["secretDirectives"] == {"primaryauth": presented}
    # Not rotated, so there is nothing but the one it has.
    sentinel = made.inputs("s-sentinel-0")["secretDirectives"]
    assert set(sentinel.values()) == {password_of("s-password-sentinel")}


@pytest.mark.parametrize("stage", PasswordStage)
def test_clients_get_the_new_password_at_every_stage(stage: PasswordStage) -> None:
    made = store(RotationSettings(ROTATED, stage))
    full = Connection.from_json(made.outputs["connection"].value)
    assert full.users[Role.SVC].password == password_of("s-password-svc")
    narrow = Connection.from_json(made.inputs("s-connection-svc")["content"])
    assert narrow.users[Role.SVC].password == password_of("s-password-svc")


def test_serials_and_stages_reach_the_resources() -> None:
    made = store(RotationSettings(ROTATED, PasswordStage.SINGLE, 4, 3, CaStage.ISSUE_NEW))
    assert made.inputs("s-password-svc")["rotation"] == "2"
    assert made.inputs("s-password-svc")["keepPrevious"] is False
    assert made.inputs("s-password-worker")["rotation"] == ""
    assert made.inputs("s-certificate-server")["rotation"] == "4"
    assert made.inputs("s-certificate-sentinel")["rotation"] == "4"
    assert (made.inputs("s-ca")["rotation"], made.inputs("s-ca")["stage"]) == ("3", "issue-new")
