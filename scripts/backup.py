#!/usr/bin/env python3
"""Take a snapshot of a store on AWS, or list them: ``scripts/backup.py take --stack chat-prod``."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from holdfast.errors import ConfigError, StoreUnavailable, VerificationFailed
from holdfast.verify.cli import interrupts
from holdfast.verify.result import ExitCode
from holdfast.verify.target import plain_outputs

_TAKE_SECONDS: Final = 3600.0
_SHOW_EVERY_SECONDS: Final = 30.0


def main(argv: Sequence[str] | None = None) -> int:
    """Take a snapshot, or print those that there are."""
    arguments = _parser().parse_args(argv)
    stop = threading.Event()
    try:
        with interrupts(stop, "backup", "leaving the snapshot to AWS"):
            return _run(arguments, stop)
    except ConfigError as error:
        return _say(error, ExitCode.INTERRUPTED if stop.is_set() else ExitCode.USAGE)
    except StoreUnavailable as error:
        return _say(error, ExitCode.INTERRUPTED if stop.is_set() else ExitCode.NO_CONNECTION)
    except VerificationFailed as error:
        return _say(error, ExitCode.CHECK_FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backup",
        description="Snapshots of a store in ElastiCache. holdfast:restoreSnapshot begins a store "
        "with one.",
        epilog="exit codes: 0 done, 1 the snapshot failed, 2 wrong arguments, stack or rights, "
        "3 AWS did not answer or the time was over, 130 interrupted",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--stack", metavar="NAME", required=True, help="whose store")
    common.add_argument("--json", action="store_true", help="print JSON")
    commands = parser.add_subparsers(dest="command", required=True)
    take = commands.add_parser("take", parents=[common], help="take one, and wait for it")
    take.add_argument("--name", help="of the snapshot (default: the store's and the time)")
    take.add_argument(
        "--timeout-seconds",
        type=_seconds,
        default=_TAKE_SECONDS,
        metavar="N",
        help="how long to wait (default %(default)g)",
    )
    commands.add_parser("list", parents=[common], help="print those that there are, newest first")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError(text)
    return seconds


def _run(arguments: argparse.Namespace, stop: threading.Event) -> int:
    outputs = plain_outputs(arguments.stack)
    try:
        from holdfast.aws.backups import Backups, Store  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            "backup",
            error.name,
            "the AWS SDK",
            "install Holdfast with the extra aws (python3 -m toolchain.venv --level all)",
        ) from None
    backups = Backups(Store.of_outputs(arguments.stack, outputs))
    if arguments.command == "list":
        found = backups.all()
        if arguments.json:
            print(json.dumps([asdict(backup) for backup in found], indent=2))
        for backup in () if arguments.json else found:
            print(f"{backup.name}\t{backup.status}\t{backup.kind}\t{backup.created}")
        return ExitCode.PASS
    shown = [0.0]

    def watch(status: str, elapsed: float) -> None:
        if elapsed >= shown[0]:
            shown[0] = elapsed + _SHOW_EVERY_SECONDS
            sys.stderr.write(f"backup: {status}, {elapsed:.0f} s\n")

    taken = backups.take(
        arguments.name, stop=stop, timeout_seconds=arguments.timeout_seconds, watch=watch
    )
    print(json.dumps(asdict(taken), indent=2) if arguments.json else taken.name)
    return ExitCode.PASS


def _say(error: Exception, code: ExitCode) -> int:
    sys.stderr.write(f"backup: {error}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
