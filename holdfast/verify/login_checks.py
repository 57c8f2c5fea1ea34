"""Checks of who gets in: nobody without a login, nobody with a wrong one, never ``default``."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final

from holdfast.connection import Address
from holdfast.roles import Role
from holdfast.verify.check import Check, Context
from holdfast.verify.denials import refused_login
from holdfast.verify.probe import Refused
from holdfast.verify.result import Group, NotChecked, count_of, require

_DEFAULT: Final = "default"
_NOBODY: Final = "holdfast-no-such-user"


def _no_login(context: Context) -> str:
    def probe(address: Address) -> None:
        for command in (("PING",), ("INFO", "server")):
            reply = _without_login(context, address, *command)
            require(
                isinstance(reply, Refused) and reply.code == "NOAUTH",
                f"NOAUTH to {command[0]} without a login",
                f"{address} answered {_short(reply)}",
                "switch the user 'default' off in the ACL file of that node",
            )

    return _everywhere(context, probe)


def _wrong_password(context: Context) -> str:
    name, _ = context.access.credentials(context.access.first_held(*Role))

    def probe(address: Address) -> None:
        _expect_wrongpass(context, address, name)
        _expect_wrongpass(context, address, _NOBODY)
        context.look_at_log(address)

    return _everywhere(context, probe)


def _default_user(context: Context) -> str:
    by_default = [role for role, user in context.connection.users.items() if user.name == _DEFAULT]
    if by_default:
        raise NotChecked(f"{', '.join(by_default)} log in as 'default': the service has no other")
    why_not = "no admin role"
    if context.connection.managed:
        why_not = "the service lets nobody read users"
    elif context.access.holds(Role.ADMIN):
        why_not = ""

    def probe(address: Address) -> None:
        _expect_wrongpass(context, address, _DEFAULT)
        context.look_at_log(address)
        if not why_not:
            flat = context.call(address, Role.ADMIN, "ACL", "GETUSER", _DEFAULT)
            flags = dict(zip(flat[::2], flat[1::2], strict=True))["flags"]
            require(
                "off" in flags,
                "the user 'default' switched off",
                f"on {address} its flags are {' '.join(flags)}",
                "put 'user default off' in the ACL file of that node",
            )

    where = _everywhere(context, probe)
    return f"{where}; its flags were not read: {why_not}" if why_not else where


def _expect_wrongpass(context: Context, address: Address, user: str) -> None:
    reply = _without_login(context, address, "AUTH", user, secrets.token_urlsafe(24))
    refused = isinstance(reply, Refused) and reply.code == "WRONGPASS"
    if refused:
        context.denials.expect(address, refused_login(user))
    require(
        refused,
        f"WRONGPASS to a random password of '{user}'",
        f"{address} answered {_short(reply)}",
        "give every user a password and switch 'default' off in the ACL file of that node",
    )


def _without_login(context: Context, address: Address, *command: str) -> Any:  # noqa: ANN401
    with context.access.open(address) as link:
        return link.attempt([command])[0]


def _everywhere(context: Context, probe: Callable[[Address], None]) -> str:
    for address in context.nodes.everything:
        probe(address)
    return f"on {count_of(len(context.nodes.everything), 'node')}"


def _short(reply: object) -> str:
    return str(reply).splitlines()[0][:60] if str(reply) else "nothing"


CHECKS: Final = (
    Check(Group.SECURITY, "nothing is answered without a login", _no_login),
    Check(Group.SECURITY, "a wrong password and an unknown user are refused", _wrong_password),
    Check(Group.SECURITY, "the user 'default' cannot log in", _default_user),
)
