"""The existing target: a store that somebody else runs, described and handed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NotRequired, TypedDict

import pulumi

from components.credentials import FULL, narrow_documents
from components.outputs import OUTPUT_NAMES
from config.existing_settings import ExistingSettings
from config.rules import check_app, check_buckets, check_expected_sessions
from config.schema import Engine
from config.settings import Settings
from holdfast.connection import (
    SYSTEM_CA,
    Address,
    Capability,
    Capacity,
    Connection,
    Tls,
    Topology,
    User,
)
from holdfast.roles import Role

_TARGET: Final = "existing"


class ExistingSessionStoreArgs(TypedDict):
    """What is known of a store. A change replaces nothing: there is nothing of ours."""

    topology: Topology
    """Which of the addresses below are needed, as :class:`holdfast.Connection` has it."""

    engine: Engine
    """``valkey`` or ``redis``."""

    engine_version: str
    """As the server says of itself, such as ``8.0``."""

    users: Mapping[Role, str]
    """What each role logs in as."""

    passwords: pulumi.Input[Mapping[str, str]]
    """The password of each of those roles, by role. Made secret here if it is not yet."""

    primary: NotRequired[Address | None]
    """Accepts writes (standalone, replication-group, serverless)."""

    reader: NotRequired[Address | None]
    """The replicas (replication-group, serverless); default none."""

    seeds: NotRequired[tuple[Address, ...]]
    """Nodes that tell the slots (cluster)."""

    sentinels: NotRequired[tuple[Address, ...]]
    """The Sentinels (sentinel)."""

    sentinel_service: NotRequired[str | None]
    """The name that they watch (sentinel)."""

    ca: NotRequired[str]
    """Trusted certificates as PEM, or ``system`` (default)."""

    app: NotRequired[str]
    """Prefix of every key; default ``agent``. Fixed for a store's life."""

    buckets: NotRequired[int]
    """Hash-tag buckets, a power of two up to 1024; default 64. Fixed for a store's life."""

    capabilities: NotRequired[frozenset[Capability]]
    """What the store can do beyond the common commands; default nothing."""

    maxmemory_bytes: NotRequired[int | None]
    """Of each server; default not told."""

    eviction_policy: NotRequired[str | None]
    """Of each server; default not told."""

    expected_sessions: NotRequired[int | None]
    """Sessions at once that the store is meant for; for reports."""


@dataclass(frozen=True, slots=True)
class ExistingSpec:
    """Checked arguments: a Connection that lacks its passwords."""

    users: Mapping[Role, str]
    without_passwords: Connection

    @classmethod
    def from_args(cls, args: ExistingSessionStoreArgs) -> ExistingSpec:
        """Fill in the defaults and check every rule. Raises ConfigError."""
        return cls(
            dict(args["users"]),
            Connection(
                target=_TARGET,
                topology=Topology(args["topology"]),
                engine=Engine(args["engine"]).value,
                engine_version=args["engine_version"],
                app=check_app(args.get("app", "agent")),
                buckets=check_buckets(args.get("buckets", 64)),
                users={},
                tls=Tls(ca=args.get("ca", SYSTEM_CA)),
                sentinels=args.get("sentinels", ()),
                sentinel_service=args.get("sentinel_service"),
                primary=args.get("primary"),
                reader=args.get("reader"),
                seeds=args.get("seeds", ()),
                capabilities=args.get("capabilities", frozenset()),
                capacity=Capacity(
                    maxmemory_bytes=args.get("maxmemory_bytes"),
                    eviction_policy=args.get("eviction_policy"),
                    expected_sessions=check_expected_sessions(args.get("expected_sessions")),
                ),
            ),
        )

    @property
    def fixed_inputs(self) -> dict[str, Any]:
        """What must not change while there are sessions; shown in previews."""
        known = self.without_passwords
        return {"app": known.app, "buckets": known.buckets, "topology": known.topology.value}

    @property
    def endpoints(self) -> list[str]:
        """``host:port`` of what clients dial first."""
        known = self.without_passwords
        first = known.sentinels or known.seeds or ((known.primary,) if known.primary else ())
        return [str(address) for address in first]

    def documents(self, passwords: Mapping[str, str]) -> dict[str, str]:
        """JSON by role, and the full one under :data:`FULL`. All secret."""
        known = self.without_passwords
        logins = {role: User(name, passwords[role.value]) for role, name in self.users.items()}
        full = replace(known, users=logins)
        narrow = {role.value: full.for_role(role).to_json() for role in logins}
        return {FULL: full.to_json(), **narrow}


