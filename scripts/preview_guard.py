#!/usr/bin/env python3
"""Refuse plans that would harm what is stored: ``pulumi preview --json | preview_guard.py``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from holdfast.errors import AccessDenied, ConfigError, HoldfastError, StoreUnavailable, TlsFailed
from holdfast.verify.plan import Plan, parse_plan
from holdfast.verify.plan_guard import judge
from holdfast.verify.plan_report import to_json, to_markdown, to_text
from holdfast.verify.result import ExitCode, NotChecked
from holdfast.verify.stored import fullest_used_bytes
from holdfast.verify.target import resolve

_STDIN = "-"


def main(argv: Sequence[str] | None = None) -> int:
    """Judge a plan.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        An :class:`ExitCode`: 1 where the plan is refused.
    """
    arguments = _parser().parse_args(argv)
    try:
        plan = _read(arguments.plan)
        used_bytes = _used_bytes(arguments)
        verdict = judge(
            plan,
            used_bytes=used_bytes,
            allowed=frozenset(arguments.allow),
            waiting=arguments.accept_waiting,
        )
        if arguments.markdown not in (None, _STDIN):
            _write(arguments.markdown, to_markdown(verdict))
    except ConfigError as error:
        return _say(error, ExitCode.USAGE)
    except NotChecked as reason:
        return _say(reason, ExitCode.USAGE)
    except (StoreUnavailable, TlsFailed, AccessDenied) as error:
        return _say(error, ExitCode.NO_CONNECTION)
    if arguments.markdown == _STDIN:
        sys.stdout.write(to_markdown(verdict))
    elif arguments.json:
        print(to_json(verdict))
    else:
        sys.stdout.write(to_text(verdict))
    return ExitCode.PASS if verdict.ok else ExitCode.CHECK_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="preview_guard",
        description="Refuse a plan that would replace, delete or empty what holds sessions, turn "
        "TLS or ACL off, break logins, wait unseen, or shrink below what is stored.",
        epilog="exit codes: 0 passed, 1 refused, 2 no plan or wrong arguments, 3 the store of "
        "--connection or --stack could not be reached",
    )
    parser.add_argument(
        "plan",
        nargs="?",
        default=_STDIN,
        metavar="FILE",
        help="output of `pulumi preview --json` (default: standard input)",
    )
    parser.add_argument(
        "--allow",
        metavar="URN",
        action="append",
        default=[],
        help="accept the changes of this one resource; may be repeated",
    )
    parser.add_argument(
        "--accept-waiting",
        action="store_true",
        help="changes may wait for the store's maintenance window (aws without applyImmediately)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--stack", metavar="NAME", help="compare amounts with what this stack's store holds"
    )
    where.add_argument(
        "--connection", metavar="FILE", help="the same, with the Connection in a file"
    )
    parser.add_argument("--json", action="store_true", help="print the verdict as one JSON object")
    parser.add_argument(
        "--markdown",
        metavar="FILE",
        nargs="?",
        const=_STDIN,
        help="write a summary for a pull request; without FILE, or with -, to standard output",
    )
    return parser


def _read(path: str) -> Plan:
    if path == _STDIN:
        return parse_plan(sys.stdin.buffer.read())
    try:
        return parse_plan(Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(
            "preview", path, "a readable file", error.strerror or "check the path"
        ) from None


def _used_bytes(arguments: argparse.Namespace) -> int | None:
    if arguments.stack is None and arguments.connection is None:
        return None
    connection = resolve(stack=arguments.stack, file=arguments.connection)
    return fullest_used_bytes(connection)


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            "--markdown", path, "a file that can be written", error.strerror or "choose another"
        ) from None


def _say(error: HoldfastError, code: ExitCode) -> int:
    sys.stderr.write(f"preview_guard: {error}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
