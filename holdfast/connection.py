"""The Connection: how to reach a store, produced by every target, consumed by client and scripts.

One frozen value with a versioned JSON form. The full value, with every role in it, is the
operator's; :meth:`Connection.for_role` gives the narrow one that an application gets. ``repr``
masks every secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self

from holdfast.connection_json import Reader
from holdfast.errors import ConfigError, ConnectionFormatError
from holdfast.keys import DEFAULT_BUCKETS, validate_app, validate_buckets
from holdfast.roles import Role

CONNECTION_VERSION: Final = 1
_MAX_PORT: Final = 65535
SYSTEM_CA: Final = "system"
"""``Tls.ca`` that means: trust the system's certificate store."""


class Topology(StrEnum):
    """The shapes of a store that a client tells apart."""

    STANDALONE = "standalone"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"
    REPLICATION_GROUP = "replication-group"
    SERVERLESS = "serverless"

    @property
    def clustered(self) -> bool:
        """Whether clients speak the protocol of a cluster: slots, and channels by slot."""
        return self in (Topology.CLUSTER, Topology.SERVERLESS)


class Cold(StrEnum):
    """Where consolidated turns go."""

    NONE = "none"
    POSTGRES = "postgres"


class Capability(StrEnum):
    """What a target can do beyond the commands that every target has."""

    WAIT = "wait"
    PSUBSCRIBE = "psubscribe"
    CLIENT_LIST = "client-list"
    ACL_LOG = "acl-log"
    CONFIG = "config"


