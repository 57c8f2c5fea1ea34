"""The existing target: a store that somebody else runs, described and handed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NotRequired, TypedDict

import pulumi

from components.credentials import FULL
from components.outputs import Facts, SessionStore
from config.existing_settings import ExistingSettings
from config.reader import member
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
                topology=member(Topology, "topology", args["topology"]),
                engine=member(Engine, "engine", args["engine"]).value,
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


class ExistingSessionStore(SessionStore):
    """A session store that runs already, with the outputs of the other targets.

    Creates nothing and asks nothing: what is told is handed on as a Connection, with the passwords
    secret. Whether it holds is for ``scripts/smoke.py`` to say; what the store cannot do, or does
    not let one see, is listed there as not checked.
    """

    def __init__(
        self,
        name: str,
        args: ExistingSessionStoreArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        spec = ExistingSpec.from_args(args)
        super().__init__("holdfast:index:ExistingSessionStore", name, spec.fixed_inputs, opts)
        known = spec.without_passwords
        self._give_back(
            Facts(
                target=_TARGET,
                topology=known.topology,
                engine=f"{known.engine} {known.engine_version}",
                app=known.app,
                roles=tuple(spec.users),
            ),
            pulumi.Output.secret(args["passwords"]).apply(spec.documents),
            pulumi.Output.from_input(None),
            endpoints=pulumi.Output.from_input(spec.endpoints),
        )


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
