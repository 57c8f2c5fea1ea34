"""Prints the tables of docs/proof.md: ``python -m holdfast.verify.proof docs/proof/runs.jsonl``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from holdfast.errors import ConfigError
from holdfast.verify.proof.page import page
from holdfast.verify.record import append_records, parse_record, read_records
from holdfast.verify.result import ExitCode


def main(argv: Sequence[str] | None = None) -> int:
    """Print the page of a file of records, or add to that file first.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        An :class:`~holdfast.verify.result.ExitCode`.
    """
    parser = argparse.ArgumentParser(
        prog="python -m holdfast.verify.proof",
        description="Print what was shown, as the tables of docs/proof.md.",
    )
    parser.add_argument("records", metavar="RECORDS", help="docs/proof/runs.jsonl")
    parser.add_argument(
        "--add",
        metavar="FILE",
        help="first add the records in what `drill --json` printed, such as in a cluster",
    )
    arguments = parser.parse_args(argv)
    try:
        if arguments.add:
            _add(Path(arguments.add), Path(arguments.records))
        sys.stdout.write(page(read_records(Path(arguments.records))))
    except ConfigError as error:
        sys.stderr.write(f"proof: {error}\n")
        return ExitCode.USAGE
    return ExitCode.PASS


def _add(results: Path, records: Path) -> None:
    try:
        found = json.loads(results.read_text(encoding="utf-8"))["records"]
        added = [parse_record(document) for document in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "--add", str(results), "what `drill --json` printed", f"run it again ({error})"
        ) from error
    append_records(records, added)


if __name__ == "__main__":
    raise SystemExit(main())
