"""Who is logged in since before a change, and cutting those logins without harm.

A server does not say which password a connection used, only when it was opened and when it last
sent something. A login from before the change is one by the old secret, for certain; a newer one
is taken to be by the new.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from holdfast.connection import Address
from holdfast.errors import VerificationFailed
from holdfast.roles import Role
from holdfast.rotation.nodes import Node
from holdfast.verify.access import Access
from holdfast.verify.probe import Link

MOVE_SECONDS: Final = 3.0
"""A client looks at its source before an operation, once a second at most; then it logs in anew."""

RELINK_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.1
_SENTINEL_NAME: Final = re.compile(r"sentinel-[0-9a-f]+-[a-z]+\Z")


@dataclass(frozen=True, slots=True)
class Login:
    """A connection to one node, as CLIENT LIST shows it.

    Attributes:
        node: where it is logged in.
        role: as whom.
        id: its number there.
        peer: the client's address.
        name: what the client calls itself; may be empty.
        replica: it is a replica's link, not just a login by its role.
        opened_after: it was opened at this time or later, seconds since the epoch.
        opened_before: at this time or earlier: servers count whole seconds.
        used_after: it last sent something at this time or later.
    """

    node: Address
    role: Role
    id: int
    peer: str
    name: str
    replica: bool
    opened_after: float
    opened_before: float
    used_after: float

    @property
    def holder(self) -> str:
        """Which process holds it: a Sentinel has several connections to one node."""
        return self.name.rpartition("-")[0] if self._of_sentinel else str(self.id)

    @property
    def comes_back(self) -> str:
        """By what one knows it when it was made anew; empty: it need not be."""
        return self.name if self._of_sentinel else "replica" * self.replica

    @property
    def _of_sentinel(self) -> bool:
        return _SENTINEL_NAME.match(self.name) is not None

    def describe(self, now: float) -> str:
        """For a person."""
        name = f" ({self.name})" if self.name else ""
        return (
            f"{self.peer}{name} as {self.role} on {self.node}, logged in "
            f"{now - self.opened_before:.0f} s ago, last used {now - self.used_after - 1:.0f} s ago"
        )


def parse_logins(
    text: str, node: Address, now: float, roles: Mapping[str, Role]
) -> Iterator[Login]:
    """The connections of some users.

    Args:
        text: the reply of CLIENT LIST.
        node: that gave it.
        now: its clock, seconds since the epoch.
        roles: by user name; connections of other users are left out.
    """
    for line in text.splitlines():
        fields = dict(entry.partition("=")[::2] for entry in line.split(" "))
        role = roles.get(fields.get("user", ""))
        if role is not None:
            # The server's clock is this one's second or, where it looked before, the one before.
            opened, used = (int(now) - int(fields[name]) for name in ("age", "idle"))
            yield Login(
                node,
                role,
                int(fields["id"]),
                fields["addr"],
                fields.get("name", ""),
                replica="S" in fields.get("flags", ""),
                opened_after=opened - 1,
                opened_before=opened + 1,
                used_after=used - 1,
            )


def logins(access: Access, node: Node, roles: Collection[Role]) -> list[Login]:
    """Who is logged in at a node, our own connections left out."""
    with access.borrow(node.address, Role.ADMIN) as link:
        return _logins(link, access, roles)


def _logins(link: Link, access: Access, roles: Collection[Role]) -> list[Login]:
    text = str(link.call("CLIENT", "LIST"))
    users = {access.connection.users[role].name: role for role in roles}
    ours = access.ports
    return [
        login
        for login in parse_logins(text, link.address, time.time(), users)
        if int(login.peer.rpartition(":")[2]) not in ours
    ]


def older(found: Iterable[Login], told: Mapping[Role, float]) -> list[Login]:
    """All that may be from before their role's clients were told, and perhaps some a second newer.

    To be cut: a newer one comes back at once, an older one that is forgotten would stay.
    """
    return [login for login in found if login.opened_after < told[login.role]]


def certainly_older(found: Iterable[Login], told: Mapping[Role, float]) -> list[Login]:
    """Those that were opened before their role's clients were told, beyond doubt."""
    return [login for login in found if login.opened_before < told[login.role]]


def staying(found: Iterable[Login], told: Mapping[Role, float]) -> list[Login]:
    """Those that are certainly older, and in use when their clients should have moved.

    One that is idle since is not among them: its client looks at its source before it goes on.
    """
    return [
        login
        for login in certainly_older(found, told)
        if login.used_after > told[login.role] + MOVE_SECONDS
    ]


def cut(access: Access, found: Iterable[Login]) -> int:
    """Close these connections; returns how many were still there."""
    closed = 0
    for login in found:
        with access.borrow(login.node, Role.ADMIN) as link:
            closed += int(link.call("CLIENT", "KILL", "ID", login.id))
    return closed


def relink(
    access: Access, node: Node, found: Iterable[Login], wait: Callable[[float], None]
) -> int:
    """Cut the servers' own connections, holder by holder, each back before the next is cut.

    So one replica at least keeps up while another comes back, and never do all Sentinels lose
    sight of a server at once.

    Args:
        access: the administrator's way in.
        node: that the connections lead to.
        found: the connections to cut.
        wait: sleeps; raises if the person wants to stop.

    Returns:
        How many were cut.

    Raises:
        VerificationFailed: one did not come back.
    """
    holders: defaultdict[str, list[Login]] = defaultdict(list)
    for login in found:
        holders[login.holder].append(login)
    closed = 0
    for connections in holders.values():
        roles = {login.role for login in connections}
        before = {login.id for login in logins(access, node, roles)}
        gone = cut(access, connections)
        closed += gone
        deadline = time.monotonic() + RELINK_SECONDS
        while gone and not _are_back(access, node, connections, before):
            if time.monotonic() > deadline:
                raise VerificationFailed(
                    f"{connections[0].describe(time.time())} was cut and did not log in again "
                    f"within {RELINK_SECONDS:.0f} s"
                )
            wait(_POLL_SECONDS)
    return closed


def _are_back(
    access: Access, node: Node, cut_ones: Collection[Login], before: Collection[int]
) -> bool:
    """Whether each has a successor; a count would take in whoever is just leaving."""
    roles = {login.role for login in cut_ones}
    wanted = {login.comes_back for login in cut_ones} - {""}
    new = {login.comes_back for login in logins(access, node, roles) if login.id not in before}
    if not wanted <= new:
        return False
    if not any(login.replica for login in cut_ones):
        return True
    with access.borrow(node.address, Role.ADMIN) as link:
        info = str(link.call("INFO", "replication"))
    return info.count("state=online") == info.count(",state=")
