"""The boundary between the emulated control plane and the servers behind it.

The control plane (:mod:`tests.standin.aws.emulator`) has validated everything before it calls. It
calls from threads of its own, never two at a time for the same store, and shows a store as
``creating`` or ``modifying`` until the call returns: every method blocks until the servers do what
was asked. A method that cannot raises :class:`DataPlaneError`.

Names are those of :mod:`tests.standin.aws.dataplane.endpoints`, so that both sides and a control
plane without servers (:class:`tests.standin.aws.dataplane.absent.NoDataPlane`) agree on them. The
real one is what ``tests.standin.aws.dataplane.valkey.open_data_plane(folder)`` returns:
its files, the authority's among them, are under ``folder``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

PORT: Final = 6379
"""Of primary, reader, configuration endpoint and members."""
SERVERLESS_READER_PORT: Final = 6380


class DataPlaneError(Exception):
    """The servers could not be brought to what was asked; the text says which and why."""


class ClusterMode(StrEnum):
    """As ElastiCache spells it."""

    DISABLED = "disabled"
    COMPATIBLE = "compatible"
    ENABLED = "enabled"


class Authentication(StrEnum):
    """How a user logs in."""

    PASSWORD = "password"
    IAM = "iam"
    NO_PASSWORD = "no-password-required"


class UserStatus(StrEnum):
    """Of a user in the control plane; the servers have the user from ``active`` on."""

    ACTIVE = "active"
    MODIFYING = "modifying"
    DELETING = "deleting"


@dataclass(frozen=True)
class UserState:
    """A user as the servers must have it; the key beside it is the login name.

    Attributes:
        user_id: of the control plane; with IAM it equals the login name.
        access_string: as given to AWS, valid by its grammar. Passwords are not in it.
        authentication: how it logs in.
        password_hashes: hexadecimal SHA-256, one or two, as ``ACL SETUSER ... #<hash>`` takes them.
        status: see :class:`UserStatus`.
    """

    user_id: str
    access_string: str
    authentication: Authentication = Authentication.PASSWORD
    password_hashes: tuple[str, ...] = field(default=(), repr=False)
    status: UserStatus = UserStatus.ACTIVE


@dataclass(frozen=True)
class Endpoint:
    """A name as AWS gives it, and its port."""

    host: str
    port: int = PORT


@dataclass(frozen=True)
class Member:
    """One node of a replication group.

    Attributes:
        cluster_id: ``<group>-001``, or ``<group>-0001-001`` in cluster mode.
        shard: ``0001`` and so on.
        endpoint: of this node alone.
    """

    cluster_id: str
    shard: str
    endpoint: Endpoint


@dataclass(frozen=True)
class GroupSpec:
    """A replication group to be created.

    Attributes:
        group_id: lower-case.
        region: such as ``us-east-1``.
        name_hash: six characters in every name of this store.
        engine_version: ``major.minor``, such as ``9.1``.
        node_type: such as ``cache.t4g.small``.
        maxmemory_bytes: of the node type, before the reserve that the parameters ask for.
        shards: 1 outside cluster mode.
        replicas: of each shard, 0 to 5.
        cluster_mode: as in the API.
        tls: transit encryption; with users it is always on.
        parameters: of the parameter group, by name, defaults of the family included.
        users: by login name; the servers' own ``default`` user is off when there are any, and None
            where no user group is attached: then ``default`` is open to everyone, as on AWS.
        member_ids: cluster ids by shard, the first one is the primary.
        restore_from: folder that :meth:`DataPlane.snapshot` filled.
    """

    group_id: str
    region: str
    name_hash: str
    engine_version: str
    node_type: str
    maxmemory_bytes: int
    shards: int
    replicas: int
    cluster_mode: ClusterMode
    tls: bool
    parameters: Mapping[str, str]
    users: Mapping[str, UserState] | None
    member_ids: Mapping[str, tuple[str, ...]]
    restore_from: Path | None = None


@dataclass(frozen=True)
class GroupChange:
    """What changes in a group; None leaves a thing as it is.

    Attributes:
        engine_version: node after node, replicas first, as AWS does it.
        parameters: the whole set, as in :class:`GroupSpec`.
        node_type: comes with ``maxmemory_bytes``.
        maxmemory_bytes: see :class:`GroupSpec`.
        member_ids: the whole new set by shard: nodes and shards that are not in it go, new ones are
            made. Slots of a shard that goes are moved first.
        cluster_mode: towards ``enabled`` only.
    """

    engine_version: str | None = None
    parameters: Mapping[str, str] | None = None
    node_type: str | None = None
    maxmemory_bytes: int | None = None
    member_ids: Mapping[str, tuple[str, ...]] | None = None
    cluster_mode: ClusterMode | None = None


@dataclass(frozen=True)
class GroupEndpoints:
    """The names of a replication group.

    Attributes:
        primary: outside cluster mode.
        reader: outside cluster mode.
        configuration: in cluster mode, and beside the others in mode ``compatible``.
        members: by shard, then by number.
    """

    primary: Endpoint | None
    reader: Endpoint | None
    configuration: Endpoint | None
    members: tuple[Member, ...]


@dataclass(frozen=True)
class ServerlessSpec:
    """A serverless cache to be created: cluster protocol, TLS, ``volatile-lru``."""

    name: str
    region: str
    name_hash: str
    major_engine_version: str
    users: Mapping[str, UserState] | None
    max_bytes: int | None = None
    restore_from: Path | None = None


@dataclass(frozen=True)
class ServerlessEndpoints:
    """The names of a serverless cache: one host, two ports."""

    primary: Endpoint
    reader: Endpoint


class DataPlane(Protocol):
    """Servers behind the control plane. See the module for who calls when."""

    @property
    def ca_file(self) -> Path | None:
        """PEM of the authority that signed the servers' certificates; None without servers."""

    @property
    def names_file(self) -> Path | None:
        """What ``HOLDFAST_AWS_NAMES`` is to hold; None without servers."""

    def create_group(self, spec: GroupSpec) -> GroupEndpoints:
        """Start the servers of a group and wait until they are in step."""

    def modify_group(self, group_id: str, change: GroupChange) -> GroupEndpoints:
        """Apply a change and give the names that hold after it."""

    def delete_group(self, group_id: str) -> None:
        """Stop the servers and forget their data."""

    def set_users(self, group_id: str, users: Mapping[str, UserState] | None) -> None:
        """Give a group exactly these users. Open connections stay, as on AWS."""

    def test_failover(self, group_id: str, shard: str) -> str:
        """Promote a replica of a shard, move the names, and give the new primary's cluster id."""

    def primaries(self, group_id: str) -> Mapping[str, str]:
        """The cluster id of the primary by shard, as the servers see it now; quick."""

    def snapshot(self, group_id: str, folder: Path) -> None:
        """Write the data of every shard into a folder of its own: ``<folder>/<shard>.rdb``."""

    def create_serverless(self, spec: ServerlessSpec) -> ServerlessEndpoints:
        """Start a serverless cache."""

    def delete_serverless(self, name: str) -> None:
        """Stop it and forget its data."""

    def set_serverless_users(self, name: str, users: Mapping[str, UserState] | None) -> None:
        """See :meth:`set_users`."""

    def snapshot_serverless(self, name: str, folder: Path) -> None:
        """See :meth:`snapshot`."""

    def close(self) -> None:
        """Stop everything; may be called twice."""
