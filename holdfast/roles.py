"""Who may do what: the roles of a store, each rule once.

ACL files, the access strings of managed services and the table in the documentation are rendered
from :data:`RULES`; what one engine, version or topology refuses, lacks or adds stands in
:data:`ADAPTATIONS` and nowhere else. :mod:`holdfast.roles_table` prints them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

APP: Final = "{app}"
"""Stands for the key prefix in the patterns of a rule."""


def words(text: str) -> tuple[str, ...]:
    """Commands written one after another, so that a rule reads as one line."""
    return tuple(text.split())


class Role(StrEnum):
    """The users of a store. The name is also the login."""

    SVC = "svc"
    WORKER = "worker"
    CONSOLIDATOR = "consolidator"
    MONITOR = "monitor"
    ADMIN = "admin"
    REPLICA = "replica"
    SENTINEL = "sentinel"
    AGENT = "agent"
    PROBE = "probe"
    EXPORTER = "exporter"
    BACKUP = "backup"


APPLICATION_ROLES: Final = (
    Role.SVC,
    Role.WORKER,
    Role.CONSOLIDATOR,
    Role.MONITOR,
    Role.ADMIN,
)
"""The roles that people and programs outside the store log in as; each gets a Connection."""


class Place(StrEnum):
    """Which kind of process a rule is for: both keep users of their own."""

    SERVER = "server"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True)
class Selector:
    """A second set of permissions; a command must satisfy one set alone.

    Attributes:
        commands: allowed here, nothing else is.
        keys: patterns with ``~`` (read and write), ``%R~`` (read) or ``%W~`` (write).
    """

    commands: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one role may do in one place.

    Attributes:
        purpose: one line for the documentation.
        commands: allowed commands, ``command|subcommand`` for one of several; nothing else is.
        keys: patterns, as in :class:`Selector`. Empty: no key at all.
        channels: patterns of Pub/Sub channels with ``&``. Empty: none at all.
        selectors: further sets of permissions.
        unlimited: every command, key and channel; only for break-glass.
    """

    purpose: str
    commands: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    selectors: tuple[Selector, ...] = ()
    unlimited: bool = False


@dataclass(frozen=True, slots=True)
class Adaptation:
    """A difference between targets: it applies where everything that is given matches.

    Attributes:
        reason: why it exists, for the documentation.
        place: on servers or on Sentinels.
        roles: whom it concerns.
        engine: only this engine; None for every engine.
        since: from this version on.
        before: up to, and not including, this version.
        cluster: True only in a cluster, False only outside one, None for both.
        add: commands to add.
        drop: commands to remove.
    """

    reason: str
    roles: tuple[Role, ...]
    place: Place = Place.SERVER
    engine: str | None = None
    since: tuple[int, ...] = (0,)
    before: tuple[int, ...] | None = None
    cluster: bool | None = None
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()

    def applies(
        self, *, place: Place, engine: str, version: tuple[int, ...], cluster: bool
    ) -> bool:
        """Whether a server of this kind is concerned."""
        return (
            self.place == place
            and self.engine in (None, engine)
            and self.since <= version
            and (self.before is None or version < self.before)
            and self.cluster in (None, cluster)
        )


_SESSION_KEYS: Final = tuple(
    f"~{APP}:{kind}:*" for kind in words("sess hist tool lease user cache")
)
_EVENTS: Final = (f"&{APP}:evt:*",)

# The commands of holdfast's own client and of its scripts, which the server checks one by one.
# tests/local/store/test_store_roles.py records what is really sent and compares.
_CLIENT: Final = words(
    "ping time evalsha script|load hgetall hget hmget hset hdel hlen lrange lpush ltrim llen "
    "zadd zrange zrem zremrangebyrank zcard pexpireat pttl set get unlink publish subscribe "
    "unsubscribe wait"
)

_MEASURE: Final = words(
    "ping info dbsize slowlog|get slowlog|len latency|latest latency|histogram "
    "memory|stats client|list"
)

_DISCOVER: Final = ("ping", "sentinel|get-master-addr-by-name")
_WATCH_SENTINEL: Final = words(
    "ping info sentinel|get-master-addr-by-name sentinel|masters sentinel|master "
    "sentinel|replicas sentinel|sentinels sentinel|ckquorum"
)

