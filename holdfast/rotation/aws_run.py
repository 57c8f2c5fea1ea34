"""A rotation where AWS runs the servers.

Which passwords a node accepts cannot be read there. It is shown by logging in, at every name that
leads to a node, with the new password and with the old one, and by what the service itself counts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

from holdfast.connection import Address, Capability, Connection
from holdfast.errors import (
    AccessDenied,
    ConfigError,
    StoreUnavailable,
    TlsFailed,
    VerificationFailed,
)
from holdfast.roles import APPLICATION_ROLES, Place, Role
from holdfast.rotation import logins as logged_in
from holdfast.rotation.means import Means
from holdfast.rotation.nodes import Node
from holdfast.rotation.run import PROOF_SECONDS, WATCH_SECONDS, Done, Rotation
from holdfast.rotation.settings import PasswordStage
from holdfast.rotation.status import Status
from holdfast.rotation.steps import rotating_roles
from holdfast.verify.access import Access
from holdfast.verify.nodes import discover
from holdfast.verify.probe import Refused

_POLL_SECONDS: Final = 0.2
_SERVICE: Final = "ElastiCache"

PLACE: Final = (
    "on a host in a network that is peered with the store's or routed to it, or over a VPN, with a "
    "way to the AWS APIs; docs/operations.md, 'Where rotate and drill run'"
)
"""Where a command that speaks to the store itself can be run."""


class ServiceMeans(Means, Protocol):
    """What a rotation needs beyond that where a service runs the servers."""

    def accepted(self) -> Mapping[Role, int]:
        """How many passwords the service takes of each role; 0 for IAM or a change under way."""
        ...

    def names(self) -> Sequence[Address]:
        """Every name that leads to a node."""
        ...

    def node_names(self) -> Sequence[Address]:
        """Each node's own name; empty where only the store itself can tell."""
        ...

    def former_password(self, role: Role) -> str | None:
        """The password of a role before the present one; None if nobody knows it any more."""
        ...


def check_request(kind: str, roles: Collection[Role], connection: Connection) -> frozenset[Role]:
    """The roles whose passwords are to be rotated.

    Args:
        kind: what is to be rotated.
        roles: whose passwords; all there are means: whoever has one.
        connection: the operator's.

    Raises:
        ConfigError: AWS has nothing of that kind, or a role has no password there.
    """
    if kind != "passwords":
        raise ConfigError(
            "command",
            kind,
            "passwords",
            "AWS issues and renews the certificates of its servers by itself; clients trust the "
            "authorities of their system",
        )
    with_password = {r for r, user in connection.users.items() if not user.iam}
    wanted = with_password if set(roles) == set(Role) else set(roles)
    for role in sorted(wanted - with_password):
        if role in APPLICATION_ROLES:
            raise ConfigError(
                "--role",
                role.value,
                f"one of {', '.join(sorted(with_password)) or 'none'}",
                "it logs in by IAM: its tokens are new every few minutes",
            )
        raise ConfigError(
            "--role",
            role.value,
            f"one of {', '.join(sorted(with_password)) or 'none'}",
            "AWS runs the servers: it keeps their own logins",
        )
    return frozenset(wanted)


