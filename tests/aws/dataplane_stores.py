"""Stores of the emulated ElastiCache without a control plane before them, for tests."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pytest

from holdfast.acl import password_hash
from holdfast.aws.access import access_string
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.roles import APPLICATION_ROLES, Role
from tests.servers import RawConnection
from tests.standin.aws.dataplane.api import (
    ClusterMode,
    DataPlaneError,
    GroupEndpoints,
    GroupSpec,
    UserState,
    member_ids,
)
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
DETECTION_SECONDS: Final = 0.5


@contextmanager
def open_plane(folder: Path) -> Iterator[ValkeyDataPlane]:
    """Servers whose names and authority this process knows, as a shell of the emulator does."""
    with ExitStack() as stack:
        plane = ValkeyDataPlane(folder, detection_seconds=DETECTION_SECONDS)
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
    """Users of every role, each with one password or two."""

    engine_version: str = "9.1"
    cluster: bool = False
    serverless: bool = False
    passwords: dict[Role, tuple[str, ...]] = field(
        default_factory=lambda: {role: (f"{role}-password-0001",) for role in APPLICATION_ROLES}
    )

    def states(self) -> dict[str, UserState]:
        """As the control plane gives them."""
        return {
            role.value: UserState(
                f"store-{role}",
                access_string(
                    role,
                    APP,
                    version=self.engine_version,
                    cluster=self.cluster,
                    serverless=self.serverless,
                ),
                password_hashes=tuple(password_hash(password) for password in passwords),
            )
            for role, passwords in self.passwords.items()
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
            users={role: User(role.value, known[0]) for role, known in self.passwords.items()},
            tls=Tls(),
            primary=primary,
            reader=reader,
            seeds=seeds,
        )


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
        seed = Address(endpoints.configuration.host, endpoints.configuration.port)
        return logins.connection(Topology.CLUSTER, seeds=(seed,))
    assert endpoints.primary is not None
    assert endpoints.reader is not None
    return logins.connection(
        Topology.REPLICATION_GROUP,
        primary=Address(endpoints.primary.host, endpoints.primary.port),
        reader=Address(endpoints.reader.host, endpoints.reader.port),
    )


def raw(address: Address, user: User | None) -> RawConnection:
    """A connection by name, with the authorities that the environment names."""
    return RawConnection(
        address.port, ssl.create_default_context(), user, timeout=60, host=address.host
    )


def wait_gone(pids: list[int], *, seconds: float = 20.0) -> list[int]:
    """Those of these processes that still live when the time is over."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if lives(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def lives(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