SERVER_RULES: Final[Mapping[Role, Rule]] = MappingProxyType(
    {
        Role.SVC: Rule(
            "the application: sessions, turns, leases, cache and events of its own prefix",
            _CLIENT,
            _SESSION_KEYS,
            _EVENTS,
        ),
        Role.WORKER: Rule(
            "runs tools and leased tasks on sessions it is told of; cannot list a user's",
            tuple(command for command in _CLIENT if command not in words("zadd zrem")),
            tuple(key for key in _SESSION_KEYS if f"{APP}:user:" not in key),
            _EVENTS,
            selectors=(
                # The scripts keep the user index in step with the session; nothing here reads it.
                Selector(
                    words("evalsha zadd zrem zcard zremrangebyrank pexpireat unlink"),
                    tuple(f"~{APP}:{kind}:*" for kind in words("sess hist tool lease user")),
                ),
            ),
        ),
        Role.CONSOLIDATOR: Rule(
            "moves finished turns to PostgreSQL: empties the outbox, only reads sessions",
            words(
                "ping xreadgroup xack xdel xautoclaim xpending xinfo|stream xinfo|groups xlen "
                "xgroup|create"
            ),
            (f"~{APP}:outbox:*",),
            selectors=(
                Selector(
                    words("hgetall hmget lrange llen pttl exists"),
                    tuple(f"%R~{APP}:{kind}:*" for kind in ("sess", "hist", "tool")),
                ),
                Selector(("zrange", "zrem", "zscore"), (f"~{APP}:due:*",)),
            ),
        ),
        Role.MONITOR: Rule(
            "reads figures, never data: INFO has what CONFIG GET would show, without the secrets",
            (*_MEASURE, "role", "xinfo|stream", "xinfo|groups", "xlen", "zcard"),
            (f"%R~{APP}:outbox:*", f"%R~{APP}:due:*"),
        ),
        Role.ADMIN: Rule("break-glass: everything; for people in an emergency", unlimited=True),
        Role.REPLICA: Rule("replicas follow their primary", ("ping", "psync", "replconf")),
        Role.SENTINEL: Rule(
            "Sentinels watch the servers and fail over",
            words(
                "ping info role multi exec slaveof publish subscribe config|rewrite "
                "client|setname client|kill script|kill"
            ),
            channels=("&__sentinel__:hello",),
        ),
        Role.AGENT: Rule(
            "the process beside a server: applies new users and certificates, opens the gate; "
            "pauses writes where a server that stops cannot hand over otherwise",
            words(
                "ping info role config|set acl|load acl|getuser client|kill client|list "
                "client|pause client|unpause"
            ),
        ),
        Role.PROBE: Rule("health checks", ("ping", "info", "role")),
        Role.EXPORTER: Rule(
            "metrics for Prometheus", (*_MEASURE, "client|setname", "cluster|info")
        ),
        Role.BACKUP: Rule(
            "takes a copy of the data as a replica would", words("ping info psync replconf")
        ),
    }
)
"""The rules on servers, before :data:`ADAPTATIONS`."""

SENTINEL_RULES: Final[Mapping[Role, Rule]] = MappingProxyType(
    {
        Role.SVC: Rule("asks where the primary is", _DISCOVER),
        Role.WORKER: Rule("asks where the primary is", _DISCOVER),
        Role.CONSOLIDATOR: Rule("asks where the primary is", _DISCOVER),
        Role.MONITOR: Rule("reads what the Sentinels know", _WATCH_SENTINEL),
        Role.ADMIN: Rule("break-glass: everything; planned failovers", unlimited=True),
        Role.SENTINEL: Rule(
            "the other Sentinels",
            words("ping publish client|setname sentinel|is-master-down-by-addr"),
            channels=("&__sentinel__:hello",),
        ),
        Role.AGENT: Rule(
            "moves the primary away before its server stops",
            words(
                "ping sentinel|get-master-addr-by-name sentinel|replicas sentinel|ckquorum "
                "sentinel|failover"
            ),
        ),
        Role.PROBE: Rule("health checks", ("ping", "info")),
        Role.EXPORTER: Rule("metrics for Prometheus", (*_WATCH_SENTINEL, "client|setname")),
    }
)
"""The rules on Sentinels. Roles that are absent cannot log in there."""

RULES: Final[Mapping[Place, Mapping[Role, Rule]]] = MappingProxyType(
    {Place.SERVER: SERVER_RULES, Place.SENTINEL: SENTINEL_RULES}
)

ADAPTATIONS: Final = (
    Adaptation(
        "Pub/Sub stays within a shard",
        (Role.SVC, Role.WORKER),
        cluster=True,
        add=("spublish", "ssubscribe", "sunsubscribe"),
        drop=("publish", "subscribe", "unsubscribe"),
    ),
    Adaptation(
        "the client learns the slot map and follows a slot that moves",
        (Role.SVC, Role.WORKER, Role.CONSOLIDATOR),
        cluster=True,
        add=("cluster|slots", "asking"),
    ),
    Adaptation(
        "the state of the cluster",
        (Role.MONITOR,),
        cluster=True,
        add=words("cluster|info cluster|slots cluster|nodes cluster|shards"),
    ),
    Adaptation(
        "slots move by replication from 9.0 on",
        (Role.REPLICA,),
        engine="valkey",
        since=(9,),
        cluster=True,
        add=("cluster|syncslots",),
    ),
    Adaptation(
        "FAILOVER COORDINATED, which loses nothing, exists from 9.0 on",
        (Role.SENTINEL,),
        engine="valkey",
        since=(9,),
        add=("failover", "client|pause", "client|unpause"),
    ),
)
"""What some targets refuse, lack or add."""


def rule_for(
    role: Role, place: Place, *, engine: str, version: tuple[int, ...], cluster: bool
) -> Rule | None:
    """The rule of a role on one kind of server, or None where the role does not exist."""
    rule = RULES[place].get(role)
    if rule is None or rule.unlimited:
        return rule
    commands = list(rule.commands)
    for adaptation in ADAPTATIONS:
        if role in adaptation.roles and adaptation.applies(
            place=place, engine=engine, version=version, cluster=cluster
        ):
            commands = [command for command in commands if command not in adaptation.drop]
            commands += [command for command in adaptation.add if command not in commands]
    return Rule(rule.purpose, tuple(commands), rule.keys, rule.channels, rule.selectors)
