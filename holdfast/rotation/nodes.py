"""What each node of a store shows: the passwords it accepts, what it presents, what it serves."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from holdfast.acl import password_hash
from holdfast.connection import Address, Connection, Tls, Topology
from holdfast.errors import AccessDenied, TlsFailed, VerificationFailed
from holdfast.roles import RULES, Place, Role
from holdfast.rotation.settings import PasswordStage
from holdfast.rotation.steps import rotating_roles
from holdfast.tls import build_context
from holdfast.verify.access import Access
from holdfast.verify.nodes import Nodes, pairs, settled_nodes
from holdfast.verify.probe import Refused

END_OF_CERTIFICATE: Final = "-----END CERTIFICATE-----"
_AUTH_DIRECTIVES: Final = ("primaryauth", "masterauth")


@dataclass(frozen=True, slots=True)
class Node:
    """One process of a store."""

    address: Address
    place: Place

    def knows(self, role: Role) -> bool:
        """Whether the role can log in there."""
        return role in RULES[self.place]


def members(nodes: Nodes) -> tuple[Node, ...]:
    """Servers, then Sentinels."""
    servers = (Node(server.address, Place.SERVER) for server in nodes.servers)
    return (*servers, *(Node(address, Place.SENTINEL) for address in nodes.sentinels))


@contextmanager
def opened(connection: Connection, stop: threading.Event) -> Iterator[tuple[Access, Nodes]]:
    """The way in and the members of a store, for one look at it."""
    access = Access(connection)
    try:
        yield access, settled_nodes(access, stop)
    finally:
        access.close()


def valid_hashes(access: Access, node: Node, role: Role) -> frozenset[str]:
    """Digests of the passwords that a node accepts for a role."""
    user = access.connection.users[role].name
    with access.borrow(node.address, Role.ADMIN) as link:
        reply = link.call("ACL", "GETUSER", user)
    return frozenset(pairs(reply)["passwords"]) if reply else frozenset()


def count_valid(access: Access, found: Iterable[Node]) -> dict[Role, dict[Address, int]]:
    """How many passwords each node accepts, by role."""
    nodes = tuple(found)
    return {
        role: {n.address: len(valid_hashes(access, n, role)) for n in nodes if n.knows(role)}
        for role in access.connection.users
    }


def rotating(access: Access, found: Iterable[Node]) -> frozenset[Role]:
    """Roles that some node accepts two passwords of."""
    valid = count_valid(access, found)
    return rotating_roles({role: counts.values() for role, counts in valid.items()})


def prove_passwords(
    access: Access, found: Iterable[Node], roles: Collection[Role], stage: PasswordStage
) -> str:
    """Each node accepts the new password of each role, and the old one as the stage says.

    Raises:
        VerificationFailed: one does not; names node and role.
    """
    expected = 1 if stage is PasswordStage.SINGLE else 2
    proofs = 0
    for node in found:
        for role in sorted(roles):
            if not node.knows(role):
                continue
            hashes = valid_hashes(access, node, role)
            new = password_hash(access.credentials(role)[1])
            if new not in hashes or len(hashes) != expected:
                raise VerificationFailed(
                    f"{node.address} accepts {len(hashes)} passwords of {role}, the new one "
                    f"{'among them' if new in hashes else 'not'}; expected {expected} with it"
                )
            try:
                access.login(node.address, role).close()
            except AccessDenied as error:
                raise VerificationFailed(f"the new password is refused: {error}") from None
            proofs += 1
        if stage is not PasswordStage.ACCEPT_BOTH:
            _prove_presented(access, node, roles)
    return f"{proofs} logins with the new password, {expected} accepted by each node"


def _prove_presented(access: Access, node: Node, roles: Collection[Role]) -> None:
    """What a server presents to its primary, and a Sentinel to other Sentinels.

    What Sentinels present to servers cannot be read back; that they log in anew is seen later.
    """
    if node.place is Place.SENTINEL:
        role, command = Role.SENTINEL, ("SENTINEL", "CONFIG", "GET", "sentinel-pass")
    else:
        role, command = Role.REPLICA, ("CONFIG", "GET", *_AUTH_DIRECTIVES)
    if role not in roles or access.connection.topology is Topology.STANDALONE:
        return
    with access.borrow(node.address, Role.ADMIN) as link:
        presented = set(pairs(link.call(*command)).values())
    if presented != {access.credentials(role)[1]}:
        raise VerificationFailed(f"{node.address} does not present the new password of {role}")


def newest_ca(bundle: str) -> str:
    """The first certificate of a bundle: the newest CA stands first."""
    return bundle.partition(END_OF_CERTIFICATE)[0] + END_OF_CERTIFICATE + "\n"


def count_certificates(bundle: str) -> int:
    """How many CAs a bundle holds."""
    return bundle.count(END_OF_CERTIFICATE)


def prove_certificates(
    access: Access,
    found: Iterable[Node],
    serials: Mapping[Place, int],
    *,
    issued_by_newest: bool,
) -> str:
    """Each node serves the certificate it should, and it verifies.

    Args:
        access: trusts the whole bundle.
        found: the nodes.
        serials: of the certificate that each kind of process should serve.
        issued_by_newest: whether the newest CA alone has to be enough to verify it.

    Raises:
        VerificationFailed: one does not; names it.
    """
    tls = access.connection.tls
    trusted = Tls(newest_ca(tls.ca) if issued_by_newest else tls.ca, tls.minimum_version)
    context = build_context(trusted)
    nodes = tuple(found)
    for node in nodes:
        try:
            with access.open(node.address, context=context) as link:
                serial = link.peer_serial
        except TlsFailed as error:
            raise VerificationFailed(f"the served certificate does not verify: {error}") from None
        if serial != serials[node.place]:
            raise VerificationFailed(
                f"{node.address} serves the certificate {serial:x}, "
                f"expected {serials[node.place]:x}"
            )
    return f"{len(nodes)} nodes serve the expected certificate"


def prove_links(access: Access, connection: Connection, nodes: Nodes) -> str:
    """Replicas follow their primary, and the Sentinels see enough of each other.

    Raises:
        VerificationFailed: a link is down, or there is no quorum.
    """
    for server in nodes.servers:
        if server.primary:
            continue
        with access.borrow(server.address, Role.ADMIN) as link:
            info = str(link.call("INFO", "replication"))
        if "master_link_status:up" not in info:
            raise VerificationFailed(f"{server.address} does not follow its primary")
    for address in nodes.sentinels:
        with access.borrow(address, Role.ADMIN) as link:
            try:
                link.call("SENTINEL", "CKQUORUM", connection.sentinel_service or "")
            except Refused as error:
                raise VerificationFailed(f"Sentinel {address}: {error}") from None
    return f"{len(nodes.servers)} servers and {len(nodes.sentinels)} Sentinels are linked"