class ExistingSessionStore(pulumi.ComponentResource):
    """A session store that runs already, with the outputs of the other targets.

    Creates nothing and asks nothing: what is told is handed on as a Connection, with the passwords
    secret. Whether it holds is for ``scripts/smoke.py`` to say; what the store cannot do, or does
    not let one see, is listed there as not checked.
    """

    connection: pulumi.Output[str]
    """The operator's Connection with every role that has a login, as JSON. Secret."""

    connections: pulumi.Output[Mapping[str, str]]
    """A narrow Connection for each of those roles, as JSON, by role. Secret."""

    target: pulumi.Output[str]
    """``existing``."""

    topology: pulumi.Output[str]
    """As it was told."""

    engine: pulumi.Output[str]
    """The server program and its version, as they were told."""

    endpoints: pulumi.Output[Sequence[str]]
    """``host:port`` of what clients dial first."""

    app: pulumi.Output[str]
    """Prefix of every key."""

    roles: pulumi.Output[Sequence[str]]
    """Roles that an application can log in as."""

    connection_files: pulumi.Output[Mapping[str, str]]
    """Empty."""

    ca_file: pulumi.Output[str]
    """Empty: the CA is in the Connection."""

    certificate_serials: pulumi.Output[Mapping[str, str]]
    """Empty: the certificates are somebody else's."""

    connection_secrets: pulumi.Output[Mapping[str, str]]
    """Empty."""

    resources: pulumi.Output[Mapping[str, str]]
    """Empty."""

    def __init__(
        self,
        name: str,
        args: ExistingSessionStoreArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        spec = ExistingSpec.from_args(args)
        super().__init__("holdfast:index:ExistingSessionStore", name, spec.fixed_inputs, opts)
        known = spec.without_passwords
        documents = pulumi.Output.secret(args["passwords"]).apply(spec.documents)
        self.connection = documents.apply(lambda by_role: by_role[FULL])
        self.connections = documents.apply(narrow_documents)
        self.target = pulumi.Output.from_input(_TARGET)
        self.topology = pulumi.Output.from_input(known.topology.value)
        self.engine = pulumi.Output.from_input(f"{known.engine} {known.engine_version}")
        self.endpoints = pulumi.Output.from_input(spec.endpoints)
        self.app = pulumi.Output.from_input(known.app)
        self.roles = pulumi.Output.from_input([role.value for role in spec.users])
        self.ca_file = pulumi.Output.from_input("")
        nothing: dict[str, str] = {}
        self.connection_files = pulumi.Output.from_input(nothing)
        self.certificate_serials = pulumi.Output.from_input(nothing)
        self.connection_secrets = pulumi.Output.from_input(nothing)
        self.resources = pulumi.Output.from_input(nothing)
        self.register_outputs({output: getattr(self, output) for output in OUTPUT_NAMES})


def existing_args(settings: Settings, own: ExistingSettings) -> ExistingSessionStoreArgs:
    """Settings in the words of the component."""
    return {
        "topology": settings.shape.topology,
        "engine": own.engine,
        "engine_version": own.engine_version,
        "users": {role: user.name for role, user in own.users.items()},
        "passwords": pulumi.Output.secret(
            {role.value: user.password or "" for role, user in own.users.items()}
        ),
        "primary": own.primary,
        "reader": own.reader,
        "seeds": own.seeds,
        "sentinels": own.sentinels,
        "sentinel_service": own.sentinel_service,
        "ca": own.ca,
        "app": settings.app,
        "buckets": settings.buckets,
        "capabilities": own.capabilities,
        "maxmemory_bytes": own.maxmemory_bytes,
        "eviction_policy": own.eviction_policy,
        "expected_sessions": settings.expected_sessions,
    }
