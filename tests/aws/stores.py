"""Stores as ElastiCache has them, on real servers, without a control plane before them.

Emulation: the servers, names and users are those of :mod:`tests.standin.aws.dataplane`. Nothing
here says how long AWS takes for anything.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

import pytest

from holdfast.acl import password_hash
from holdfast.aws.access import access_string
from holdfast.connection import Address, Capability, Capacity, Connection, Tls, Topology, User
from holdfast.roles import APPLICATION_ROLES, Role
from tests.standin.aws.dataplane.api import (
    Authentication,
    ClusterMode,
    Endpoint,
    GroupSpec,
    ServerlessSpec,
    UserState,
    member_ids,
)
from tests.standin.aws.dataplane.valkey import ValkeyDataPlane

VERSION: Final = "9.1"
REGION: Final = "eu-central-1"
APP: Final = "agent"
_MAXMEMORY: Final = 512 * 1024**2
_RESOLVER: Final = Path(__file__).parents[1] / "standin/aws/resolver/aws_names.py"
_OF_A_GROUP: Final = frozenset({Capability.WAIT, Capability.PSUBSCRIBE, Capability.CLIENT_LIST})


@dataclass
class Store:
    """One store.

    Attributes:
        plane: its servers.
        group_id: of the replication group, or the name of the serverless cache.
        connection: the operator's.
        passwords: by role, newest first.
        iam: roles whose users log in by IAM.
    """

    plane: ValkeyDataPlane
    group_id: str
    connection: Connection
    passwords: dict[Role, list[str]]
    iam: frozenset[Role] = frozenset()

    def set_passwords(self, role: Role, *passwords: str) -> None:
        """Replace those of a role; the newest one first."""
        self.passwords[role] = list(passwords)
        clustered = self.connection.topology is Topology.CLUSTER
        self.plane.set_users(
            self.group_id, users_of(self.passwords, clustered=clustered, iam=self.iam)
        )

    def fail_over(self, shard: str = "0001") -> None:
        """Promote a replica, as TestFailover does."""
        self.plane.test_failover(self.group_id, shard)


@contextmanager
def stores(folder: Path) -> Iterator[ValkeyDataPlane]:
    """A data plane whose names and authority this process knows, as a program on AWS would."""
    plane = ValkeyDataPlane(folder)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
            patch.setenv("SSL_CERT_FILE", str(plane.ca_file))
            patch.delenv("HOLDFAST_AWS_NAMES", raising=False)
            _answer_names(plane.names_file)
            yield plane
    finally:
        plane.close()


def _answer_names(file: Path) -> None:
    spec = spec_from_file_location("names_of_the_emulated_aws", _RESOLVER)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.install(str(file))


def users_of(
    passwords: Mapping[Role, list[str]],
    *,
    clustered: bool = False,
    serverless: bool = False,
    iam: frozenset[Role] = frozenset(),
) -> dict[str, UserState]:
    """The users of a store, by name."""
    return {
        name_of(role, iam): UserState(
            f"id-{role}" if role not in iam else name_of(role, iam),
            access_string(role, APP, version=VERSION, cluster=clustered, serverless=serverless),
            Authentication.IAM if role in iam else Authentication.PASSWORD,
            () if role in iam else tuple(password_hash(text) for text in texts),
        )
        for role, texts in passwords.items()
    }


def name_of(role: Role, iam: frozenset[Role]) -> str:
    """What a role logs in as."""
    return f"store-{role}" if role in iam else role.value


def create_group(
    plane: ValkeyDataPlane,
    group_id: str,
    *,
    shards: int = 0,
    replicas: int = 1,
    iam: frozenset[Role] = frozenset(),
    parameters: Mapping[str, str] | None = None,
) -> Store:
    """A replication group; with shards, one in cluster mode."""
    passwords = _passwords()
    ids = member_ids(group_id, cluster=shards > 0, shards=max(shards, 1), replicas=replicas)
    endpoints = plane.create_group(
        GroupSpec(
            group_id=group_id,
            region=REGION,
            name_hash="abc123",
            engine_version=VERSION,
            node_type="cache.t4g.small",
            maxmemory_bytes=_MAXMEMORY,
            shards=max(shards, 1),
            replicas=replicas,
            cluster_mode=ClusterMode.ENABLED if shards else ClusterMode.DISABLED,
            tls=True,
            parameters={"maxmemory-policy": "volatile-lru", **(parameters or {})},
            users=users_of(passwords, clustered=shards > 0, iam=iam),
            member_ids=ids,
        )
    )
    connection = _connection(
        Topology.CLUSTER if shards else Topology.REPLICATION_GROUP,
        passwords,
        iam,
        primary=endpoints.primary,
        reader=endpoints.reader,
        configuration=endpoints.configuration,
    )
    return Store(plane, group_id, connection, passwords, iam)


def create_serverless(plane: ValkeyDataPlane, name: str) -> Store:
    """A serverless cache."""
    passwords = _passwords()
    endpoints = plane.create_serverless(
        ServerlessSpec(name, REGION, "abc123", "9", users_of(passwords, serverless=True))
    )
    connection = _connection(
        Topology.SERVERLESS,
        passwords,
        frozenset(),
        primary=endpoints.primary,
        reader=endpoints.reader,
    )
    return Store(plane, name, connection, passwords)


def _passwords() -> dict[Role, list[str]]:
    return {role: [secrets.token_hex(16)] for role in APPLICATION_ROLES}


def _connection(
    topology: Topology,
    passwords: Mapping[Role, list[str]],
    iam: frozenset[Role],
    *,
    primary: Endpoint | None,
    reader: Endpoint | None,
    configuration: Endpoint | None = None,
) -> Connection:
    return Connection(
        target="aws",
        topology=topology,
        engine="valkey",
        engine_version=VERSION,
        app=APP,
        users={
            role: User(name_of(role, iam), iam=True)
            if role in iam
            else User(role.value, passwords[role][0])
            for role in APPLICATION_ROLES
        },
        tls=Tls(),
        primary=_address(primary),
        reader=_address(reader),
        seeds=(Address(configuration.host, configuration.port),) if configuration else (),
        capabilities=frozenset() if topology is Topology.SERVERLESS else _OF_A_GROUP,
        capacity=Capacity(eviction_policy="volatile-lru"),
    )


def _address(endpoint: Endpoint | None) -> Address | None:
    return Address(endpoint.host, endpoint.port) if endpoint is not None else None
