"""provider.servers.formation: how servers become a cluster."""

from __future__ import annotations

import pytest

from holdfast.connection import Address
from holdfast.errors import ConfigError
from provider.servers.formation import (
    SLOTS,
    Peer,
    Round,
    View,
    next_round,
    parse_nodes,
    ranges,
    stuck,
)

_PORTS = range(7600, 7606)
_ADDRESSES = [Address("127.0.0.1", port) for port in _PORTS]


class Cluster:
    """Six nodes as plain data, with the effect that each command has at last."""

    def __init__(self) -> None:
        self.met: list[set[int]] = [{n} for n in range(6)]
        self.slots: list[set[int]] = [set() for _ in range(6)]
        self.follows: list[int | None] = [None] * 6
        self.epochs = [0] * 6
        self.keys = [0] * 6
        self.commands: list[tuple[int, tuple[str | int, ...]]] = []

    def views(self) -> list[View]:
        covered = sum(map(len, self.slots))
        return [
            View(
                address,
                tuple(self._peer(n, other) for other in sorted(self.met[n])),
                ok=covered == SLOTS,
                slots_ok=covered,
                keys=self.keys[n],
            )
            for n, address in enumerate(_ADDRESSES)
        ]

    def _peer(self, asked: int, n: int) -> Peer:
        leader = self.follows[n]
        flags = {"slave" if leader is not None else "master", *(["myself"] if asked == n else [])}
        return Peer(
            f"id{n}",
            _ADDRESSES[n],
            frozenset(flags),
            "" if leader is None else f"id{leader}",
            self.epochs[n],
            slots=tuple(ranges(sorted(self.slots[n]))),
        )

    def run(self, round_: Round) -> None:
        for command in round_.commands:
            node = _ADDRESSES.index(command.node)
            self.commands.append((node, command.words))
            match command.words:
                case ("CLUSTER", "SET-CONFIG-EPOCH", int(epoch)):
                    self.epochs[node] = epoch
                case ("CLUSTER", "MEET", _, int(port)):
                    together = self.met[node] | self.met[port - 7600]
                    for n in together:
                        self.met[n] = together
                case ("CLUSTER", "ADDSLOTSRANGE", *ends):
                    bounds = [int(end) for end in ends]
                    for first, last in zip(bounds[::2], bounds[1::2], strict=True):
                        self.slots[node] |= set(range(first, last + 1))
                case ("CLUSTER", "REPLICATE", str(name)):
                    self.follows[node] = int(name.removeprefix("id"))
                case other:
                    pytest.fail(f"unexpected command {other}")

    def form(self, replicas: int = 1) -> None:
        for _ in range(20):
            found = next_round(self.views(), replicas)
            if found.done:
                return
            self.run(found)
        pytest.fail("not formed after 20 rounds")


def test_fresh_servers_become_whole_shards() -> None:
    cluster = Cluster()
    cluster.form()
    assert sorted(map(len, cluster.slots)) == [0, 0, 0, 5461, 5461, 5462]
    assert cluster.follows == [None, None, None, 0, 1, 2]
    assert sorted(cluster.epochs) == [1, 2, 3, 4, 5, 6]


def test_two_replicas_a_primary_are_spread_evenly() -> None:
    cluster = Cluster()
    cluster.form(replicas=2)
    assert cluster.follows == [None, None, 0, 1, 0, 1]


def test_a_formed_cluster_gets_no_command() -> None:
    cluster = Cluster()
    cluster.form()
    cluster.commands.clear()
    cluster.form()
    assert cluster.commands == []


def test_a_cluster_that_failed_over_is_left_as_it_is() -> None:
    cluster = Cluster()
    cluster.form()
    cluster.slots[3], cluster.slots[0] = cluster.slots[0], set()
    cluster.follows[0], cluster.follows[3] = 3, None
    cluster.commands.clear()
    cluster.form()
    assert cluster.commands == []


