"""The emulated API with real servers behind it: what a request changes is there on the wire.

Emulation: moto and real Valkey on one machine; the official plugin and AWS were not run. Commands
run in a process with the environment that ``env`` prints, as a person's would.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.aws.emulated import OTHER_PASSWORD, PASSWORD, World, gone
from tests.standin.aws.emulator import Emulator

_CLIENT = """
import ssl, sys
import redis

host, name, password, *command = sys.argv[1:]
client = redis.Redis(
    host=host, port=6379, ssl=True, ssl_check_hostname=True, username=name, password=password,
    ssl_ca_certs=ssl.get_default_verify_paths().cafile, decode_responses=True, socket_timeout=20,
)
try:
    print(client.execute_command(*command))
except redis.RedisError as error:
    print(type(error).__name__, error)
"""
_SECONDS = 60


@pytest.fixture(name="world", scope="module")
def fixture_world(aws: Emulator) -> World:
    return World(aws)


def say(world: World, host: str, password: str, *command: str) -> str:
    """The answer to a command, or the error."""
    result = subprocess.run(
        [sys.executable, "-c", _CLIENT, host, "svc", password, *command],
        env=world.emulator.environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    return result.stdout.strip()


def primary(world: World, store: str) -> str:
    return str(world.described(store)["NodeGroups"][0]["PrimaryEndpoint"]["Address"])


def test_requests_reach_the_servers(world: World) -> None:
    user = world.user(AccessString="on ~agent:* -@all +set +get +role +info")
    users = world.user_group(user)
    store = world.group(UserGroupIds=[users])
    host = primary(world, store)
    assert say(world, host, PASSWORD, "SET", "agent:a", "1") == "True"
    assert "NoPermission" in say(world, host, PASSWORD, "SET", "other", "1")
    assert "NoPermission" in say(world, host, PASSWORD, "DEL", "agent:a")

    world.cache.modify_user(UserId=user, Passwords=[OTHER_PASSWORD, PASSWORD])
    world.user_active(user)
    for password in (PASSWORD, OTHER_PASSWORD):
        assert say(world, host, password, "GET", "agent:a") == "1"
    world.cache.modify_user(UserId=user, Passwords=[OTHER_PASSWORD])
    world.user_active(user)
    assert "AuthenticationError" in say(world, host, PASSWORD, "GET", "agent:a")

    world.cache.test_failover(ReplicationGroupId=store, NodeGroupId="0001")
    world.available(store)
    assert world.roles(store)[f"{store}-002"] == "primary"
    assert "master" in say(world, host, OTHER_PASSWORD, "ROLE")
    assert say(world, host, OTHER_PASSWORD, "GET", "agent:a") == "1"

    final = world.name("final")
    world.cache.delete_replication_group(ReplicationGroupId=store, FinalSnapshotIdentifier=final)
    gone(
        "ReplicationGroupNotFoundFault",
        world.cache.describe_replication_groups,
        ReplicationGroupId=store,
    )
    restored = world.group(UserGroupIds=[users], SnapshotName=final)
    assert say(world, primary(world, restored), OTHER_PASSWORD, "GET", "agent:a") == "1"
