"""A replication group of the emulated ElastiCache: real Valkey behind names as AWS gives them.

Emulation: real Valkey on one machine; AWS was not run.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import threading
import time
from dataclasses import replace
from pathlib import Path

import hiredis
import pytest

import holdfast
from holdfast.acl import password_hash
from holdfast.client import ClientOptions
from holdfast.connection import Address, User
from holdfast.errors import TlsFailed
from holdfast.roles import Role
from tests.aws.stores import (
    APP,
    REGION,
    Logins,
    Store,
    create_group,
    group_connection,
    group_spec,
    need_server,
    raw,
)
from tests.processes import wait_gone
from tests.servers import wait_until
from tests.standin.aws.dataplane import store as store_module
from tests.standin.aws.dataplane.access import rules_of
from tests.standin.aws.dataplane.api import Authentication, DataPlaneError, GroupChange, UserState
from tests.standin.aws.dataplane.endpoints import member_ids
from tests.standin.aws.dataplane.tokens import Target, token
from tests.standin.aws.dataplane.valkey import ValkeyDataPlane

PARAMETERS = {
    "acl-pubsub-default": "resetchannels",
    "client-output-buffer-limit-pubsub-hard-limit": "33554432",
    "client-output-buffer-limit-pubsub-soft-limit": "8388608",
    "client-output-buffer-limit-pubsub-soft-seconds": "60",
    "close-on-replica-write": "yes",
    "databases": "3",
    "maxmemory-policy": "volatile-ttl",
    "maxmemory-samples": "7",
    "of-aws-alone": "1",
    "reserved-memory-percent": "30",
}


@pytest.fixture(name="group", scope="module")
def fixture_group(plane: ValkeyDataPlane) -> Store:
    return create_group(plane, "store", replicas=2, parameters=PARAMETERS)


def key(number: int = 0) -> str:
    return f"{APP}:sess:{{b00}}:t:{number}"


def test_names_are_as_aws_gives_them_and_the_certificate_is_for_them_alone(group: Store) -> None:
    assert group.primary.host == "master.store.abc123.use1.cache.amazonaws.com"
    for address in (group.primary, group.reader, *group.nodes):
        with raw(address, group.user(Role.SVC)) as connection:
            assert connection.call("PING") == "PONG"
    numeric = socket.getaddrinfo(group.primary.host, group.primary.port)[0][4][0]
    with pytest.raises(ssl.SSLCertVerificationError):
        raw(Address(str(numeric), group.primary.port), group.user(Role.SVC))


def test_a_client_that_does_not_trust_the_authority_is_refused_a_connection(
    group: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    with (
        holdfast.connect(group.connection.for_role(Role.SVC), tenant="t") as store,
        pytest.raises(TlsFailed),
    ):
        store.create(user="ann")


def test_nothing_answers_without_tls(group: Store) -> None:
    with socket.create_connection((group.primary.host, group.primary.port), 10) as plain:
        plain.sendall(b"PING\r\n")
        try:
            answer = plain.recv(64)
        except ConnectionResetError:
            answer = b""
        assert not answer.startswith((b"+", b"-"))


def test_access_strings_hold_on_every_node(group: Store) -> None:
    for address in group.nodes:
        with raw(address, group.user(Role.SVC)) as connection:
            assert connection.call("HLEN", key()) == 0
            for words in (("GET", "other"), ("CONFIG", "GET", "maxmemory"), ("FLUSHALL",)):
                with pytest.raises(hiredis.ReplyError, match="NOPERM"):
                    connection.call(*words)
        with raw(address, None) as connection, pytest.raises(hiredis.ReplyError, match="NOAUTH"):
            connection.call("PING")


def test_not_even_a_user_with_everything_may_what_aws_lets_nobody(group: Store) -> None:
    everything = UserState(
        "all", "on ~* &* +@all (+@all ~*)", password_hashes=(password_hash("p" * 16),)
    )
    group.plane.set_users("store", {**group.logins.states(), "all": everything})
    with raw(group.primary, User("all", "p" * 16)) as connection:
        assert connection.call("SET", "anything", "1") == "OK"
        assert connection.call("DEL", "anything") == 1
        for words in (("CONFIG", "GET", "save"), ("ACL", "SETUSER", "x"), ("REPLICAOF", "a", "1")):
            with pytest.raises(hiredis.ReplyError, match="NOPERM"):
                connection.call(*words)
        group.set_users()
        # A user that goes takes its connections along.
        with pytest.raises((ConnectionError, hiredis.ReplyError)):
            connection.call("PING")
    with pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
        raw(group.primary, User("all", "p" * 16))


def test_two_passwords_hold_at_once_and_open_connections_outlive_the_change(group: Store) -> None:
    old, new = "svc-password-0001", "svc-password-0002"
    with raw(group.primary, User("svc", old)) as connection:
        group.logins.passwords[Role.SVC] = (new, old)
        group.set_users()
        for address in group.nodes:
            for password in (old, new):
                raw(address, User("svc", password)).close()
        group.logins.passwords[Role.SVC] = (new,)
        group.set_users()
        for address in group.nodes:
            with pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
                raw(address, User("svc", old))
        assert connection.call("PING") == "PONG"


def test_a_user_of_iam_logs_in_with_a_token_of_now_for_this_cache_alone(group: Store) -> None:
    user = UserState("store-iam", "on ~* +ping", authentication=Authentication.IAM)
    group.plane.set_users("store", {**group.logins.states(), "store-iam": user})
    target, now = Target("store", REGION), int(time.time())
    for address in group.nodes:
        raw(address, User("store-iam", token(target, "store-iam", now))).close()
    for bad in (
        token(target, "store-iam", now - 1000),
        token(target, "store-svc", now),
        token(Target("other", REGION), "store-iam", now),
        "",
    ):
        with pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
            raw(group.primary, User("store-iam", bad))
    group.set_users()


def test_tokens_are_renewed_while_connections_stay(
    group: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = UserState("store-iam", "on ~* +ping", authentication=Authentication.IAM)
    group.plane.set_users("store", {"store-iam": user})
    target, now = Target("store", REGION), int(time.time())
    with raw(group.primary, User("store-iam", token(target, "store-iam", now))) as connection:
        monkeypatch.setattr(store_module, "REFRESH_SECONDS", 0.0)
        monkeypatch.setattr(
            store_module, "rules_of", lambda users, target, at: rules_of(users, target, at + 2000)
        )

        def renewed() -> bool:
            try:
                raw(
                    group.nodes[2], User("store-iam", token(target, "store-iam", now + 2000))
                ).close()
            except hiredis.ReplyError:
                return False
            return True

        wait_until("a token of later to be let in", renewed, seconds=100)
        with pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
            raw(group.nodes[0], User("store-iam", token(target, "store-iam", now)))
        assert connection.call("PING") == "PONG"
    group.set_users()


def test_an_access_string_that_the_servers_refuse_changes_nothing(group: Store) -> None:
    states = group.logins.states()
    bad = {
        "svc": replace(states["svc"], password_hashes=(password_hash("z" * 16),)),
        "worker": replace(states["worker"], access_string="on +no-such-command"),
    }
    with pytest.raises(DataPlaneError, match="refuse an access string"):
        group.plane.set_users("store", states | bad)
    for address in group.nodes:
        raw(address, group.user(Role.SVC)).close()
        raw(address, group.user(Role.WORKER)).close()


def test_parameter_values_are_configuration_and_the_rest_is_listed(group: Store) -> None:
    wanted = {
        "maxmemory": str(int(1_471_026_299 * 0.7)),
        "maxmemory-policy": "volatile-ttl",
        "maxmemory-samples": "7",
        "databases": "3",
        "acl-pubsub-default": "resetchannels",
        "appendonly": "no",
        "save": "",
    }
    for member in group.members:
        server = group.plane.server(member.cluster_id)
        found = {name: server.call("CONFIG", "GET", name)[1] for name in wanted}
        assert found == wanted
        limits = server.call("CONFIG", "GET", "client-output-buffer-limit")[1]
        assert "pubsub 33554432 8388608 60" in limits
    assert group.plane.not_applied("store").keys() == {
        "close-on-replica-write",
        "of-aws-alone",
        "reserved-memory-percent",
    }
    change = GroupChange(parameters={**PARAMETERS, "maxmemory-samples": "9", "databases": "4"})
    group.plane.modify_group("store", change)
    server = group.plane.server("store-002")
    assert server.call("CONFIG", "GET", "maxmemory-samples")[1] == "9"
    assert group.plane.not_applied("store")["databases"] == "only a new node has it"


def test_clients_follow_the_name_through_a_failover_and_lose_nothing(group: Store) -> None:
    before = socket.getaddrinfo(group.primary.host, group.primary.port)[0][4][0]
    stop = threading.Event()
    written: list[str] = []
    options = ClientOptions(deadline_seconds=100)
    with holdfast.connect(
        group.connection.for_role(Role.SVC), tenant="t", options=options
    ) as store:
        session = store.create(user="ann")

        def write() -> None:
            nonlocal session
            while not stop.is_set():
                text = str(len(written))
                store.append(session, [{"role": "user", "content": text}])
                session = store.load(session.session_id)
                written.append(text)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            wait_until("turns to be written", lambda: len(written) >= 3, seconds=100)
            promoted = group.plane.test_failover("store", "0001")
            at = len(written)
            wait_until("turns after the failover", lambda: len(written) >= at + 3, seconds=100)
        finally:
            stop.set()
            writer.join()
        found = store.load(session.session_id)
        assert found.seq == len(written)
        kept = [message["content"] for message in found.messages]
        assert kept == written[-len(kept) :]
    assert group.plane.primaries("store") == {"0001": promoted}
    after = socket.getaddrinfo(group.primary.host, group.primary.port)[0][4][0]
    assert after != before
    roles = {
        member.cluster_id: group.plane.server(member.cluster_id).call("ROLE")[0]
        for member in group.members
    }
    assert [name for name, role in roles.items() if role == "master"] == [promoted]
    assert before in {answer[4][0] for answer in socket.getaddrinfo(group.reader.host, 6379)}


def test_a_lost_primary_is_followed_by_a_replica_and_replaced(group: Store) -> None:
    (lost,) = group.plane.primaries("store").values()
    with raw(group.primary, group.user(Role.SVC)) as connection:
        connection.call("HSET", key(1), "f", "v")
        assert connection.call("WAIT", 2, 50_000) == 2
    killed = group.plane.kill_node(lost)
    wait_until(
        "a replica to take over",
        lambda: group.plane.primaries("store")["0001"] != lost,
        seconds=100,
    )
    with raw(group.primary, group.user(Role.SVC)) as connection:
        assert connection.call("HGETALL", key(1)) == ["f", "v"]
        wait_until(
            "the lost node to be replaced",
            lambda: (
                group.plane.server(lost).responds()
                and group.plane.server(lost).in_step()
                and len(socket.getaddrinfo(group.reader.host, 6379, type=socket.SOCK_STREAM)) == 2
            ),
            seconds=100,
        )
    process = group.plane.server(lost).node.process
    assert process is not None
    assert process.pid != killed
    # With the users as they are now, not as they were when the group was made.
    raw(_node(group, lost), group.user(Role.SVC)).close()


def test_a_frozen_primary_counts_as_lost_after_longer(
    group: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "FROZEN_SECONDS", 1.0)
    (frozen,) = group.plane.primaries("store").values()
    server = group.plane.server(frozen)
    pid = int((server.folder / "pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    wait_until(
        "a replica to take over",
        lambda: group.plane.primaries("store")["0001"] != frozen,
        seconds=100,
    )
    wait_until("the frozen node to be replaced", server.responds, seconds=100)
    wait_until("it to follow", server.in_step, seconds=100)
    assert wait_gone([pid]) == []


def test_a_replica_that_strayed_is_brought_back_to_its_primary(group: Store) -> None:
    (primary,) = group.plane.primaries("store").values()
    stray = next(m.cluster_id for m in group.members if m.cluster_id != primary)
    server = group.plane.server(stray)
    server.call("REPLICAOF", "NO", "ONE")
    address = group.plane.server(primary).place.address
    wait_until(
        "it to follow again",
        lambda: server.call("ROLE")[:2] == ["slave", address] and server.in_step(),
        seconds=100,
    )


def test_a_node_without_a_replica_comes_back_empty(plane: ValkeyDataPlane) -> None:
    logins = Logins()
    endpoints = plane.create_group(group_spec("alone", logins.states(), replicas=0))
    connection = group_connection(endpoints, logins)
    # Without a replica both names lead to the only node.
    for address in (connection.primary, connection.reader):
        assert address is not None
        with raw(address, connection.users[Role.SVC]) as opened:
            opened.call("HSET", key(), "f", "v")
    plane.kill_node("alone-001")
    server = plane.server("alone-001")
    wait_until("the node to be replaced", server.responds, seconds=100)
    assert server.call("DBSIZE") == 0
    with pytest.raises(DataPlaneError, match="no replica"):
        plane.test_failover("alone", "0001")
    plane.delete_group("alone")


def test_a_snapshot_is_restored_into_a_new_group_by_its_name(
    plane: ValkeyDataPlane, group: Store, tmp_path: Path
) -> None:
    with raw(group.primary, group.user(Role.SVC)) as connection:
        connection.call("HSET", key(2), "f", "kept")
    plane.snapshot("store", tmp_path / "first")
    with raw(group.primary, group.user(Role.SVC)) as connection:
        connection.call("HSET", key(2), "f", "changed since")
    spec = group_spec("restored", group.logins.states(), restore_from=tmp_path / "first")
    restored = group_connection(plane.create_group(spec), group.logins)
    for address in (restored.primary, restored.reader):
        assert address is not None
        with raw(address, restored.users[Role.SVC]) as connection:
            assert connection.call("HGETALL", key(2)) == ["f", "kept"]
    plane.delete_group("restored")
    with pytest.raises(OSError, match=r"."):
        socket.create_connection((restored.primary.host, 6379), 5)  # type: ignore[union-attr]


def test_an_upgrade_and_a_change_of_the_node_count_keep_every_key(plane: ValkeyDataPlane) -> None:
    need_server("8.0")
    logins = Logins(engine_version="8.0")
    spec = group_spec("old", logins.states(), engine_version="8.0")
    connection = group_connection(plane.create_group(spec), logins)
    assert connection.primary is not None
    assert plane.engine("old").startswith("8.0.")
    with raw(connection.primary, connection.users[Role.SVC]) as opened:
        opened.call("HSET", key(), "f", "v")
    plane.modify_group("old", GroupChange(engine_version="9.1"))
    assert plane.engine("old").startswith("9.")
    # The nodes with the lowest numbers stay, wherever the primary is by now.
    endpoints = plane.modify_group(
        "old", GroupChange(member_ids=member_ids("old", cluster=False, shards=1, replicas=0))
    )
    assert [member.cluster_id for member in endpoints.members] == ["old-001"]
    with raw(connection.primary, connection.users[Role.SVC]) as opened:
        assert opened.call("HGETALL", key()) == ["f", "v"]
    assert plane.server("old-001").info("server")["valkey_version"].startswith("9.")
    plane.modify_group("old", GroupChange(engine_version="9.1", maxmemory_bytes=2**30))
    assert plane.server("old-001").call("CONFIG", "GET", "maxmemory")[1] == str(int(2**30 * 0.7))
    plane.delete_group("old")


def test_a_second_group_of_a_name_is_refused(plane: ValkeyDataPlane, group: Store) -> None:
    before = plane.names_file.read_text()
    with pytest.raises(DataPlaneError, match="already"):
        plane.create_group(group_spec("store", None))
    assert plane.names_file.read_text() == before


def test_a_group_without_transit_encryption_is_refused(plane: ValkeyDataPlane) -> None:
    with pytest.raises(DataPlaneError, match="transit encryption"):
        plane.create_group(group_spec("plain", None, tls=False))


def _node(group: Store, member_id: str) -> Address:
    return next(address for address in group.nodes if address.host.startswith(f"{member_id}."))
