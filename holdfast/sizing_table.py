"""The tables of docs/sizing.md: ``python -m holdfast.sizing_table``."""

from __future__ import annotations

import sys
from typing import Final

from holdfast.keys import History
from holdfast.sizing import MIB, Sizing, Workload, measure, size

_MESSAGE_BYTES: Final = (200, 600, 2000)
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
    return "\n".join(lines) + "\n"


def _needs(need: Sizing) -> str:
    amounts = (need.maxmemory_bytes, need.memory_limit_bytes, need.disk_bytes)
    cells = [_shown(need.dataset_bytes), str(need.primaries), *map(_shown, amounts)]
    return " | ".join(cells)


def _shown(amount: int) -> str:
    mib = amount / MIB
    return f"{mib / 1024:,.1f} GiB" if mib >= 10 * 1024 else f"{mib:,.0f} MiB"


if __name__ == "__main__":
    sys.stdout.write(markdown_tables())
