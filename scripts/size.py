#!/usr/bin/env python3
"""Say how large a store has to be: ``scripts/size.py --sessions 10000 --message-bytes 600``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from holdfast.aws.nodes import (
    ECPU_BYTES,
    NodeChoice,
    choose_nodes,
    cost_phrase,
    monthly_dollars,
    price_note,
    serverless_monthly_dollars,
)
from holdfast.errors import ConfigError
from holdfast.keys import History
from holdfast.sizing import MIB, Sizing, Workload, capacity_sessions, size
from holdfast.units import format_bytes, parse_bytes
from holdfast.verify.result import ExitCode

_DEFAULTS = {field.name: field.default for field in fields(Workload)}
_NUMBERS = {
    "sessions": "alive at once, at the peak",
    "messages": "kept a session",
    "message_bytes": "of one message as JSON",
    "tool_calls": "kept a session",
    "tool_call_bytes": "name, arguments and result of one tool call",
    "metadata_fields": "a session",
    "metadata_field_bytes": "name and value of one metadata field",
    "sessions_per_user": "0 for sessions without a user",
    "prefix_bytes": "of the application's and the tenant's name together",
    "turns_per_second": "of the whole store at the peak",
    "messages_per_turn": "written by one turn",
    "headroom": "maxmemory over the expected data",
    "replicas": "of each primary",
    "buckets": "of the store",
}
_FRACTIONS = frozenset({"turns_per_second", "headroom"})


def main(argv: Sequence[str] | None = None) -> int:
    """Print what a workload needs.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        An :class:`ExitCode`; 1 where ``--maxmemory`` is given and too small.
    """
    arguments = _parser().parse_args(argv)
    try:
        workload = _workload(arguments)
        need = size(workload)
        given = None if arguments.maxmemory is None else _amount(arguments.maxmemory)
    except ConfigError as error:
        sys.stderr.write(f"size: {error}\n")
        return ExitCode.USAGE
    fit = None if given is None else _fit(given, need, workload)
    if arguments.json:
        print(json.dumps(_document(workload, need, fit), indent=2))
    else:
        print(_text(workload, need, fit))
    return ExitCode.PASS if fit is None or fit["with_headroom"] else ExitCode.CHECK_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="size",
        description="Say how large a session store has to be.",
        epilog="exit codes: 0 done, 1 --maxmemory is too small, 2 wrong arguments",
    )
    for name, meaning in _NUMBERS.items():
        required = name == "sessions"
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            metavar="N",
            type=float if name in _FRACTIONS else int,
            required=required,
            default=None if required else _DEFAULTS[name],
            help=meaning if required else f"{meaning} (default {_DEFAULTS[name]})",
        )
    parser.add_argument(
        "--history", choices=[kind.value for kind in History], default="list", help="(default list)"
    )
    parser.add_argument(
        "--maxmemory", metavar="AMOUNT", help="also say what fits servers of this much, such as 1gb"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _workload(arguments: argparse.Namespace) -> Workload:
    given = {name: getattr(arguments, name) for name in _NUMBERS}
    return Workload(**given, history=History(arguments.history))


def _amount(text: str) -> int:
    amount = parse_bytes(text)
    if not amount:
        raise ConfigError("--maxmemory", text, "an amount such as 256mb or 2gb", "correct it")
    return amount


def _fit(given_bytes: int, need: Sizing, workload: Workload) -> dict[str, Any]:
    fits = {
        name: capacity_sessions(
            given_bytes,
            session_bytes=need.session_bytes,
            primaries=need.primaries,
            buckets=workload.buckets,
            headroom=headroom,
        )
        for name, headroom in (("sessions", workload.headroom), ("sessions_to_the_brim", 1.0))
    }
    enough = given_bytes >= need.maxmemory_bytes
    return {"maxmemory_bytes": given_bytes, **fits, "with_headroom": enough}


def _aws(workload: Workload, need: Sizing) -> NodeChoice | None:
    """The cheapest nodes of ElastiCache; None where no type is large enough."""
    try:
        return choose_nodes(
            workload.sessions,
            session_bytes=need.session_bytes,
            buckets=workload.buckets,
            shards=need.primaries,
            headroom=workload.headroom,
        )
    except ConfigError:
        return None


def _document(workload: Workload, need: Sizing, fit: dict[str, Any] | None) -> dict[str, Any]:
    found = {"session_bytes": need.session_bytes, "cluster_due": need.cluster_due, **asdict(need)}
    aws = _aws(workload, need)
    return {
        "workload": asdict(workload),
        "needs": found,
        "aws": aws
        and {
            "node_type": aws.node.name,
            "shards": aws.shards,
            "nodes": need.servers,
            "monthly_dollars": monthly_dollars(aws.node, need.servers),
        },
        "serverless": {"monthly_dollars": _serverless_dollars(workload, need)},
        "prices": price_note(),
    } | ({"fit": fit} if fit else {})


def _text(workload: Workload, need: Sizing, fit: dict[str, Any] | None) -> str:
    one = need.footprint
    rows = [
        (
            "one session",
            f"{need.session_bytes:,} bytes (hash {one.session_bytes:,}, history "
            f"{one.history_bytes:,}, tools {one.tools_bytes:,}, index {one.index_bytes:,})",
        ),
        ("all sessions", f"{need.dataset_bytes / MIB:,.1f} MiB"),
        (
            "maxmemory",
            f"{format_bytes(need.maxmemory_bytes)} a server (x {workload.headroom:g} headroom)",
        ),
        ("pod limit", f"{need.memory_limit_bytes // MIB}Mi, request the same"),
        ("disk", f"{need.disk_bytes // MIB}Mi a server"),
        ("backlog", _backlog(need)),
        ("servers", f"{need.servers} ({need.primaries} x {1 + workload.replicas})"),
        ("cluster", "; ".join(need.cluster_reasons) or "not due: one primary carries it"),
        ("aws", _aws_text(_aws(workload, need), need)),
        (
            "serverless",
            f"about ${_serverless_dollars(workload, need):,.0f} a month, if the peak lasted",
        ),
        ("prices", price_note()),
        ("setting", f"pulumi config set holdfast:sessionBytes {need.session_bytes}"),
    ]
    if fit is not None:
        verdict = "enough" if fit["with_headroom"] else "too small"
        rows.append(
            (
                "fit",
                f"{format_bytes(fit['maxmemory_bytes'])} is {verdict}: {fit['sessions']:,} "
                f"sessions with headroom, {fit['sessions_to_the_brim']:,} to the brim",
            )
        )
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _aws_text(choice: NodeChoice | None, need: Sizing) -> str:
    if choice is None:
        return "no node type holds it: divide the sessions over several stores"
    return cost_phrase(choice.node, need.servers)


def _serverless_dollars(workload: Workload, need: Sizing) -> float:
    """Of a serverless cache: a turn moves its messages in, its load the whole session out."""
    moved = need.session_bytes + workload.messages_per_turn * workload.message_bytes
    return serverless_monthly_dollars(
        need.dataset_bytes, ecpu_per_second=workload.turns_per_second * moved / ECPU_BYTES
    )


def _backlog(need: Sizing) -> str:
    text = f"{format_bytes(need.backlog_bytes)} a server, part of maxmemory"
    if need.backlog_seconds is None:
        return text
    return f"{text}: {need.backlog_seconds:,.0f} s of writes at the peak"


if __name__ == "__main__":
    raise SystemExit(main())
