"""provider.servers.takeover: nobody copies the emptiness of a primary."""

from __future__ import annotations

from holdfast.connection import Address
from provider.servers.takeover import heirs, parse_nodes_file

_FILE = (
    "aaa 127.0.0.1:7600@17600 master - 0 1 1 connected 0-5460\n"
    "bbb 127.0.0.1:7601@17601 master - 0 1 2 connected 5461-16383\n"
    "ddd 127.0.0.1:7603@17603 myself,slave aaa 0 1 1 connected\n"
    "vars currentEpoch 6 lastVoteEpoch 0\n"
)
_EMPTIED, _OTHER, _REPLICA = (Address("127.0.0.1", port) for port in (7600, 7601, 7603))


def test_a_replica_that_follows_the_emptied_node_has_to_take_over() -> None:
    assert heirs(_EMPTIED, {_REPLICA: parse_nodes_file(_FILE)}) == (_REPLICA,)


def test_a_replica_of_another_node_does_not() -> None:
    assert heirs(_OTHER, {_REPLICA: parse_nodes_file(_FILE)}) == ()


def test_a_node_that_has_taken_over_already_need_not_again() -> None:
    promoted = _FILE.replace("1 1 connected 0-5460", "1 1 connected").replace(
        "myself,slave aaa 0 1 1 connected", "myself,master - 0 1 7 connected 0-5460"
    )
    assert heirs(_EMPTIED, {_REPLICA: parse_nodes_file(promoted)}) == ()


def test_a_node_that_served_nothing_leaves_nothing_to_take_over() -> None:
    idle = _FILE.replace(" 0-5460", "")
    assert heirs(_EMPTIED, {_REPLICA: parse_nodes_file(idle)}) == ()


def test_a_new_cluster_knows_of_nobody() -> None:
    assert heirs(_EMPTIED, {_REPLICA: ()}) == ()


def test_the_file_of_a_server_that_names_its_tls_port_beside_is_read() -> None:
    text = _FILE.replace("127.0.0.1:7600@17600", "127.0.0.1:0@17600,,tls-port=7600,shard-id=f5")
    assert heirs(_EMPTIED, {_REPLICA: parse_nodes_file(text)}) == (_REPLICA,)
