"""The operator's Connection out of one secret a role."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.aws.gathered import gather
from holdfast.aws.secret_value import SecretValue
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.errors import ConfigError
from holdfast.roles import Role

PASSWORD = "a-password-that-must-not-show"


def narrow(role: Role) -> Connection:
    return Connection(
        target="aws",
        topology=Topology.REPLICATION_GROUP,
        engine="valkey",
        engine_version="9.1",
        app="agent",
        users={role: User(role.value, secret_arn=f"arn:{role}")},
        tls=Tls(),
        primary=Address("master.store.example", 6379),
        reader=Address("replica.store.example", 6379),
    )


def secret(role: Role) -> SecretValue:
    return SecretValue(role.value, f"{PASSWORD}-{role}", narrow(role))


def test_each_role_logs_in_with_its_own_password() -> None:
    found = gather({role: secret(role) for role in (Role.SVC, Role.ADMIN)})
    assert found.target == "aws"
    assert found.primary == Address("master.store.example", 6379)
    assert {role: (user.name, user.password) for role, user in found.users.items()} == {
        Role.SVC: ("svc", f"{PASSWORD}-svc"),
        Role.ADMIN: ("admin", f"{PASSWORD}-admin"),
    }


def test_a_login_by_iam_stays_one() -> None:
    by_iam = replace(narrow(Role.SVC), users={Role.SVC: User("chat-svc-1", iam=True)})
    found = gather(
        {Role.SVC: SecretValue("chat-svc-1", None, by_iam), Role.ADMIN: secret(Role.ADMIN)}
    )
    assert found.users[Role.SVC] == User("chat-svc-1", iam=True)
    assert found.users[Role.ADMIN].password == f"{PASSWORD}-admin"


def test_secrets_of_two_stores_are_refused() -> None:
    other = replace(narrow(Role.ADMIN), primary=Address("other.example", 6379))
    values = {Role.SVC: secret(Role.SVC), Role.ADMIN: SecretValue("admin", PASSWORD, other)}
    with pytest.raises(ConfigError, match="secrets of one store"):
        gather(values)


@pytest.mark.parametrize("connection", [None, narrow(Role.ADMIN)])
def test_a_secret_without_the_roles_connection_is_refused_without_its_value(
    connection: Connection | None,
) -> None:
    with pytest.raises(ConfigError, match="secret of svc") as caught:
        gather({Role.SVC: SecretValue("svc", PASSWORD, connection)})
    assert PASSWORD not in str(caught.value)


def test_no_secret_is_no_store() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        gather({})
