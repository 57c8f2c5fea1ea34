"""What a role is asked to do, and what it must be denied, derived from its rule.

Every probe is harmless, also where a wrong ACL lets it through: it names keys and services that do
not exist, or carries an argument that the command refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from holdfast.keys import RESERVED_TENANT
from holdfast.roles import APP, Place, Role, Rule

Command = tuple[str | int, ...]

_NO_SHA: Final = "0" * 40
_NO_SERVICE: Final = "holdfast-no-such-service"
_PROBE_TTL_MS: Final = 60_000

_WITHOUT_KEY: Final[dict[str, Command]] = {
    "ping": ("PING",),
    "time": ("TIME",),
    "info": ("INFO", "server"),
    "role": ("ROLE",),
    "dbsize": ("DBSIZE",),
    "slowlog|len": ("SLOWLOG", "LEN"),
    "latency|latest": ("LATENCY", "LATEST"),
    "memory|stats": ("MEMORY", "STATS"),
    "cluster|info": ("CLUSTER", "INFO"),
    "cluster|slots": ("CLUSTER", "SLOTS"),
    "replconf": ("REPLCONF",),
    "sentinel|masters": ("SENTINEL", "MASTERS"),
}
_WITH_KEY: Final[dict[str, tuple[str, tuple[str | int, ...]]]] = {
    "hgetall": ("sess", ()),
    "hmget": ("sess", ("field",)),
    "exists": ("sess", ()),
    "lrange": ("hist", (0, 0)),
    "llen": ("hist", ()),
    "zcard": ("due", ()),
    "zscore": ("due", ("member",)),
    "xlen": ("outbox", ()),
}
_DENIED: Final[dict[Place, dict[str, Command]]] = {
    Place.SERVER: {
        # An argument that FLUSHALL does not know: were it allowed, it would be a syntax error.
        "flushall": ("FLUSHALL", "holdfast-probe"),
        "config|get": ("CONFIG", "GET", "holdfast-probe"),
        "config|set": ("CONFIG", "SET", "holdfast-probe", "1"),
        "acl|list": ("ACL", "LIST"),
        "acl|deluser": ("ACL", "DELUSER", "holdfast-no-such-user"),
        "eval": ("EVAL", "return 1", 0),
    },
    Place.SENTINEL: {
        "sentinel|failover": ("SENTINEL", "FAILOVER", _NO_SERVICE),
        "sentinel|remove": ("SENTINEL", "REMOVE", _NO_SERVICE),
        "sentinel|set": ("SENTINEL", "SET", _NO_SERVICE, "quorum", "1"),
        "acl|list": ("ACL", "LIST"),
    },
}


def allowed_probes(role: Role, rule: Rule, *, app: str, run_id: str) -> list[Command]:
    """Commands of the rule that can be sent without leaving anything behind."""
    if rule.unlimited:
        return [("PING",), ("ACL", "WHOAMI"), ("INFO", "server")]
    key = f"{app}:{{}}:{{{{b00}}}}:{RESERVED_TENANT}:{run_id}-{role}".format
    probes = [_WITHOUT_KEY[name] for name in rule.commands if name in _WITHOUT_KEY]
    sets = [(rule.commands, rule.keys), *((s.commands, s.keys) for s in rule.selectors)]
    for commands, patterns in sets:
        for name in commands:
            kind, arguments = _WITH_KEY.get(name, ("", ()))
            if f"{APP}:{kind}:*" in {pattern.rpartition("~")[2] for pattern in patterns}:
                probes.append((name.upper(), key(kind), *arguments))
    if "set" in rule.commands and "unlink" in rule.commands:
        lease = key("lease")
        # One command sets the value and its TTL, so that no key of ours is ever without one.
        probes += [("SET", lease, run_id, "PX", _PROBE_TTL_MS), ("GET", lease), ("UNLINK", lease)]
        if "evalsha" in rule.commands:
            probes.append(("EVALSHA", _NO_SHA, 1, lease))
    return probes


def denied_probes(rule: Rule, place: Place, *, app: str) -> Iterator[Command]:
    """Commands and keys that the rule does not give.

    They are the same in every run, so that a server can merge them in its log.
    """
    if rule.unlimited:
        return
    allowed = {
        *rule.commands,
        *(command for selector in rule.selectors for command in selector.commands),
    }
    for name, command in _DENIED[place].items():
        if name not in allowed:
            yield command
    if place is Place.SENTINEL:
        return
    end = f"{{b00}}:{RESERVED_TENANT}:probe"
    yield ("KEYS", f"{app}:sess:{end}")
    other = f"{app}-other:sess:{end}"
    reader = next((name for name in ("hgetall", "xlen") if name in allowed), None)
    if reader is not None:
        yield (reader.upper(), other)
    else:
        yield ("HGETALL", f"{app}:sess:{end}")
    if "set" in allowed:
        yield ("SET", other, "probe", "PX", _PROBE_TTL_MS)
