"""What is asked of AWS's API: requests and answers as the service's model has them.

Emulation: moto's server, extended; the control plane alone, without servers.
"""

from __future__ import annotations

import json
import time

import pytest

from holdfast.aws import api
from holdfast.aws.group import Group, user_logins
from holdfast.aws.secret_value import PREVIOUS, read_value, written_at
from holdfast.aws.secrets import SecretsManagerSource
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.errors import ConfigError, VerificationFailed
from holdfast.roles import Role
from tests.aws.emulated import OTHER_PASSWORD, PASSWORD, World
from tests.standin.aws.emulator import Emulator


@pytest.fixture
def world(emulator: Emulator) -> World:
    return World(emulator)


@pytest.fixture(autouse=True)
def _here(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "emulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulated")


def test_the_users_of_a_group_are_counted_by_name_and_others_left_out(
    world: World, emulator: Emulator
) -> None:
    one, two = world.user(), world.user(UserName="worker", Passwords=[PASSWORD, OTHER_PASSWORD])
    world.user(UserName="stranger")
    for user in (one, two):
        world.user_active(user)
    found = user_logins(api.elasticache(emulator.region), world.user_group(one, two))
    assert {name: (login.passwords, login.active) for name, login in found.items()} == {
        "svc": (1, True),
        "worker": (2, True),
    }


def test_a_user_group_that_is_not_there_is_an_error(emulator: Emulator) -> None:
    with pytest.raises(ConfigError, match=r"^user group: got 'nothing'.*UserGroupNotFound"):
        user_logins(api.elasticache(emulator.region), "nothing")


def test_a_group_shows_its_members_and_where_each_is(world: World, emulator: Emulator) -> None:
    name = world.group()
    state = Group(api.elasticache(emulator.region), name).state()
    assert state.status == "available"
    assert state.fails_over
    assert state.shards == ("0001",)
    assert [member.name for member in state.members] == [f"{name}-001", f"{name}-002"]
    primary = state.primary("0001")
    assert primary is not None
    assert primary.name == f"{name}-001"
    addresses = {member.address for member in state.members}
    assert None not in addresses
    assert len(addresses) == 2


def test_a_group_of_one_node_is_not_failed_over_and_the_service_says_why(
    world: World, emulator: Emulator
) -> None:
    name = world.group(NumCacheClusters=1, AutomaticFailoverEnabled=False)
    with pytest.raises(VerificationFailed, match="TestFailoverNotAvailable"):
        Group(api.elasticache(emulator.region), name).test_failover("0001")


def test_a_group_that_is_not_there_is_an_error(emulator: Emulator) -> None:
    group = Group(api.elasticache(emulator.region), "nothing")
    for ask in (group.state, lambda: group.test_failover("0001")):
        with pytest.raises(ConfigError, match=r"^replication group: got 'nothing'"):
            ask()


def test_a_secret_is_read_by_stage_and_followed(emulator: Emulator) -> None:
    client = emulator.client("secretsmanager")
    arn = client.create_secret(Name="followed")["ARN"]
    narrow = Connection(
        target="aws",
        topology=Topology.REPLICATION_GROUP,
        engine="valkey",
        engine_version="9.1",
        app="agent",
        users={Role.SVC: User("svc", secret_arn=arn)},
        tls=Tls(),
        primary=Address("master.store.abc123.use1.cache.amazonaws.com", 6379),
    )

    def put(password: str) -> None:
        value = {
            "username": "svc",
            "password": password,
            "connection": json.loads(narrow.to_json()),
        }
        client.put_secret_value(SecretId=arn, SecretString=json.dumps(value))

    put(PASSWORD)
    source = SecretsManagerSource(arn)
    assert source.current().users[Role.SVC] == User("svc", PASSWORD)
    ours = api.secrets_manager(emulator.region)
    with pytest.raises(ConfigError, match="need a secret that this process may read"):
        read_value(ours, arn, stage=PREVIOUS)
    put(OTHER_PASSWORD)
    assert source.refresh()
    assert source.current().users[Role.SVC] == User("svc", OTHER_PASSWORD)
    assert read_value(ours, arn, stage=PREVIOUS).password == PASSWORD
    assert abs(written_at(ours, arn) - time.time()) < 120
    with pytest.raises(ConfigError, match="AWS says ResourceNotFoundException"):
        SecretsManagerSource(arn.replace("followed", "missing"))
