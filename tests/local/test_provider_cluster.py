"""ClusterFormation with real servers, through the Resource protocol, without an engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from provider.resource import Stored
from provider.servers.cluster import ClusterFormation
from provider.servers.formation import parse_nodes
from provider.values import Properties
from tests.local.provider_group import HOST, Group, free_ports, group
from tests.servers import Install, wait_until

_FORMATION = ClusterFormation()
_NODES = [f"valkey-{n}" for n in range(6)]


@pytest.fixture
def six(server_install: Install, tmp_path: Path) -> Iterator[Group]:
    """Six servers that know nothing of each other."""
    with group(server_install, tmp_path / "group", topology="cluster") as made:
        for node, port in zip(_NODES, free_ports(6), strict=True):
            made.add_server(node, port)
        made.up_all(*_NODES)
        yield made


def _inputs(made: Group, **changed: object) -> Properties:
    given = made.inputs[_NODES[0]]
    inputs = {
        "nodes": [{"node": n, "address": HOST, "port": made.inputs[n]["port"]} for n in _NODES],
        "replicasPerPrimary": 1,
        **{name: given[name] for name in ("adminUsername", "adminPassword", "tlsCaPem")},
        **changed,
    }
    result = _FORMATION.check({}, inputs, made.ours)
    assert result.failures == ()
    return result.inputs


def _form(made: Group) -> Stored:
    inputs = _inputs(made)
    created = _FORMATION.create(inputs, made.ours)
    return Stored(created.id, inputs, created.outputs)


def _read(made: Group, stored: Stored) -> Stored:
    found = _FORMATION.read(stored, made.ours)
    assert found is not None
    return Stored(stored.id, stored.inputs, found.outputs)


def _changes(made: Group, stored: Stored) -> set[str]:
    return set(_FORMATION.diff(stored, stored.inputs, made.ours).changes)


def test_six_servers_become_three_primaries_and_three_replicas(six: Group) -> None:
    stored = _form(six)
    assert (stored.outputs["state"], stored.outputs["slotsCovered"]) == ("ok", 16384)
    peers = parse_nodes(six.call("valkey-0", "CLUSTER", "NODES"))
    primaries = [peer for peer in peers if "master" in peer.flags]
    ports = sorted(peer.address.port for peer in primaries if peer.address)
    assert ports == sorted(six.inputs[node]["port"] for node in _NODES[:3])
    assert len({peer.epoch for peer in primaries}) == 3
    followed = {peer.primary_id for peer in peers if "slave" in peer.flags}
    assert followed == {peer.id for peer in primaries}, "one replica each"
    assert _changes(six, _read(six, stored)) == set()


def test_a_half_formed_cluster_is_finished(six: Group) -> None:
    ports = [six.inputs[node]["port"] for node in _NODES]
    six.call("valkey-0", "CLUSTER", "MEET", HOST, ports[1])
    six.call("valkey-3", "CLUSTER", "MEET", HOST, ports[4])
    six.call("valkey-0", "CLUSTER", "ADDSLOTSRANGE", 0, 99, 200, 300)
    stored = _form(six)
    assert stored.outputs["state"] == "ok"


def test_a_formed_cluster_is_left_alone(six: Group) -> None:
    stored = _form(six)
    before = six.call("valkey-0", "CLUSTER", "MYID"), six.call("valkey-0", "CLUSTER", "SHARDS")
    _FORMATION.update(stored, stored.inputs, six.ours)
    after = six.call("valkey-0", "CLUSTER", "MYID"), six.call("valkey-0", "CLUSTER", "SHARDS")
    assert [before[0], len(before[1])] == [after[0], len(after[1])]


def _filled(made: Group) -> int:
    """Write keys, wait until all disks have them; how many there are."""
    for number in range(50):
        _set(made, f"key-{number}")
    wait_until("the AOFs to be written", lambda: all(_flushed(made, node) for node in _NODES))
    wait_until("the replicas", lambda: all(made.call(n, "DBSIZE") for n in _NODES))
    return _count(made)


# Without nodes.conf the node comes back under a new id, with it under its old one.
@pytest.mark.parametrize("lost", ["data", "data/appendonlydir"])
def test_an_emptied_node_is_drift_and_comes_back_as_a_replica_with_all_data(
    six: Group, lost: str
) -> None:
    stored = _form(six)
    keys = _filled(six)
    six.kill("valkey-0")
    assert _changes(six, _read(six, stored)) == {"state", "slotsCovered"}
    shutil.rmtree(six.folder / "valkey-0" / lost)
    six.up("valkey-0")
    found = _read(six, stored)
    outputs = _FORMATION.update(found, found.inputs, six.ours)
    assert outputs["state"] == "ok"
    assert six.role("valkey-0") == "slave"
    assert _count(six) == keys
    peers = parse_nodes(six.call("valkey-1", "CLUSTER", "NODES"))
    assert len(peers) == 6, "an old id is forgotten"


def test_an_emptied_node_costs_no_data_after_a_full_stop(six: Group) -> None:
    stored = _form(six)
    keys = _filled(six)
    six.kill(*_NODES)
    shutil.rmtree(six.folder / "valkey-0" / "data")
    six.up_all(*_NODES)
    assert _FORMATION.update(stored, stored.inputs, six.ours)["state"] == "ok"
    assert _count(six) == keys


def test_a_whole_cluster_comes_back_after_a_full_stop(six: Group) -> None:
    stored = _form(six)
    keys = _filled(six)
    six.kill(*_NODES)
    six.up_all(*reversed(_NODES))
    assert _FORMATION.update(stored, stored.inputs, six.ours)["state"] == "ok"
    assert _count(six) == keys


def test_a_node_with_data_of_its_own_is_refused_and_keeps_it(
    six: Group, server_install: Install, tmp_path: Path
) -> None:
    with group(server_install, tmp_path / "other", topology="cluster") as other:
        other.authority, other.passwords = six.authority, six.passwords
        names = ["valkey-0", "valkey-1"]
        for node, port in zip(names, free_ports(2), strict=True):
            other.add_server(node, port)
        other.up_all(*names)
        other.call("valkey-0", "CLUSTER", "MEET", HOST, other.inputs["valkey-1"]["port"])
        wait_until("the two to meet", lambda: _knows(other, "valkey-0") == 2)
        nodes = _inputs(six)["nodes"]
        nodes[5] = {"node": "stranger", "address": HOST, "port": other.inputs["valkey-0"]["port"]}
        with pytest.raises(ConfigError, match="it knows"):
            _FORMATION.create(_inputs(six, nodes=nodes), six.ours)
        assert _knows(six, "valkey-0") == 1, "nobody was introduced to anybody"


def test_a_node_that_does_not_answer_makes_the_cluster_unreachable_but_not_gone(
    six: Group,
) -> None:
    stored = _form(six)
    six.kill("valkey-5")
    found = _read(six, stored)
    assert found.outputs["state"] == "unreachable"


def _set(made: Group, key: str) -> None:
    for node in _NODES[:3]:
        try:
            made.call(node, "SET", key, "value")
        except Exception as error:
            if "MOVED" not in str(error):
                raise
        else:
            return


def _count(made: Group) -> int:
    return sum(made.call(node, "DBSIZE") for node in _NODES if made.role(node) == "master")


def _flushed(made: Group, node: str) -> bool:
    with made.open(node) as admin:
        return admin.info("persistence").get("aof_pending_bio_fsync") == "0"


def _knows(made: Group, node: str) -> int:
    peers = parse_nodes(made.call(node, "CLUSTER", "NODES"))
    return len([peer for peer in peers if "handshake" not in peer.flags])
