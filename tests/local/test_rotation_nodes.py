"""What a rotation sees on real nodes: a node that is not where it should be fails the proof."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from holdfast.connection import Connection, Tls
from holdfast.errors import StoreUnavailable, VerificationFailed
from holdfast.roles import Role
from holdfast.rotation import logins as logged_in
from holdfast.rotation import nodes as shown
from holdfast.rotation.settings import PasswordStage
from holdfast.verify.access import Access
from holdfast.verify.nodes import Nodes
from tests.certificates import Authority
from tests.servers import Install, Servers, start_sentinel

OLD, NEW = "an-old-password-of-probe", "the-new-password-of-probe"


@pytest.fixture(scope="module")
def servers(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    # So slow to give up on anybody that a machine that stalls makes nothing fail over.
    with start_sentinel(
        server_install, tmp_path_factory.mktemp("nodes"), down_after_ms=60_000
    ) as servers:
        yield servers


@pytest.fixture
def store(servers: Servers) -> Iterator[tuple[Access, Nodes]]:
    with shown.opened(servers.connection, threading.Event()) as opened:
        yield opened


def with_probe(servers: Servers, *passwords: str) -> Connection:
    """Probe has these passwords on every node, and its clients are given the first."""
    servers.set_passwords(Role.PROBE, *passwords)
    servers.publish_connection()
    return servers.connection


@pytest.mark.parametrize(
    ("valid", "stage", "holds"),
    [
        ((NEW, OLD), PasswordStage.ACCEPT_BOTH, True),
        ((NEW, OLD), PasswordStage.SINGLE, False),
        ((NEW,), PasswordStage.ACCEPT_BOTH, False),
        ((NEW,), PasswordStage.SINGLE, True),
    ],
)
def test_passwords_are_proved_by_what_every_node_accepts(
    servers: Servers, valid: tuple[str, ...], stage: PasswordStage, *, holds: bool
) -> None:
    with shown.opened(with_probe(servers, *valid), threading.Event()) as (access, nodes):
        members = shown.members(nodes)
        assert shown.rotating(access, members) == ({Role.PROBE} if len(valid) > 1 else set())
        if holds:
            assert "6 logins" in shown.prove_passwords(access, members, {Role.PROBE}, stage)
        else:
            with pytest.raises(VerificationFailed, match="passwords of probe"):
                shown.prove_passwords(access, members, {Role.PROBE}, stage)


def test_one_node_that_was_not_told_fails_the_proof_by_its_address(servers: Servers) -> None:
    connection = with_probe(servers, NEW, OLD)
    behind = servers.sentinels[-1]
    with servers.open(behind.name) as raw:
        raw.call("ACL", "SETUSER", "probe", f"<{NEW}")
    with (
        shown.opened(connection, threading.Event()) as (access, nodes),
        pytest.raises(VerificationFailed, match=f"127.0.0.1:{behind.port} accepts 1 .* not;"),
    ):
        shown.prove_passwords(access, shown.members(nodes), {Role.PROBE}, PasswordStage.ACCEPT_BOTH)


def test_a_replica_that_presents_an_old_password_fails_the_proof(
    servers: Servers, store: tuple[Access, Nodes]
) -> None:
    access, nodes = store
    members = shown.members(nodes)
    shown.prove_passwords(access, members, {Role.REPLICA, Role.SENTINEL}, PasswordStage.SINGLE)
    name = servers.servers[-1].name
    password = servers.passwords[Role.REPLICA][0]
    directive = "primaryauth" if servers.install.engine == "valkey" else "masterauth"
    servers.call(name, "CONFIG", "SET", directive, "another")
    try:
        with pytest.raises(VerificationFailed, match="does not present the new password"):
            shown.prove_passwords(access, members, {Role.REPLICA}, PasswordStage.SINGLE)
    finally:
        servers.call(name, "CONFIG", "SET", directive, password)


def test_certificates_are_proved_by_serial_and_by_the_newest_ca_alone(
    servers: Servers, store: tuple[Access, Nodes]
) -> None:
    access, nodes = store
    for member in shown.members(nodes):
        serials = {member.place: serial_of(access, member)}
        shown.prove_certificates(access, [member], serials, issued_by_newest=True)
        with pytest.raises(VerificationFailed, match="serves the certificate"):
            shown.prove_certificates(access, [member], {member.place: 7}, issued_by_newest=True)
    # A bundle with a newer CA in front, which has issued nothing yet.
    bundle = Authority("newer").pem + servers.authority.pem
    ahead = Access(replace(servers.connection, tls=Tls(bundle)))
    shown.prove_certificates(ahead, [member], serials, issued_by_newest=False)
    with pytest.raises(VerificationFailed, match="does not verify"):
        shown.prove_certificates(ahead, [member], serials, issued_by_newest=True)


def serial_of(access: Access, member: shown.Node) -> int:
    with access.open(member.address) as link:
        return link.peer_serial


def test_links_between_servers_are_cut_and_come_back_without_a_failover(
    store: tuple[Access, Nodes],
) -> None:
    access, nodes = store
    told = dict.fromkeys((Role.REPLICA, Role.SENTINEL), time.time() + 60)
    before, after = set(), set()
    for node in shown.members(nodes):
        old = logged_in.older(logged_in.logins(access, node, told), told)
        links = {(login.node, login.id) for login in old if login.comes_back}
        assert logged_in.relink(access, node, old, time.sleep) >= len(links)
        before |= links
        after |= {(entry.node, entry.id) for entry in logged_in.logins(access, node, told)}
    assert len(before) > 6
    assert not before & after
    assert "3 servers and 3 Sentinels" in shown.prove_links(access, access.connection, nodes)
    with shown.opened(access.connection, threading.Event()) as (_, now):
        assert now.primaries == nodes.primaries


def test_a_link_that_cannot_come_back_is_told_by_name(
    servers: Servers, store: tuple[Access, Nodes], monkeypatch: pytest.MonkeyPatch
) -> None:
    access, nodes = store
    monkeypatch.setattr(logged_in, "RELINK_SECONDS", 1.0)
    primary = shown.members(nodes)[0]
    name = next(node.name for node in servers.servers if node.port == primary.address.port)
    found = logged_in.logins(access, primary, {Role.REPLICA})
    servers.call(name, "ACL", "SETUSER", "replica", "off")
    try:
        with pytest.raises(VerificationFailed, match=r"as replica .* did not log in again"):
            logged_in.relink(access, primary, found[:1], time.sleep)
        assert len(logged_in.logins(access, primary, {Role.REPLICA})) == len(found) - 1
    finally:
        servers.call(name, "ACL", "SETUSER", "replica", "on")


def test_a_cut_client_is_gone_and_others_stay(store: tuple[Access, Nodes]) -> None:
    access, nodes = store
    primary = shown.members(nodes)[0]
    other = Access(access.connection)
    with (
        other.login(primary.address, Role.MONITOR) as link,
        other.login(primary.address, Role.SVC) as kept,
    ):
        (found,) = logged_in.logins(access, primary, {Role.MONITOR})
        assert logged_in.cut(access, [found]) == 1
        assert logged_in.cut(access, [found]) == 0
        assert kept.call("PING") == "PONG"
        with pytest.raises(StoreUnavailable):
            link.call("PING")
