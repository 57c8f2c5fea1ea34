"""The Connection value."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.errors import ConfigError
from holdfast.roles import Role


def connection(**changes: object) -> Connection:
    values: dict[str, Any] = {
        "target": "local",
        "topology": Topology.STANDALONE,
        "engine": "valkey",
        "engine_version": "9.1.2",
        "app": "agent",
        "tls": Tls(ca="-----BEGIN CERTIFICATE-----"),
        "primary": Address("127.0.0.1", 6379),
        "users": {
            Role.SVC: User("svc", "hidden-one"),
            Role.ADMIN: User("admin", "hidden-two"),
        },
    }
    return Connection(**(values | changes))


def test_repr_and_str_mask_passwords_and_the_certificate() -> None:
    found = connection()
    for shown in (repr(found), str(found), f"{found.users}", repr(found.tls)):
        assert "hidden" not in shown
        assert "BEGIN" not in shown
    assert "hidden-one" in found.to_json()


def test_a_role_gets_a_connection_that_holds_no_other_password() -> None:
    narrow = connection().for_role("svc")
    assert narrow.sole_role is Role.SVC
    assert "hidden-two" not in narrow.to_json()
    assert dataclasses.replace(narrow, users={}) == dataclasses.replace(connection(), users={})


def test_a_role_that_is_not_held_is_refused_and_the_held_ones_are_named() -> None:
    with pytest.raises(ConfigError, match="admin, svc"):
        connection().for_role(Role.WORKER)


def test_several_roles_have_no_sole_one() -> None:
    with pytest.raises(ConfigError, match="for_role"):
        _ = connection().sole_role


def test_the_value_cannot_be_changed_through_its_mappings() -> None:
    users = {Role.SVC: User("svc", "a")}
    found = connection(users=users)
    users[Role.ADMIN] = User("admin", "b")
    assert list(found.users) == [Role.SVC]
    with pytest.raises(TypeError):
        found.users[Role.SVC] = User("svc", "c")  # type: ignore[index] # what must not work
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.app = "other"  # type: ignore[misc] # what must not work


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:6379", Address("127.0.0.1", 6379)),
        ("[::1]:1", Address("::1", 1)),
        ("valkey-0.store:65535", Address("valkey-0.store", 65535)),
    ],
)
def test_addresses_are_read_and_written(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(address) == text


@given(st.text(max_size=30))
def test_a_text_is_an_address_or_bad_configuration(text: str) -> None:
    try:
        found = Address.parse(text)
    except ConfigError:
        return
    assert Address.parse(str(found)) == found


@pytest.mark.parametrize(
    "ways", [{}, {"password": "p", "iam": True}, {"password": "p", "secret_arn": "a"}]
)
def test_a_user_proves_itself_in_exactly_one_way(ways: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="exactly one of"):
        User("svc", **ways)


@pytest.mark.parametrize(
    ("topology", "field"),
    [
        (Topology.SENTINEL, "connection.sentinels"),
        (Topology.CLUSTER, "connection.seeds"),
        (Topology.REPLICATION_GROUP, "connection.primary"),
        (Topology.SERVERLESS, "connection.primary"),
    ],
)
def test_a_topology_needs_its_addresses(topology: Topology, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        connection(topology=topology, primary=None)
    assert caught.value.field == field
