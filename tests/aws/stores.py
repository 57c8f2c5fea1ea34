"""Stores of the emulated ElastiCache without a control plane before them, for tests.

Emulation: the servers, names and users are those of :mod:`tests.standin.aws.dataplane`. Nothing
here says how long AWS takes for anything.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pytest

from holdfast.acl import password_hash
from holdfast.aws.access import access_string
from holdfast.connection import Address, Capability, Capacity, Connection, Tls, Topology, User
from holdfast.roles import APPLICATION_ROLES, Role
from tests.servers import RawConnection
from tests.standin.aws.dataplane.api import (
    Authentication,
    ClusterMode,
    DataPlaneError,
    Endpoint,
    GroupEndpoints,
    GroupSpec,
    Member,
    ServerlessSpec,
    UserState,
)
from tests.standin.aws.dataplane.endpoints import member_ids
from tests.standin.aws.dataplane.engines import server_for
from tests.standin.aws.dataplane.valkey import ValkeyDataPlane
from tests.standin.aws.resolver import aws_names

APP: Final = "agent"
REGION: Final = "us-east-1"
NAME_HASH: Final = "abc123"
NODE_BYTES: Final = 1_471_026_299
"""``maxmemory`` of a cache.t4g.small."""

PARAMETERS: Final = {
    "acl-pubsub-default": "resetchannels",
    "maxmemory-policy": "volatile-lru",
    "reserved-memory-percent": "30",
}
_OF_A_GROUP: Final = frozenset({Capability.WAIT, Capability.PSUBSCRIBE, Capability.CLIENT_LIST})


@contextmanager
def open_plane(folder: Path, *, detection_seconds: float = 0.5) -> Iterator[ValkeyDataPlane]:
    """Servers whose names and authority this process knows, as a shell of the emulator does."""
    with ExitStack() as stack:
        plane = ValkeyDataPlane(folder, detection_seconds=detection_seconds)
        stack.callback(plane.close)
        stack.callback(aws_names.install(str(plane.names_file)))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SSL_CERT_FILE", str(plane.ca_file))
        yield plane


def need_server(engine_version: str) -> None:
    """Skip where this machine cannot have the server that stands for a version."""
    try:
        server_for(engine_version)
    except DataPlaneError as error:
        pytest.skip(str(error))


@dataclass
class Logins:
    """Users of every role.

    Attributes:
        engine_version: which commands their rules name.
        cluster: whether the store is in cluster mode.
        serverless: whether it has no nodes.
        iam: roles that log in by IAM, and not with a password.
        passwords: by role, one or two, the newest first.
    """

    engine_version: str = "9.1"
    cluster: bool = False
    serverless: bool = False
    iam: frozenset[Role] = frozenset()
    passwords: dict[Role, tuple[str, ...]] = field(
        default_factory=lambda: {role: (f"{role}-password-0001",) for role in APPLICATION_ROLES}
    )

    def name(self, role: Role) -> str:
        """What a role logs in as."""
        return f"store-{role}" if role in self.iam else role.value

    def states(self) -> dict[str, UserState]:
        """As the control plane gives them."""
        return {
            self.name(role): UserState(
                f"store-{role}",
                access_string(
                    role,
                    APP,
                    version=self.engine_version,
                    cluster=self.cluster,
                    serverless=self.serverless,
                ),
                Authentication.IAM if role in self.iam else Authentication.PASSWORD,
                ()
                if role in self.iam
                else tuple(password_hash(password) for password in passwords),
            )
            for role, passwords in self.passwords.items()
        }

    def users(self) -> dict[Role, User]:
        """As a Connection has them."""
        return {
            role: User(self.name(role), iam=True)
            if role in self.iam
            else User(role.value, known[0])
            for role, known in self.passwords.items()
        }

    def connection(
        self,
        topology: Topology,
        *,
        primary: Address | None = None,
        reader: Address | None = None,
        seeds: tuple[Address, ...] = (),
    ) -> Connection:
        """As a stack publishes it; the authority is the system's."""
        return Connection(
            target="aws",
            topology=topology,
            engine="valkey",
            engine_version=self.engine_version,
            app=APP,
            users=self.users(),
            tls=Tls(),
            primary=primary,
            reader=reader,
            seeds=seeds,
            capabilities=frozenset() if self.serverless else _OF_A_GROUP,
            capacity=Capacity(eviction_policy=PARAMETERS["maxmemory-policy"]),
        )


