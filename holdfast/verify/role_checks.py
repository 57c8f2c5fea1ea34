"""Checks of each role: it can do its work, on every node, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from holdfast.acl import parse_version
from holdfast.aws.access import BREAK_GLASS, offered
from holdfast.connection import Address, Topology
from holdfast.roles import APP, APPLICATION_ROLES, SERVER_RULES, Place, Role, Rule, rule_for
from holdfast.verify.check import Check, Context
from holdfast.verify.denials import DEFAULT_LOG_LENGTH, compare, refused_command
from holdfast.verify.nodes import pairs
from holdfast.verify.probe import Link, Refused
from holdfast.verify.result import CheckFailed, Group, NotChecked, count_of, require
from holdfast.verify.role_probes import Command, allowed_probes, denied_probes

_SERVERS_OWN: Final = tuple(role for role in Role if role not in APPLICATION_ROLES)
_UNKNOWN: Final = ("ERR unknown command", "ERR unknown subcommand", "ERR Unknown")
_FIX: Final = "write the ACL file of that node anew (pulumi up --refresh) and look who changed it"


def _role(role: Role, context: Context) -> str:
    context.access.credentials(role)
    counts = {"allowed": 0, "denied": 0, "compared": 0}
    shared = _shared_login(context, role)
    for address, place in _places(context):
        rule = _rule(context, role, place)
        if rule is None:
            continue
        with context.access.login(address, role) as link:
            counts["allowed"] += _may(context, link, role, rule)
            if shared:
                continue
            counts["denied"] += _may_not(context, link, role, rule, place)
        context.look_at_log(address)
        counts["compared"] += _same_rule(context, address, role, rule)
    if shared:
        done = count_of(counts["allowed"], "command")
        raise NotChecked(f"{done} done; what {role} must not do is open to it: {shared}")
    said = f"{count_of(counts['allowed'], 'command')} done, {counts['denied']} denied"
    if context.connection.managed and context.access.holds(Role.ADMIN):
        return f"{said}; rule not read: the service lets nobody read users"
    if not counts["compared"]:
        return said
    return f"{said}, rule read on {count_of(counts['compared'], 'node')}"


def _shared_login(context: Context, role: Role) -> str:
    """Why a store of somebody else holds no role to its rule; empty where it may."""
    if context.connection.target != "existing":
        return ""
    users = context.connection.users
    name = users[role].name
    others = [other for other, user in users.items() if user.name == name and other != role]
    if others:
        return f"{', '.join(others)} and it log in alike"
    return "it logs in as 'default'" if name == "default" else ""


def _places(context: Context) -> Iterator[tuple[Address, Place]]:
    yield from ((server.address, Place.SERVER) for server in context.nodes.servers)
    yield from ((address, Place.SENTINEL) for address in context.nodes.sentinels)


def _rule(context: Context, role: Role, place: Place) -> Rule | None:
    connection = context.connection
    rule = rule_for(
        role,
        place,
        engine=connection.engine,
        version=parse_version(connection.engine_version),
        cluster=connection.topology.clustered,
    )
    if rule is None or connection.target != "aws":
        return rule
    return offered(rule, serverless=connection.topology is Topology.SERVERLESS)


def _may(context: Context, link: Link, role: Role, rule: Rule) -> int:
    probes = allowed_probes(role, rule, app=context.connection.app, run_id=context.run_id)
    for command in probes:
        if command[0] == "SET":
            context.cleanup.key(str(command[1]))
    for command, reply in zip(probes, link.attempt(probes), strict=True):
        # Any other error (READONLY, MOVED, NOSCRIPT) comes after the permission was granted.
        require(
            not (isinstance(reply, Refused) and reply.code in ("NOPERM", "NOAUTH")),
            f"{role} may {_name(command)}",
            f"{link.address}: {reply}",
            _FIX,
        )
    return len(probes)


def _may_not(context: Context, link: Link, role: Role, rule: Rule, place: Place) -> int:
    if context.connection.target == "aws" and rule.unlimited:
        rule = BREAK_GLASS
    probes = list(denied_probes(rule, place, app=context.connection.app))
    if not probes:
        return 0
    user, _ = context.access.credentials(role)
    if place is Place.SERVER:
        _dry_run(context, link.address, role, user, probes)
    for command, reply in zip(probes, link.attempt(probes), strict=True):
        denied = isinstance(reply, Refused) and reply.code == "NOPERM"
        if denied:
            context.denials.expect(link.address, refused_command(user, str(reply), command))
        # What a service offers to nobody its servers do not know at all.
        denied |= context.connection.managed and str(reply).startswith(_UNKNOWN)
        require(denied, f"{role} denied {_name(command)}", _allowed(link.address, reply), _FIX)
    return len(probes)


def _dry_run(
    context: Context, address: Address, role: Role, user: str, probes: Sequence[Command]
) -> None:
    """Where admin is held, ask the server first: what it would run, it is not given to run."""
    if not context.access.holds(Role.ADMIN) or context.connection.managed:
        return
    with context.access.borrow(address, Role.ADMIN) as admin:
        answers = admin.attempt([("ACL", "DRYRUN", user, *command) for command in probes])
    for command, answer in zip(probes, answers, strict=True):
        require(
            answer != "OK", f"{role} denied {_name(command)}", f"{address} would allow it", _FIX
        )


def _same_rule(context: Context, address: Address, role: Role, rule: Rule) -> int:
    if not context.access.holds(Role.ADMIN) or context.connection.managed:
        return 0
    user, _ = context.access.credentials(role)
    found = pairs(context.call(address, Role.ADMIN, "ACL", "GETUSER", user))
    require("on" in found["flags"], f"{role} switched on", f"{address}: {found['flags']}", _FIX)
    require("nopass" not in found["flags"], f"{role} with a password", f"{address}: nopass", _FIX)
    app = context.connection.app
    wanted = _permissions(rule, app)
    actual = [_of_server(found), *(_of_server(pairs(entry)) for entry in found["selectors"])]
    extra = sorted(set().union(*actual) - set().union(*wanted))
    lacking = sorted(set().union(*wanted) - set().union(*actual))
    if sorted(map(sorted, actual)) != sorted(map(sorted, wanted)):
        difference = " ".join([*extra, *(f"(lacks {word})" for word in lacking)])
        raise CheckFailed(
            f"the rule of {role} as this version of Holdfast has it",
            f"{address} differs: {difference or 'in its selectors'}",
            _FIX,
        )
    return 1


def _permissions(rule: Rule, app: str) -> list[set[str]]:
    if rule.unlimited:
        return [{"+@all", "~*", "&*"}]
    sets = [{f"+{command}" for command in rule.commands} | {*rule.keys, *rule.channels}]
    sets += [{f"+{c}" for c in s.commands} | set(s.keys) for s in rule.selectors]
    return [{word.replace(APP, app) for word in words} for words in sets]


def _of_server(found: Mapping[str, Any]) -> set[str]:
    text = f"{found['commands']} {found['keys']} {found['channels']}"
    return set(text.split()) - {"-@all"}


def _name(command: Command) -> str:
    words = [str(word) for word in command]
    return " ".join(words[:2]) if len(words) > 1 else words[0]


def _allowed(address: Address, reply: object) -> str:
    if isinstance(reply, Refused):
        return f"{address} let it pass: {reply}"
    return f"{address} did it"


def _acl_log(context: Context) -> str:
    context.access.credentials(Role.ADMIN)
    before = context.denials.before
    if not before:
        raise NotChecked("the servers do not let admin read their ACL log")
    total = 0
    others: set[str] = set()
    for address in before:
        expected = context.denials.expected(address)
        total += expected.total()
        context.look_at_log(address)
        log = context.denials.seen(address)
        if log is None:
            raise NotChecked(f"{address} did not show its log at the end of the run")
        if not log.comparable:
            raise NotChecked(f"the log of {address} is full, and this version numbers no entries")
        difference = compare(before[address], log, expected, context.access.ports)
        others.update(map(str, difference.others))
        require(
            not difference.unexpected,
            "only the denials that were provoked",
            f"{address} also denied {', '.join(map(str, difference.unexpected))}",
            "compare the role's rule with what the client sends",
        )
        if difference.missing and log.length >= DEFAULT_LOG_LENGTH:
            raise NotChecked(f"the log of {address} is full: later denials pushed ours out")
        require(
            not difference.missing,
            "every denial in the ACL log",
            f"{address} did not log {', '.join(map(str, difference.missing))}",
            "raise acllog-max-len on that server",
        )
    foreign = f"; of other clients meanwhile: {', '.join(sorted(others))}" if others else ""
    return f"{count_of(total, 'denial')}, all provoked{foreign}"


def _title(role: Role) -> str:
    if SERVER_RULES[role].unlimited:
        return f"{role} can do everything, with its password"
    return f"{role} can do its work and nothing else"


CHECKS: Final = (
    *(
        Check(Group.SECURITY, _title(role), partial(_role, role))
        for role in (*APPLICATION_ROLES, *_SERVERS_OWN)
    ),
    Check(Group.SECURITY, "the ACL log holds exactly these denials", _acl_log, last=True),
)
