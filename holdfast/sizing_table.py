"""The tables of docs/sizing.md: ``python -m holdfast.sizing_table``."""

from __future__ import annotations

import sys
from typing import Final

from holdfast.aws.nodes import monthly_dollars, node_sessions, price_note
from holdfast.aws.nodes_table import NODES, NodeType
from holdfast.keys import DEFAULT_BUCKETS, History
from holdfast.sizing import DEFAULT_HEADROOM, MIB, Sizing, Workload, measure, size

_MESSAGE_BYTES: Final = (200, 600, 2000)
_AWS_SESSION_BYTES: Final = 20_000
_SESSIONS: Final = (1_000, 10_000, 100_000, 500_000)


def markdown_tables() -> str:
    """What sessions take, and what stores need, as the page shows them."""
    lines = [
        "Bytes of one session with 50 messages, 4 tool calls of 400 bytes and 4 metadata fields:",
        "",
        "| bytes a message | history | hash | messages | tool calls | index | whole session |",
        "|---|---|---|---|---|---|---|",
    ]
    for history in History:
        for message_bytes in _MESSAGE_BYTES:
            one = measure(Workload(1, message_bytes=message_bytes, history=history))
            lines.append(
                f"| {message_bytes:,} | {history} | {one.session_bytes:,} | "
                f"{one.history_bytes:,} | {one.tools_bytes:,} | {one.index_bytes:,} | "
                f"{one.total_bytes:,} |"
            )
    lines += [
        "",
        "What each server needs for that many such sessions (list, headroom 3, 2 replicas):",
        "",
        "| sessions | bytes a message | data | primaries | maxmemory | pod limit | disk |",
        "|---|---|---|---|---|---|---|",
    ]
    for sessions in _SESSIONS:
        for message_bytes in _MESSAGE_BYTES:
            need = size(Workload(sessions, message_bytes=message_bytes))
            lines.append(f"| {sessions:,} | {message_bytes:,} | {_needs(need)} |")
    return "\n".join([*lines, *_aws_lines()]) + "\n"


def _aws_lines() -> list[str]:
    """What node types of ElastiCache hold, and what they cost."""
    return [
        "",
        f"Node types of ElastiCache for Valkey, and the sessions of {_AWS_SESSION_BYTES:,} bytes "
        f"that one shard holds with headroom {DEFAULT_HEADROOM:g} ({price_note()}):",
        "",
        "| node type | maxmemory by AWS | in reserve | usable | sessions | $ an hour | 2 nodes a "
        "month | 3 nodes a month |",
        "|---|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(_node_cells(node))} |" for node in NODES),
    ]


def _node_cells(node: NodeType) -> list[str]:
    held = node_sessions(
        node,
        session_bytes=_AWS_SESSION_BYTES,
        shards=1,
        buckets=DEFAULT_BUCKETS,
        headroom=DEFAULT_HEADROOM,
    )
    costs = (monthly_dollars(node, nodes) for nodes in (2, 3))
    hourly = "not read" if node.hourly_dollars is None else f"{node.hourly_dollars:.4f}"
    return [
        f"`{node.name}`",
        f"{node.maxmemory_bytes:,}",
        f"{node.reserved_percent} %",
        _shown(node.usable_bytes),
        f"{held:,}",
        hourly,
        *("-" if dollars is None else f"${dollars:,.0f}" for dollars in costs),
    ]


def _needs(need: Sizing) -> str:
    amounts = (need.maxmemory_bytes, need.memory_limit_bytes, need.disk_bytes)
    cells = [_shown(need.dataset_bytes), str(need.primaries), *map(_shown, amounts)]
    return " | ".join(cells)


def _shown(amount: int) -> str:
    mib = amount / MIB
    return f"{mib / 1024:,.1f} GiB" if mib >= 10 * 1024 else f"{mib:,.0f} MiB"


if __name__ == "__main__":
    sys.stdout.write(markdown_tables())
