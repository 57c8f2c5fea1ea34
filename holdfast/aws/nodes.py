"""Which ElastiCache nodes hold so many sessions, and what they cost a month. Pure arithmetic.

The headroom of :mod:`holdfast.sizing` (3 by default) is applied to what a node has left after its
reserve, not to the memory that AWS states: the reserve is for copies and buffers, the headroom for
peaks, growth and sessions that are not yet swept.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from holdfast.aws.nodes_table import (
    BESIDE_READ,
    BESIDE_SOURCE,
    HOURS_A_MONTH,
    NODES,
    PRICES_READ,
    PRICES_REGION,
    PRICES_SOURCE,
    SERVERLESS_GB_HOUR_DOLLARS,
    SERVERLESS_MILLION_ECPU_DOLLARS,
    SERVERLESS_MINIMUM_GB,
    NodeType,
)
from holdfast.aws.regions_table import FAMILIES_BY_REGION
from holdfast.errors import ConfigError
from holdfast.sizing import (
    DEFAULT_HEADROOM,
    MAX_FULL_COPY_SECONDS,
    SNAPSHOT_BYTES_PER_SECOND,
    capacity_sessions,
    fullest_share,
)

MAX_NODES: Final = 90
"""Of one replication group: AWS's quota."""

GB: Final = 10**9
ECPU_BYTES: Final = 1000
"""What simple commands move for one ECPU, by AWS's pricing page."""

_BY_NAME: Final = {node.name: node for node in NODES}
_SECONDS_A_MONTH: Final = HOURS_A_MONTH * 3600


@dataclass(frozen=True, slots=True)
class NodeChoice:
    """Nodes for a store.

    Attributes:
        node: the type of each.
        shards: 1 outside cluster mode.
    """

    node: NodeType
    shards: int


def find_node(name: str) -> NodeType:
    """The node type of that name. Raises ConfigError with the nearest one."""
    try:
        return _BY_NAME[name]
    except KeyError:
        near = get_close_matches(name.lower(), _BY_NAME, n=1, cutoff=0.6)
        raise ConfigError(
            "nodeType",
            name,
            f"one of {', '.join(_BY_NAME)}",
            f"did you mean {near[0]}?" if near else "set one of them, or leave it to the sessions",
        ) from None


def offered(node: NodeType, region: str | None) -> bool:
    """Whether a region has the node type; any has it where the region is None."""
    return region is None or node.family in FAMILIES_BY_REGION.get(region, frozenset())


def node_sessions(
    node: NodeType, *, session_bytes: int, shards: int, buckets: int, headroom: float = 1.0
) -> int:
    """How many sessions so many shards of a node type hold; with headroom 1 to the brim."""
    return capacity_sessions(
        node.usable_bytes,
        session_bytes=session_bytes,
        primaries=shards,
        buckets=buckets,
        headroom=headroom,
    )


def shards_due(sessions: int, *, session_bytes: int, buckets: int) -> int:
    """The fewest shards of which each can be copied to a replica within a minute.

    More than the buckets would leave some empty; that many is the most there are.
    """
    most = SNAPSHOT_BYTES_PER_SECOND * MAX_FULL_COPY_SECONDS
    for shards in range(1, min(buckets, MAX_NODES) + 1):
        if sessions * session_bytes * fullest_share(shards, buckets) <= most:
            return shards
    return min(buckets, MAX_NODES)


def choose_nodes(
    sessions: int,
    *,
    session_bytes: int,
    buckets: int,
    shards: int | None = 1,
    region: str | None = None,
    headroom: float = DEFAULT_HEADROOM,
) -> NodeChoice:
    """The cheapest node type that holds the sessions with headroom.

    Args:
        sessions: alive at once.
        session_bytes: of one.
        buckets: of the store.
        shards: 1 outside cluster mode, None to choose their number too.
        region: that must offer the type; None for any.
        headroom: over the data, beside the reserve.

    Raises:
        ConfigError: no node type of the region holds them.
    """
    count = (
        shards_due(sessions, session_bytes=session_bytes, buckets=buckets)
        if shards is None
        else shards
    )
    for node in _by_price(region):
        held = node_sessions(
            node, session_bytes=session_bytes, shards=count, buckets=buckets, headroom=headroom
        )
        if held >= sessions:
            return NodeChoice(node, count)
    raise ConfigError(
        "expectedSessions",
        sessions,
        f"what {count} shards of the largest node type hold with headroom {headroom:g}",
        "set topology cluster and more shards (primaries), or divide the sessions over several "
        "stores",
    )


def monthly_dollars(node: NodeType, nodes: int) -> float | None:
    """Of so many nodes, without traffic, backups and what stands beside them; None: no price."""
    return None if node.hourly_dollars is None else node.hourly_dollars * HOURS_A_MONTH * nodes


def serverless_monthly_dollars(stored_bytes: float, ecpu_per_second: float = 0.0) -> float:
    """Of a serverless cache: what is stored, and what is asked of it.

    Args:
        stored_bytes: on average; AWS bills at least 100 MB.
        ecpu_per_second: on average; simple commands take one for each kB they move.
    """
    stored = max(stored_bytes / GB, SERVERLESS_MINIMUM_GB)
    asked = ecpu_per_second * _SECONDS_A_MONTH / 1e6
    return (
        stored * HOURS_A_MONTH * SERVERLESS_GB_HOUR_DOLLARS
        + asked * SERVERLESS_MILLION_ECPU_DOLLARS
    )


def cost_phrase(node: NodeType, nodes: int) -> str:
    """The monthly estimate in words; :func:`price_note` belongs beside it."""
    dollars = monthly_dollars(node, nodes)
    cost = "no price was read" if dollars is None else f"about ${dollars:,.0f} a month"
    return f"{nodes} x {node.name}: {cost}"


def price_note() -> str:
    """Where the prices of nodes and of a serverless cache come from, and what is not in them."""
    return f"{_node_prices()}; without endpoints, alarms, secrets, keys, traffic, backups and logs"


def whole_price_note() -> str:
    """The same where what stands around the store is priced too."""
    return (
        f"{_node_prices()}; endpoints, alarms, secrets and keys: {BESIDE_SOURCE}, "
        f"{PRICES_REGION}, read {BESIDE_READ:%Y-%m-%d}; without traffic, backups and logs"
    )


def _node_prices() -> str:
    read = f"read {PRICES_READ:%Y-%m-%d}"
    return f"{PRICES_SOURCE}, {PRICES_REGION}, {read}, {HOURS_A_MONTH} h"


def _by_price(region: str | None) -> list[NodeType]:
    """The types that a region offers, the cheapest first; those without a price by their size."""
    offers = [node for node in NODES if offered(node, region)]
    return sorted(
        offers,
        key=lambda node: (
            node.hourly_dollars is None,
            node.hourly_dollars or 0.0,
            node.maxmemory_bytes,
        ),
    )