def test_half_formed_clusters_are_joined_and_keep_their_slots() -> None:
    cluster = Cluster()
    cluster.met[1] = cluster.met[4] = {1, 4}
    cluster.slots[4] = set(range(100))
    cluster.epochs[1], cluster.epochs[4] = 3, 4
    cluster.form()
    assert cluster.slots[4] >= set(range(100))
    assert sum(map(len, cluster.slots)) == SLOTS
    assert [words for node, words in cluster.commands if words[1] == "SET-CONFIG-EPOCH"] == [
        ("CLUSTER", "SET-CONFIG-EPOCH", 5 + n) for n in range(4)
    ]


def test_missing_slots_go_to_the_replica_that_took_over_from_their_owner() -> None:
    cluster = Cluster()
    cluster.form()
    cluster.slots[3], cluster.slots[0] = cluster.slots[0] - {7}, set()
    cluster.follows[0], cluster.follows[3] = 3, None
    cluster.commands.clear()
    cluster.form()
    assert cluster.commands == [(3, ("CLUSTER", "ADDSLOTSRANGE", 7, 7))]


def test_a_node_that_knows_a_stranger_is_refused_before_any_command() -> None:
    cluster = Cluster()
    views = cluster.views()
    stranger = Peer("idx", Address("10.0.0.1", 1), frozenset({"master"}))
    views[5] = View(views[5].address, (*views[5].peers, stranger))
    with pytest.raises(ConfigError, match=r"it knows 10\.0\.0\.1:1"):
        next_round(views, 1)


def test_a_node_with_keys_that_serves_no_slot_is_refused() -> None:
    cluster = Cluster()
    cluster.keys[2] = 12
    with pytest.raises(ConfigError, match="serves no slot and holds 12 keys"):
        next_round(cluster.views(), 1)


def test_an_old_id_of_an_emptied_node_is_forgotten_once_it_serves_nothing() -> None:
    cluster = Cluster()
    cluster.form()
    views = cluster.views()
    old = Peer("old", None, frozenset({"master", "fail", "noaddr"}))
    views[1] = View(views[1].address, (*views[1].peers, old), ok=True, slots_ok=SLOTS)
    found = next_round(views, 1)
    assert [(c.node.port, c.words) for c in found.commands] == [
        (7601, ("CLUSTER", "FORGET", "old"))
    ]


def test_an_old_id_that_still_serves_slots_is_waited_for() -> None:
    cluster = Cluster()
    cluster.form()
    old = Peer("old", None, frozenset({"master", "fail", "noaddr"}), slots=((0, 5),))
    views = [View(v.address, (*v.peers, old)) for v in cluster.views()]
    found = next_round(views, 1)
    assert (found.commands, found.done) == ((), False)


def test_a_node_that_is_being_greeted_is_not_greeted_again() -> None:
    cluster = Cluster()
    cluster.epochs = [1, 2, 3, 4, 5, 6]
    views = cluster.views()
    guest = Peer("random", _ADDRESSES[1], frozenset({"handshake"}))
    views[0] = View(views[0].address, (*views[0].peers, guest))
    met = [command.words[3] for command in next_round(views, 1).commands]
    assert met == [7602, 7603, 7604, 7605]


def test_the_lines_of_cluster_nodes_are_read() -> None:
    text = (
        "aaa 127.0.0.1:7600@17600,host,shard-id=x myself,master - 0 0 3 connected "
        "0-99 200 [5-<-b]\n"
        "bbb :0@0 slave,fail,noaddr aaa 1 2 3 disconnected\n"
        "ccc 127.0.0.1:7602@17602 master,fail? - 1 2 4 connected\n"
    )
    first, second, third = parse_nodes(text)
    assert first == Peer(
        "aaa",
        Address("127.0.0.1", 7600),
        frozenset({"myself", "master"}),
        epoch=3,
        slots=((0, 99), (200, 200)),
    )
    assert (second.address, second.primary_id, second.linked) == (None, "aaa", False)
    assert "fail" not in third.flags


def test_what_a_stuck_formation_waited_for_is_told() -> None:
    error = str(stuck("the nodes to meet", Cluster().views(), 60))
    assert "not formed after 60 s: waited for the nodes to meet; 0 of 16384 slots" in error
    assert "127.0.0.1:7605" in error
