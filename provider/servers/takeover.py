"""Who has to take over before an emptied cluster node may come back. Pure.

Replicas of a cluster connect to an address, not to an identity: one whose primary comes back
without its data copies the emptiness, and the shard is lost. So the replica becomes primary
first; the emptied node then finds its slots served and follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdfast.connection import Address
from provider.servers.formation import Peer, parse_nodes


def parse_nodes_file(text: str) -> tuple[Peer, ...]:
    """Read ``nodes.conf``: CLUSTER NODES and a line of variables."""
    lines = [line for line in text.splitlines() if line and not line.startswith("vars ")]
    return parse_nodes("\n".join(lines))


def heirs(emptied: Address, maps: Mapping[Address, Sequence[Peer]]) -> tuple[Address, ...]:
    """The nodes that hold the data of a primary that lost its own.

    Args:
        emptied: where the node without data listens.
        maps: for each node with keys, by its address, what its ``nodes.conf`` says.

    Returns:
        Those that say of themselves that they are replicas of this node, and that it serves
        slots. Empty where nobody is, or where one has taken over already.
    """
    found = []
    for address, peers in maps.items():
        followed = {peer.primary_id for peer in peers if "myself" in peer.flags}
        if any(p.id in followed and p.address == emptied and p.slots for p in peers):
            found.append(address)
    return tuple(found)