class TlsVersion(StrEnum):
    """Minimum protocol version a client accepts."""

    TLS_1_2 = "1.2"
    TLS_1_3 = "1.3"


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A host (name or IP, IPv6 without brackets) and a TCP port."""

    host: str
    port: int

    def __post_init__(self) -> None:
        """Refuse what no socket could dial."""
        if not self.host or any(c.isspace() or c in "/@[]" for c in self.host):
            raise ConfigError("address.host", self.host, "a host name or an IP address", "fix it")
        if not 1 <= self.port <= _MAX_PORT:
            raise ConfigError("address.port", self.port, "a port from 1 to 65535", "fix it")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``host:port`` (``[::1]:6379`` for IPv6)."""
        host, separator, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not separator or not port.isascii() or not port.isdigit():
            raise ConfigError("address", text, "host:port", "write for example 127.0.0.1:6379")
        return cls(host, int(port))

    def __str__(self) -> str:
        """``host:port``, IPv6 in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """What the client verifies. The server's name is always checked.

    Attributes:
        ca: trusted certificates as PEM, or ``"system"``.
        minimum_version: the oldest TLS version that is accepted.
    """

    ca: str = field(default=SYSTEM_CA, repr=False)
    minimum_version: TlsVersion = TlsVersion.TLS_1_2


@dataclass(frozen=True, slots=True)
class User:
    """One login: a password now, a reference to a secret, or IAM; exactly one of them."""

    name: str
    password: str | None = field(default=None, repr=False)
    secret_arn: str | None = None
    iam: bool = False

    def __post_init__(self) -> None:
        """Refuse a login with none or several ways of proving itself."""
        ways = (self.password is not None) + (self.secret_arn is not None) + self.iam
        if ways != 1:
            raise ConnectionFormatError(
                f"users.{self.name}",
                f"{ways} ways to authenticate",
                "exactly one of password, secret_arn, iam",
                "keep one",
            )


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the store was sized for; ``None`` where the target does not say."""

    maxmemory_bytes: int | None = None
    eviction_policy: str | None = None
    expected_sessions: int | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything a client needs to reach one store.

    Attributes:
        target: ``local``, ``kubernetes``, ``aws`` or ``existing``.
        topology: decides which of the address fields are filled.
        engine: ``valkey`` or ``redis``.
        engine_version: as the server reports it, e.g. ``9.1.2``.
        app: the key prefix; an ACL keeps one application's keys from another's.
        buckets: hash-tag buckets, fixed for a store's life (a power of two, 1 to 1024).
        tls: what the client verifies.
        users: logins by role.
        sentinels: Sentinel addresses (topology ``sentinel``).
        sentinel_service: the name that the Sentinels monitor.
        primary: address that accepts writes (standalone, replication group, serverless).
        reader: address of the replicas, where the target has one.
        seeds: nodes to learn the slot map from (cluster).
        dial: announced name -> host to dial where clients should not depend on DNS. The
            certificate is verified for the name.
        cold: where consolidated turns go.
        capabilities: what the target can do beyond the common commands.
        capacity: what it was sized for.
    """

    target: str
    topology: Topology
    engine: str
    engine_version: str
    app: str
    users: Mapping[Role, User]
    tls: Tls
    buckets: int = DEFAULT_BUCKETS
    sentinels: tuple[Address, ...] = ()
    sentinel_service: str | None = None
    primary: Address | None = None
    reader: Address | None = None
    seeds: tuple[Address, ...] = ()
    dial: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    cold: Cold = Cold.NONE
    capabilities: frozenset[Capability] = frozenset(Capability)
    capacity: Capacity = Capacity()

    def __post_init__(self) -> None:
        """Freeze the mappings and check what the topology needs."""
        object.__setattr__(self, "users", MappingProxyType(dict(self.users)))
        object.__setattr__(self, "dial", MappingProxyType(dict(self.dial)))
        validate_app(self.app)
        validate_buckets(self.buckets)
        match self.topology:
            case Topology.SENTINEL:
                self._need("sentinels", self.sentinels)
                self._need("sentinel_service", self.sentinel_service)
            case Topology.CLUSTER:
                self._need("seeds", self.seeds)
            case _:
                self._need("primary", self.primary)

    @property
    def managed(self) -> bool:
        """Whether a service keeps the servers: nobody else sets them, stops them or looks in."""
        return self.target == "aws" or Capability.CONFIG not in self.capabilities

    def _need(self, name: str, value: object) -> None:
        if not value:
            raise ConnectionFormatError(
                f"connection.{name}", value, f"a value for topology {self.topology}", "add it"
            )

    def for_role(self, role: Role | str) -> Connection:
        """The same store with one login.

        Raises:
            ConfigError: the Connection holds no such role (a narrow one holds exactly one).
        """
        wanted = Role(role)
        if wanted not in self.users:
            held = ", ".join(sorted(self.users)) or "none"
            raise ConfigError(
                "role", str(wanted), f"a role of this Connection ({held})", "ask for one of them"
            )
        return replace(self, users={wanted: self.users[wanted]})

    @property
    def sole_role(self) -> Role:
        """The role of a narrow Connection.

        Raises:
            ConfigError: there are several; say which with ``for_role``.
        """
        if len(self.users) != 1:
            raise ConfigError(
                "role", ", ".join(sorted(self.users)), "exactly one role", "call for_role(role)"
            )
        return next(iter(self.users))

    def to_json(self) -> str:
        """The versioned JSON form, keys sorted. It holds the secrets: treat it as one."""
        return json.dumps(self._as_dict(), sort_keys=True, separators=(",", ":"))

    def _as_dict(self) -> dict[str, Any]:
        return {
            "version": CONNECTION_VERSION,
            "target": self.target,
            "topology": self.topology.value,
            "engine": self.engine,
            "engine_version": self.engine_version,
            "app": self.app,
            "buckets": self.buckets,
            "tls": {"ca": self.tls.ca, "minimum_version": self.tls.minimum_version.value},
            "users": {
                role.value: {
                    key: value
                    for key, value in (
                        ("name", user.name),
                        ("password", user.password),
                        ("secret_arn", user.secret_arn),
                        ("iam", user.iam or None),
                    )
                    if value is not None
                }
                for role, user in self.users.items()
            },
            "sentinels": [str(address) for address in self.sentinels],
            "sentinel_service": self.sentinel_service,
            "primary": str(self.primary) if self.primary else None,
            "reader": str(self.reader) if self.reader else None,
            "seeds": [str(address) for address in self.seeds],
            "dial": dict(self.dial),
            "cold": self.cold.value,
            "capabilities": sorted(self.capabilities),
            "capacity": {
                "maxmemory_bytes": self.capacity.maxmemory_bytes,
                "eviction_policy": self.capacity.eviction_policy,
                "expected_sessions": self.capacity.expected_sessions,
            },
        }

    @classmethod
    def from_json(cls, text: str | bytes) -> Connection:
        """Read the JSON form.

        Raises:
            ConnectionFormatError: not JSON, of a newer version, or a field is missing, unknown
                or of the wrong kind. The message names the field and never a secret's value.
        """
        reader = Reader.of_document(text, version=CONNECTION_VERSION)
        tls = reader.child("tls")
        capacity = reader.child("capacity", optional=True)
        users: dict[Role, User] = {}
        for name, entry in reader.children("users"):
            users[reader.enum_value(Role, name, "users")] = User(
                name=entry.text("name"),
                password=entry.text("password", default=None, secret=True),
                secret_arn=entry.text("secret_arn", default=None),
                iam=entry.flag("iam", default=False),
            )
            entry.done()
        connection = cls(
            target=reader.text("target"),
            topology=reader.enum(Topology, "topology"),
            engine=reader.text("engine"),
            engine_version=reader.text("engine_version"),
            app=reader.text("app"),
            buckets=reader.integer("buckets", default=DEFAULT_BUCKETS),
            tls=Tls(
                ca=tls.text("ca"),
                minimum_version=tls.enum(TlsVersion, "minimum_version", default=TlsVersion.TLS_1_2),
            ),
            users=users,
            sentinels=tuple(Address.parse(a) for a in reader.texts("sentinels")),
            sentinel_service=reader.text("sentinel_service", default=None),
            primary=_address(reader.text("primary", default=None)),
            reader=_address(reader.text("reader", default=None)),
            seeds=tuple(Address.parse(a) for a in reader.texts("seeds")),
            dial=reader.text_map("dial"),
            cold=reader.enum(Cold, "cold", default=Cold.NONE),
            capabilities=frozenset(
                reader.enum_value(Capability, value, "capabilities")
                for value in reader.texts("capabilities")
            ),
            capacity=Capacity(
                maxmemory_bytes=capacity.integer("maxmemory_bytes", default=None),
                eviction_policy=capacity.text("eviction_policy", default=None),
                expected_sessions=capacity.integer("expected_sessions", default=None),
            ),
        )
        for part in (tls, capacity, reader):
            part.done()
        return connection


def _address(text: str | None) -> Address | None:
    return Address.parse(text) if text is not None else None