@dataclass
class Store:
    """One store.

    Attributes:
        plane: its servers.
        group_id: of the replication group, or the name of the serverless cache.
        members: its nodes; none is told of a serverless cache.
        logins: its users, as they are now.
    """

    plane: ValkeyDataPlane
    group_id: str
    members: tuple[Member, ...]
    logins: Logins
    _made: Connection

    @property
    def connection(self) -> Connection:
        """The operator's, with the users as they are now."""
        return replace(self._made, users=self.logins.users())

    @property
    def primary(self) -> Address:
        """The name that writes go to."""
        found = self.connection.primary
        assert found is not None
        return found

    @property
    def reader(self) -> Address:
        """The name of its replicas."""
        found = self.connection.reader
        assert found is not None
        return found

    @property
    def nodes(self) -> list[Address]:
        """The name of each node."""
        return [address_of(member.endpoint) for member in self.members]

    def user(self, role: Role) -> User:
        """What a role logs in with, as its users are now."""
        return self.logins.users()[role]

    def set_users(self) -> None:
        """Give the servers the users as they are now, and no others."""
        if self.logins.serverless:
            self.plane.set_serverless_users(self.group_id, self.logins.states())
        else:
            self.plane.set_users(self.group_id, self.logins.states())

    def fail_over(self, shard: str = "0001") -> None:
        """Promote a replica, as TestFailover does."""
        self.plane.test_failover(self.group_id, shard)


def create_group(
    plane: ValkeyDataPlane,
    group_id: str,
    *,
    shards: int = 0,
    replicas: int = 1,
    iam: frozenset[Role] = frozenset(),
    parameters: Mapping[str, str] = PARAMETERS,
) -> Store:
    """A replication group; with shards, one in cluster mode."""
    logins = Logins(cluster=shards > 0, iam=iam)
    endpoints = plane.create_group(
        group_spec(
            group_id, logins.states(), shards=shards, replicas=replicas, parameters=parameters
        )
    )
    made = group_connection(endpoints, logins)
    return Store(plane, group_id, endpoints.members, logins, made)


def create_serverless(
    plane: ValkeyDataPlane,
    name: str,
    *,
    engine_version: str = "9.1",
    max_bytes: int | None = None,
) -> Store:
    """A serverless cache."""
    logins = Logins(engine_version=engine_version, serverless=True)
    major = engine_version.partition(".")[0]
    endpoints = plane.create_serverless(
        ServerlessSpec(name, REGION, NAME_HASH, major, logins.states(), max_bytes=max_bytes)
    )
    made = logins.connection(
        Topology.SERVERLESS,
        primary=address_of(endpoints.primary),
        reader=address_of(endpoints.reader),
    )
    return Store(plane, name, (), logins, made)


def group_spec(
    group_id: str,
    users: Mapping[str, UserState] | None,
    *,
    engine_version: str = "9.1",
    replicas: int = 1,
    shards: int = 0,
    **changes: object,
) -> GroupSpec:
    """A group; with shards it is in cluster mode."""
    spec = GroupSpec(
        group_id,
        REGION,
        NAME_HASH,
        engine_version,
        "cache.t4g.small",
        NODE_BYTES,
        max(shards, 1),
        replicas,
        ClusterMode.ENABLED if shards else ClusterMode.DISABLED,
        True,
        PARAMETERS,
        users,
        member_ids(group_id, cluster=shards > 0, shards=max(shards, 1), replicas=replicas),
    )
    return replace(spec, **changes)  # type: ignore[arg-type]


def group_connection(endpoints: GroupEndpoints, logins: Logins) -> Connection:
    """How an application reaches a group."""
    if endpoints.configuration is not None:
        return logins.connection(Topology.CLUSTER, seeds=(address_of(endpoints.configuration),))
    assert endpoints.primary is not None
    assert endpoints.reader is not None
    return logins.connection(
        Topology.REPLICATION_GROUP,
        primary=address_of(endpoints.primary),
        reader=address_of(endpoints.reader),
    )


def address_of(endpoint: Endpoint) -> Address:
    """As a Connection has it."""
    return Address(endpoint.host, endpoint.port)


def raw(address: Address, user: User | None) -> RawConnection:
    """A connection by name, with the authorities that the environment names."""
    return RawConnection(
        address.port, ssl.create_default_context(), user, timeout=60, host=address.host
    )