class AwsRotation(Rotation):
    """Rotates passwords of a store in ElastiCache; see :class:`Rotation`."""

    def __init__(
        self,
        means: ServiceMeans,
        *,
        stop: threading.Event,
        say: Callable[[Done], None],
        force: bool = False,
    ) -> None:
        super().__init__(means, stop=stop, say=say, force=force)
        self._service = means

    def passwords(self, roles: Collection[Role]) -> None:
        """See :meth:`Rotation.passwords`.

        Raises:
            ConfigError: a role has no password, or the store cannot be reached from here; nothing
                was changed.
            StoreUnavailable: some of its names do not answer; nothing was changed either.
        """
        wanted = sorted(check_request("passwords", roles, self._service.connection()))
        if wanted:
            self._reach(wanted[0])
        super().passwords(wanted)

    def _reach(self, role: Role) -> None:
        """See that steps can be proved from here, before the first one is deployed."""
        names = self._service.names()
        silent = self._silent(names, role)
        if len(silent) == len(names):
            raise ConfigError(
                "the store's names",
                ", ".join(str(name) for name in names),
                f"one that answers a login of {role} from here ({'; '.join(silent.values())})",
                f"nothing was changed; run this {PLACE}",
            )
        deadline = time.monotonic() + PROOF_SECONDS
        while silent:
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"{len(silent)} of {len(names)} names do not answer, so no step could be "
                    f"proved there; nothing was changed ({'; '.join(silent.values())})"
                )
            self._wait(_POLL_SECONDS)
            silent = self._silent(silent, role)

    def _silent(self, names: Iterable[Address], role: Role) -> Mapping[Address, str]:
        """Names that do not answer, each tried once, and why."""
        access = Access(self._service.connection())
        found = {}
        try:
            for name in names:
                try:
                    access.login(name, role).close()
                except AccessDenied:
                    # It answers. A rotation that was stopped may have left another password.
                    continue
                except (StoreUnavailable, TlsFailed) as error:
                    found[name] = str(error)
        finally:
            access.close()
        return found

    def certificates(self) -> None:
        """Raises ConfigError: they are AWS's own."""
        check_request("certificates", (), self._service.connection())

    def ca(self) -> None:
        """Raises ConfigError: it is AWS's own."""
        check_request("ca", (), self._service.connection())

    def _rotating(self) -> frozenset[Role]:
        return rotating_roles({r: (count,) for r, count in self._service.accepted().items()})

    def _prove_passwords(self, roles: frozenset[Role], stage: PasswordStage) -> None:
        self._work("  proved at every name", lambda: self._until_shown(roles, stage))

    def _until_shown(self, roles: frozenset[Role], stage: PasswordStage) -> str:
        deadline = time.monotonic() + PROOF_SECONDS
        while True:
            try:
                return self._shown(roles, stage)
            except (VerificationFailed, StoreUnavailable, AccessDenied, TlsFailed):
                if time.monotonic() > deadline:
                    raise
            self._wait(_POLL_SECONDS)

    def _shown(self, roles: frozenset[Role], stage: PasswordStage) -> str:
        expected = 1 if stage is PasswordStage.SINGLE else 2
        for role, count in self._service.accepted().items():
            if role in roles and count != expected:
                raise VerificationFailed(
                    f"{_SERVICE} takes {count} passwords of {role}, expected {expected} of a user "
                    "that is active"
                )
        former = {role: self._service.former_password(role) for role in roles}
        # At the first step clients have the old password still, and nobody else has the new one.
        olds = {r: text for r, text in former.items() if text and stage is not _FIRST}
        logins = 0
        access = Access(self._service.connection())
        try:
            names = self._everywhere(access)
            for name in names:
                for role in sorted(roles):
                    try:
                        access.login(name, role).close()
                    except AccessDenied as error:
                        raise VerificationFailed(f"the password is refused: {error}") from None
                    logins += 1
                    if role in olds:
                        _require_old(access, name, role, olds[role], expected)
        finally:
            access.close()
        said = f"{logins} logins at {len(names)} names, {expected} accepted by {_SERVICE}"
        if stage is _FIRST:
            return said
        outcome = "refused" if expected == 1 else "still accepted"
        unknown = sorted(role for role in roles if role not in olds)
        missing = f"; not known any more, so not tried: of {', '.join(unknown)}" if unknown else ""
        return f"{said}, the old {outcome}{missing}" if olds else f"{said}{missing}"

    def _everywhere(self, access: Access) -> tuple[Address, ...]:
        found = [server.address for server in discover(access).servers]
        return tuple(dict.fromkeys([*self._service.names(), *found]))

    def _watch(self, roles: Collection[Role]) -> str:
        if self._sees_logins():
            return super()._watch(roles)
        told = max(self._told_at(roles).values())
        until = told + logged_in.MOVE_SECONDS + self._service.delivery_seconds() + WATCH_SECONDS
        while time.time() < until:
            self._wait(_POLL_SECONDS)
        return "they had the time to; who is logged in cannot be seen in a serverless cache"

    def _sees_logins(self) -> bool:
        return Capability.CLIENT_LIST in self._service.connection().capabilities

    def _cut(self, roles: Collection[Role]) -> None:
        if roles:
            self._work("logins by the old secret", lambda: self._close(roles))

    def _close(self, roles: Collection[Role]) -> str:
        if not self._sees_logins():
            return "not cut: a serverless cache lets nobody see or end connections"
        told = self._told_at(roles)
        old = logged_in.older(self._logins(roles), told)
        access = Access(self._service.connection())
        try:
            return f"{logged_in.cut(access, old)} cut"
        except Refused as refusal:
            return (
                f"not cut, {len(old)} there are: the service refuses CLIENT KILL "
                f"({refusal.code}); they end when their clients reconnect"
            )
        finally:
            access.close()

    def _logins(self, roles: Collection[Role]) -> list[logged_in.Login]:
        access = Access(self._service.connection())
        try:
            nodes = self._service.node_names() or [s.address for s in discover(access).servers]
            return [
                login
                for name in nodes
                for login in logged_in.logins(access, Node(name, Place.SERVER), roles)
            ]
        finally:
            access.close()


_FIRST: Final = PasswordStage.ACCEPT_BOTH


def _require_old(access: Access, name: Address, role: Role, old: str, expected: int) -> None:
    """The old password is accepted beside the new one, and refused once it is dropped."""
    user, _ = access.credentials(role)
    with access.open(name) as link:
        try:
            link.call("AUTH", user, old)
        except Refused as refusal:
            if expected != 1:
                raise VerificationFailed(
                    f"{name} refuses the old password of {role} already: {refusal.code}"
                ) from None
        else:
            if expected == 1:
                raise VerificationFailed(f"{name} still accepts the old password of {role}")


def look(means: ServiceMeans) -> Status:
    """Where a store in ElastiCache stands in its rotations; nothing is changed."""
    settings = means.settings()
    accepted = means.accepted()
    rotating = rotating_roles({role: (count,) for role, count in accepted.items()})
    unfinished = []
    if rotating or settings.password_stage is not PasswordStage.SINGLE:
        named = ", ".join(sorted(rotating)) or "no role yet"
        unfinished.append(f"passwords ({named}) at stage {settings.password_stage}")
    counts = {role.value: {_SERVICE: count} for role, count in accepted.items()}
    return Status(settings, counts, 0, tuple(unfinished))
