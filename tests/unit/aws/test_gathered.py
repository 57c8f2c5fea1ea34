"""The operator's Connection out of one secret a role."""

from __future__ import annotations

import json

import pytest

from holdfast.aws.gathered import gather
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.errors import ConfigError
from holdfast.roles import Role

PASSWORD = "a-password-that-must-not-show"


def narrow(role: Role, *, host: str = "master.store.example", iam: bool = False) -> Connection:
    user = User(role.value, iam=True) if iam else User(role.value, secret_arn=f"arn:{role}")
    return Connection(
        target="aws",
        topology=Topology.REPLICATION_GROUP,
        engine="valkey",
        engine_version="9.1",
        app="agent",
        users={role: user},
        tls=Tls(),
        primary=Address(host, 6379),
        reader=Address("replica.store.example", 6379),
    )


def secret(role: Role, *, host: str = "master.store.example", iam: bool = False) -> str:
    value = {
        "username": role.value,
        "connection": json.loads(narrow(role, host=host, iam=iam).to_json()),
    }
    if not iam:
        value["password"] = f"{PASSWORD}-{role}"
    return json.dumps(value)


def test_each_role_logs_in_with_its_own_password() -> None:
    found = gather({role: secret(role) for role in (Role.SVC, Role.ADMIN)})
    assert found.target == "aws"
    assert found.primary == Address("master.store.example", 6379)
    assert {role: (user.name, user.password) for role, user in found.users.items()} == {
        Role.SVC: ("svc", f"{PASSWORD}-svc"),
        Role.ADMIN: ("admin", f"{PASSWORD}-admin"),
    }


def test_a_password_that_was_rotated_alone_is_taken() -> None:
    value = json.loads(secret(Role.SVC)) | {"password": "newer"}
    assert gather({Role.SVC: json.dumps(value)}).users[Role.SVC].password == "newer"


def test_a_login_by_iam_stays_one() -> None:
    found = gather({Role.SVC: secret(Role.SVC, iam=True), Role.ADMIN: secret(Role.ADMIN)})
    assert found.users[Role.SVC].iam
    assert found.users[Role.SVC].password is None


def test_secrets_of_two_stores_are_refused() -> None:
    values = {Role.SVC: secret(Role.SVC), Role.ADMIN: secret(Role.ADMIN, host="other.example")}
    with pytest.raises(ConfigError, match="secrets of one store"):
        gather(values)


@pytest.mark.parametrize(
    "text",
    [
        PASSWORD,
        json.dumps([PASSWORD]),
        json.dumps({"password": PASSWORD}),
        json.dumps({"password": PASSWORD, "username": "svc", "connection": {"version": 1}}),
        json.dumps(json.loads(secret(Role.ADMIN))),
        json.dumps({k: v for k, v in json.loads(secret(Role.SVC)).items() if k != "username"}),
        json.dumps({k: v for k, v in json.loads(secret(Role.SVC)).items() if k != "password"}),
    ],
)
def test_a_secret_of_another_form_is_refused_without_its_value(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        gather({Role.SVC: text})
    assert PASSWORD not in str(caught.value)


def test_no_secret_is_no_store() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        gather({})
