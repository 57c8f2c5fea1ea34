"""Cluster mode and serverless of the emulated ElastiCache: real clusters behind names.

Emulation: real Valkey on one machine; AWS was not run.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import hiredis
import pytest

import holdfast
from holdfast.client import ClientOptions
from holdfast.connection import Address, Connection
from holdfast.roles import Role
from tests.aws.stores import (
    APP,
    Logins,
    Store,
    address_of,
    create_group,
    create_serverless,
    group_connection,
    group_spec,
    need_server,
    raw,
)
from tests.clients import Client, command, count_once
from tests.servers import wait_until
from tests.standin.aws.dataplane.api import ClusterMode, DataPlaneError, GroupChange
from tests.standin.aws.dataplane.endpoints import member_ids
from tests.standin.aws.dataplane.valkey import ValkeyDataPlane

OPTIONS = ClientOptions(deadline_seconds=100)
BUCKETS = 64


@pytest.fixture(name="cluster", scope="module")
def fixture_cluster(plane: ValkeyDataPlane) -> Store:
    return create_group(plane, "many", shards=2)


def key(bucket: int) -> str:
    return f"{APP}:sess:{{b{bucket:02d}}}:t:x"


def fill(connection: Connection, identity: str, expected: int) -> None:
    """Count an identity once in every bucket."""
    with Client("sync", connection, options=OPTIONS) as client:
        for bucket in range(BUCKETS):
            assert client.run(count_once(key(bucket), identity)) == expected


def test_the_configuration_endpoint_leads_to_every_node_and_slots_have_names(
    cluster: Store,
) -> None:
    (endpoint,) = cluster.connection.seeds
    assert endpoint.host == "clustercfg.many.abc123.use1.cache.amazonaws.com"
    answers = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    assert len({answer[4][0] for answer in answers}) == 4
    with raw(endpoint, cluster.user(Role.SVC)) as connection:
        slots = connection.call("CLUSTER", "SLOTS")
    names = {member.endpoint.host for member in cluster.members}
    assert [(first, last) for first, last, *_ in slots] == [(0, 8191), (8192, 16383)]
    assert {node[0] for _, _, *nodes in slots for node in nodes} <= names


def test_the_client_reaches_every_slot_through_a_failover(cluster: Store) -> None:
    fill(cluster.connection, "before", 1)
    stop = threading.Event()
    written: list[int] = []
    with holdfast.connect(
        cluster.connection.for_role(Role.SVC), tenant="t", options=OPTIONS
    ) as store:
        session = store.create(user="ann")

        def write() -> None:
            while not stop.is_set():
                head = store.load(session.session_id)
                written.append(store.append(head, [{"role": "user", "content": "x"}]).seq)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            wait_until("turns to be written", lambda: len(written) >= 3, seconds=100)
            promoted = [cluster.plane.test_failover("many", shard) for shard in ("0001", "0002")]
            at = len(written)
            wait_until("turns after it", lambda: len(written) >= at + 3, seconds=100)
        finally:
            stop.set()
            writer.join()
        assert written == list(range(1, len(written) + 1))
        assert store.load(session.session_id).seq == len(written)
    assert promoted == ["many-0001-002", "many-0002-002"]
    fill(cluster.connection, "after", 2)


def test_a_lost_primary_is_replaced_although_two_shards_have_no_majority(cluster: Store) -> None:
    lost = cluster.plane.primaries("many")["0002"]
    cluster.plane.kill_node(lost)
    wait_until(
        "a replica to take over",
        lambda: cluster.plane.primaries("many")["0002"] != lost,
        seconds=100,
    )
    fill(cluster.connection, "then", 3)
    server = cluster.plane.server(lost)
    wait_until("the lost node to be back", server.responds, seconds=100)
    wait_until("it to follow", lambda: not server.is_primary() and server.in_step(), seconds=100)


def test_slots_move_to_a_new_shard_and_back_without_losing_a_key(cluster: Store) -> None:
    three = member_ids("many", cluster=True, shards=3, replicas=1)
    cluster.plane.modify_group("many", GroupChange(member_ids=three))
    with raw(cluster.connection.seeds[0], cluster.user(Role.SVC)) as connection:
        ranges = [slots[:2] for slots in connection.call("CLUSTER", "SLOTS")]
    assert sorted(ranges) == [[0, 5460], [5461, 10922], [10923, 16383]]
    fill(cluster.connection, "more", 4)
    two = member_ids("many", cluster=True, shards=2, replicas=1)
    endpoints = cluster.plane.modify_group("many", GroupChange(member_ids=two))
    assert len(endpoints.members) == 4
    fill(cluster.connection, "less", 5)


def test_a_snapshot_holds_every_shard(cluster: Store, tmp_path: Path) -> None:
    with Client("sync", cluster.connection, options=OPTIONS) as client:
        fields = [client.run(command("HLEN", key(b), key=key(b))) for b in range(BUCKETS)]
    cluster.plane.snapshot("many", tmp_path / "first")
    spec = group_spec(
        "again", cluster.logins.states(), shards=2, replicas=0, restore_from=tmp_path / "first"
    )
    restored = group_connection(cluster.plane.create_group(spec), cluster.logins)
    with Client("sync", restored, options=OPTIONS) as client:
        found = [client.run(command("HLEN", key(b), key=key(b))) for b in range(BUCKETS)]
    assert found == fields
    cluster.plane.delete_group("again")
    with pytest.raises(DataPlaneError, match="shards"):
        cluster.plane.create_group(
            group_spec("one", None, shards=1, restore_from=tmp_path / "first")
        )


def test_a_group_in_mode_compatible_has_both_kinds_of_names_until_it_is_enabled(
    plane: ValkeyDataPlane,
) -> None:
    logins = Logins(cluster=True)
    spec = group_spec("both", logins.states(), shards=1, cluster_mode=ClusterMode.COMPATIBLE)
    endpoints = plane.create_group(spec)
    assert endpoints.primary is not None
    assert endpoints.configuration is not None
    user = logins.users()[Role.SVC]
    with raw(address_of(endpoints.primary), user) as connection:
        assert connection.call("HSET", key(0), "f", "v") == 1
    after = plane.modify_group("both", GroupChange(cluster_mode=ClusterMode.ENABLED))
    assert after.primary is None
    with raw(address_of(endpoints.configuration), user) as connection:
        assert connection.call("PING") == "PONG"
    plane.delete_group("both")


@pytest.mark.parametrize("version", ["9", "8"])
def test_a_serverless_cache_is_one_name_with_two_ports(
    plane: ValkeyDataPlane, version: str
) -> None:
    need_server(version)
    cache = create_serverless(plane, "less", engine_version=version, max_bytes=2**28)
    connection, primary = cache.connection, cache.primary
    assert str(primary) == "less-abc123.serverless.use1.cache.amazonaws.com:6379"
    assert cache.reader == Address(primary.host, 6380)
    with holdfast.connect(connection.for_role(Role.SVC), tenant="t", options=OPTIONS) as store:
        session = store.create(user="ann")
        store.append(session, [{"role": "user", "content": "x"}])
        assert store.load(session.session_id).seq == 1
    server = plane.server("less-reader")
    assert server.call("CONFIG", "GET", "maxmemory")[1] == str(2**28)
    with raw(cache.reader, cache.user(Role.SVC)) as opened:
        with pytest.raises(hiredis.ReplyError, match=f"MOVED .*{primary}"):
            opened.call("HLEN", key(0))
        assert opened.call("CLUSTER", "SLOTS")[0][:2] == [0, 16383]
    if version == "9":
        plane.kill_node("less-primary")
        wait_until(
            "the first port to be the primary's again",
            lambda: (
                plane.server("less-primary").responds()
                and plane.server("less-primary").is_primary()
                and plane.server("less-reader").in_step()
            ),
            seconds=100,
        )
        with holdfast.connect(connection.for_role(Role.SVC), tenant="t", options=OPTIONS) as store:
            assert store.load(session.session_id).seq == 1
    plane.delete_serverless("less")
