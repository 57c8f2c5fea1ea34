"""Access strings of ElastiCache users, rendered from the rules of :mod:`holdfast.roles`.

What AWS does not offer is left out (user guide, "Supported and restricted commands"): a user must
not be given it, and an access string that names it is refused.

AWS hands back a string of its own making, and one that was asked for otherwise would show as a
change for ever (terraform-provider-aws 20334). So they are written as a server prints them in
``ACL LIST``, the form of AWS's own examples: keys, channels, commands, selectors, and nothing that
a server leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from holdfast.acl import parse_version
from holdfast.errors import ConfigError
from holdfast.keys import validate_app
from holdfast.roles import APP, APPLICATION_ROLES, Place, Role, Rule, rule_for, words

RESTRICTED: Final = frozenset(
    words(
        "acl|setuser acl|load acl|save acl|deluser bgrewriteaof bgsave cluster|addslots "
        "cluster|addslotsrange cluster|bumpepoch cluster|delslots cluster|delslotsrange "
        "cluster|failover cluster|flushslots cluster|forget cluster|meet cluster|replicate "
        "cluster|reset cluster|saveconfig cluster|set-config-epoch cluster|setslot config debug "
        "failover migrate module psync replconf replicaof save shutdown slaveof sync"
    )
)
"""What no user of ElastiCache can run."""

ABSENT_ON_SERVERLESS: Final = frozenset(
    words(
        "wait waitaof role slowlog latency memory client|list client|kill client|pause "
        "client|unpause psubscribe punsubscribe monitor select swapdb asking"
    )
)
"""What a serverless cache lacks beyond :data:`RESTRICTED`: it has no nodes to ask about."""

_ADMIN_MEASURES: Final = words(
    "info role client|list client|kill slowlog|get slowlog|len latency|latest latency|histogram "
    "cluster|info cluster|slots cluster|nodes cluster|shards"
)


def access_string(
    role: Role, app: str, *, version: str, cluster: bool, serverless: bool = False
) -> str:
    """What a role's user is allowed, as ElastiCache takes it: begins with ``on``, has no password.

    Args:
        role: one that people and programs log in as; servers log in nowhere on AWS.
        app: the key prefix that the role is held to; break-glass included, since nobody may reach
            the keys of all applications, or take the store down.
        version: of Valkey, ``major.minor``.
        cluster: whether clients need the slot map.
        serverless: whether it is for a serverless cache, whose clients always do.

    Raises:
        ConfigError: a role that AWS has no use for, a bad prefix, or no version.
    """
    if role not in APPLICATION_ROLES:
        raise ConfigError(
            "role", role.value, f"one of {', '.join(APPLICATION_ROLES)}", "AWS runs the servers"
        )
    slots = cluster or serverless
    rule = rule_for(
        role, Place.SERVER, engine="valkey", version=parse_version(version), cluster=slots
    )
    absent = RESTRICTED | ABSENT_ON_SERVERLESS if serverless else RESTRICTED
    if rule is None or rule.unlimited:
        return _break_glass(validate_app(app), absent)
    return _printed(_without(rule, absent), validate_app(app))


BREAK_GLASS: Final = Rule(
    "break-glass, as far as AWS and the wall between applications let it",
    ("eval", "hgetall", "set"),
    (f"~{APP}:*",),
)
"""What tells the administrator here from the unlimited one elsewhere: whatever is dangerous, and
every key of another application, is denied."""


def offered(rule: Rule, *, serverless: bool) -> Rule:
    """What is left of a role's rule where AWS runs the servers; break-glass stays unlimited."""
    if rule.unlimited:
        return rule
    return _without(rule, RESTRICTED | ABSENT_ON_SERVERLESS if serverless else RESTRICTED)


def _break_glass(app: str, absent: frozenset[str]) -> str:
    measures = [command for command in _ADMIN_MEASURES if not _named(command, absent)]
    allowed = ("+@all", "-@dangerous", *_plus(measures))
    return f"on {_permissions((f'~{APP}:*',), (f'&{APP}:*',), allowed, app)}"


def _printed(rule: Rule, app: str) -> str:
    own = _permissions(rule.keys, rule.channels, ("-@all", *_plus(rule.commands)), app)
    selectors = (
        f"({_permissions(one.keys, (), ('-@all', *_plus(one.commands)), app)})"
        for one in rule.selectors
    )
    return " ".join(("on", own, *selectors))


def _permissions(
    keys: Iterable[str], channels: Iterable[str], commands: Iterable[str], app: str
) -> str:
    patterns = (*keys, "resetchannels", *channels)
    return " ".join((*(pattern.replace(APP, app) for pattern in patterns), *commands))


def _plus(commands: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"+{command}" for command in commands)


def _without(rule: Rule, absent: frozenset[str]) -> Rule:
    commands = tuple(command for command in rule.commands if not _named(command, absent))
    return Rule(rule.purpose, commands, rule.keys, rule.channels, rule.selectors)


def _named(command: str, among: frozenset[str]) -> bool:
    """Whether a command, or the one that it is a part of, is among others."""
    return command in among or command.partition("|")[0] in among
