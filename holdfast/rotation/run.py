"""One rotation from where it stands to its end: deploy a step, prove it on every node, go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from holdfast.errors import (
    AccessDenied,
    HoldfastError,
    StoreUnavailable,
    TlsFailed,
    VerificationFailed,
)
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.rotation import logins as logged_in
from holdfast.rotation import nodes as shown
from holdfast.rotation.means import Interrupted, Means
from holdfast.rotation.settings import CaStage, PasswordStage, RotationSettings
from holdfast.rotation.steps import (
    PRESENTED_BY_SERVERS,
    after_ca,
    after_passwords,
    begin_ca,
    begin_passwords,
    renew_certificates,
)
from holdfast.verify.access import Access
from holdfast.verify.nodes import Nodes

PROOF_SECONDS: Final = 20.0
"""What a step needs to show everywhere after it was deployed; links are made anew in it."""

WATCH_SECONDS: Final = 3.0
"""How long clients are watched, after the time they have to move, before an old secret goes."""

_POLL_SECONDS: Final = 0.2


class InUse(VerificationFailed):
    """Clients still use an old secret; the message names them."""


@dataclass(frozen=True, slots=True)
class Done:
    """One finished piece of work.

    Attributes:
        step: what was done.
        proof: what was seen.
        duration_ms: how long it took.
    """

    step: str
    proof: str
    duration_ms: float


@dataclass(frozen=True, slots=True)
class _PasswordProof:
    roles: frozenset[Role]
    stage: PasswordStage

    def __call__(self, access: Access, nodes: Nodes) -> str:
        return shown.prove_passwords(access, shown.members(nodes), self.roles, self.stage)


class Rotation:
    """Rotates the secrets of one store.

    Args:
        means: what the target offers.
        stop: set when the person wants to stop; steps that began end in good order.
        say: gets a line for each finished piece of work.
        force: drop an old secret although clients use it.
    """

    def __init__(
        self,
        means: Means,
        *,
        stop: threading.Event,
        say: Callable[[Done], None],
        force: bool = False,
    ) -> None:
        self._means = means
        self._stop = stop
        self._say = say
        self._force = force
        self._began = time.time()

    def passwords(self, roles: Collection[Role]) -> None:
        """Give roles new passwords; a rotation that was stopped is brought to its end first.

        Raises:
            VerificationFailed: a step does not show on a node, or an old password is in use.
            Interrupted: stopped on request.
        """
        finished = self._resume_passwords()
        remaining = [role for role in roles if role not in finished]
        if remaining:
            settings = begin_passwords(self._means.settings(), remaining)
            self._passwords_from(settings, frozenset(remaining))

    def certificates(self) -> None:
        """Issue the certificates anew. Raises as :meth:`passwords` does."""
        settings = renew_certificates(self._means.settings())
        self._deploy("certificates: issue anew", settings)
        self._served(settings.ca_stage)

    def ca(self) -> None:
        """Replace the CA, or go on with it. Raises as :meth:`passwords` does."""
        settings = self._means.settings()
        pending = shown.count_certificates(self._means.connection().tls.ca) > 1
        if settings.ca_stage is CaStage.SINGLE and not pending:
            settings = begin_ca(settings)
        following: RotationSettings | None = settings
        while following is not None:
            settings = following
            self._deploy(f"ca: {settings.ca_stage}", settings)
            self._served(settings.ca_stage)
            if settings.ca_stage is CaStage.ISSUE_NEW:
                # Both are still trusted: a replica that does not trust the new one shows now.
                # Sentinels were started after the servers had their certificates.
                self._relink((Role.REPLICA,), time.time())
            following = after_ca(settings)
            if following is not None:
                self._clients_moved(APPLICATION_ROLES)

    def _resume_passwords(self) -> frozenset[Role]:
        """Finish what was stopped; returns the roles that were being rotated."""
        settings = self._means.settings()
        if settings.password_stage is not PasswordStage.SINGLE:
            # Stopped before its deployment, no node shows yet which roles are meant.
            return self._passwords_from(settings, None)
        rotating = self._rotating()
        if rotating:
            return self._passwords_from(settings, rotating)
        # Stopped after the last deployment, it may have left logins by the old password.
        self._cut(frozenset(settings.password_rotations).intersection(APPLICATION_ROLES))
        return frozenset()

    def _passwords_from(
        self, settings: RotationSettings, known: frozenset[Role] | None
    ) -> frozenset[Role]:
        """Go on to the end; ``known`` are the roles, None where only the nodes can tell."""
        began = time.time()
        following: RotationSettings | None = settings
        while following is not None:
            settings = following
            if settings.password_stage is not PasswordStage.SINGLE:
                began = time.time()
            self._deploy(f"passwords: {settings.password_stage}", settings)
            rotating = known = self._rotating() if known is None else known
            self._prove_passwords(rotating, settings.password_stage)
            following = after_passwords(
                settings, rotating, delivered_later=self._means.delivery_seconds() > 0
            )
            if following is not None and following.password_stage is PasswordStage.SINGLE:
                self._clients_moved(rotating - PRESENTED_BY_SERVERS)
        self._cut(rotating - PRESENTED_BY_SERVERS)
        self._relink(rotating & PRESENTED_BY_SERVERS, began)
        return rotating

    def _deploy(self, step: str, settings: RotationSettings) -> None:
        def apply() -> str:
            self._means.apply(settings)
            return "deployed"

        self._began = time.time()
        self._work(step, apply)

    def _prove_passwords(self, roles: frozenset[Role], stage: PasswordStage) -> None:
        self._prove(_PasswordProof(roles, stage))

    def _prove(self, prove: Callable[[Access, Nodes], str]) -> None:
        self._work("  proved on every node", lambda: self._until_proved(prove))

    def _until_proved(self, prove: Callable[[Access, Nodes], str]) -> str:
        deadline = time.monotonic() + PROOF_SECONDS + self._means.delivery_seconds()
        while True:
            try:
                with self._store() as (access, nodes):
                    proof = prove(access, nodes)
                    return f"{proof}; {shown.prove_links(access, access.connection, nodes)}"
            except (VerificationFailed, StoreUnavailable, AccessDenied, TlsFailed):
                if time.monotonic() > deadline:
                    raise
            self._wait(_POLL_SECONDS)

    def _served(self, stage: CaStage) -> None:
        """Prove that every node serves its certificate, at a stage of the CA."""
        serials = self._means.serials()
        self._prove(
            lambda access, nodes: shown.prove_certificates(
                access,
                shown.members(nodes),
                serials,
                issued_by_newest=stage is not CaStage.TRUST_BOTH,
            )
        )

    def _rotating(self) -> frozenset[Role]:
        with self._store() as (access, nodes):
            return shown.rotating(access, shown.members(nodes))

    def _clients_moved(self, roles: Collection[Role]) -> None:
        """Wait until clients had time to move, then name those that did not."""
        if not roles:
            return
        self._work("clients have moved", lambda: self._watch(roles))

    def _watch(self, roles: Collection[Role]) -> str:
        told = self._told_at(roles)
        move_seconds = logged_in.MOVE_SECONDS + self._means.delivery_seconds()
        until = max(max(told.values()) + move_seconds, time.time()) + WATCH_SECONDS
        while time.time() < until:
            self._wait(_POLL_SECONDS)
        found = self._logins(roles)
        staying = logged_in.staying(found, told)
        older = len(logged_in.certainly_older(found, told))
        if staying and not self._force:
            now = time.time()
            named = "\n".join(f"  {login.describe(now)}" for login in staying)
            raise InUse(
                f"{len(staying)} connections from before the change are still in use:\n{named}\n"
                "let these clients read their Connection again, then run this again; "
                "--force goes on without them"
            )
        return (
            f"{len(found)} logins, {older} from before the change, "
            f"{len(staying)} of these used since"
        )

    def _cut(self, roles: Collection[Role]) -> None:
        if not roles:
            return

        def close() -> str:
            with self._store() as (access, nodes):
                told = self._told_at(roles)
                closed = sum(
                    logged_in.cut(
                        access, logged_in.older(logged_in.logins(access, node, roles), told)
                    )
                    for node in shown.members(nodes)
                )
            return f"{closed} cut"

        self._work("logins by the old secret", close)

    def _relink(self, roles: Collection[Role], before: float) -> None:
        if not roles:
            return

        def close() -> str:
            closed = 0
            told = dict.fromkeys(roles, before)
            with self._store() as (access, nodes):
                for node in shown.members(nodes):
                    old = logged_in.older(logged_in.logins(access, node, roles), told)
                    closed += logged_in.relink(access, node, old, self._wait)
                return (
                    f"{closed} cut and back; {shown.prove_links(access, access.connection, nodes)}"
                )

        self._work("links between the servers", close)

    def _logins(self, roles: Collection[Role]) -> list[logged_in.Login]:
        with self._store() as (access, nodes):
            return [
                login
                for node in shown.members(nodes)
                for login in logged_in.logins(access, node, roles)
            ]

    def _told_at(self, roles: Collection[Role]) -> dict[Role, float]:
        told = {}
        for role in roles:
            at = self._means.told_at(role)
            told[role] = self._began if at is None else at
        return told

    def _store(self) -> AbstractContextManager[tuple[Access, Nodes]]:
        return shown.opened(self._means.connection(), self._stop)

    def _work(self, step: str, act: Callable[[], str]) -> None:
        if self._stop.is_set():
            raise Interrupted(f"stopped before: {step}")
        began = time.monotonic()
        try:
            proof = act()
        except Interrupted:
            raise
        except HoldfastError as error:
            error.add_note(f"at: {step}")
            raise
        self._say(Done(step, proof, (time.monotonic() - began) * 1000))

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Interrupted("stopped while waiting")
