"""The command ``smoke``: arguments in, report out, exit code."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from holdfast.aws.lambda_errors import FunctionFailed
from holdfast.cluster.errors import ClusterUnavailable
from holdfast.cluster.near_side import FarSideLost
from holdfast.connection import Connection
from holdfast.errors import (
    AccessDenied,
    ConfigError,
    HoldfastError,
    StoreUnavailable,
    TlsFailed,
)
from holdfast.verify import ways
from holdfast.verify.catalogue import GROUPS, select
from holdfast.verify.junit import to_junit
from holdfast.verify.progress import Progress
from holdfast.verify.record import Kind, Record, append_records, record
from holdfast.verify.render import render
from holdfast.verify.result import ExitCode, Failure, Group, NotChecked, Outcome, Report
from holdfast.verify.runner import DEFAULT_TIMEOUT_SECONDS
from holdfast.verify.target import ENVIRONMENT_VARIABLE

_LOG: Final = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Check a deployed store.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        An :class:`ExitCode`.
    """
    arguments = _parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO if arguments.verbose else logging.WARNING,
        format="%(levelname)s %(message)s",
        stream=sys.stderr,
    )
    if arguments.list:
        return _list(arguments.only)
    stop = threading.Event()
    try:
        with interrupts(stop, "smoke", "removing the keys of this run"):
            return _smoke(arguments, stop)
    except ConfigError as error:
        # Ctrl-C reaches the pulumi command too, which then has no answer.
        return _say(error, ExitCode.INTERRUPTED if stop.is_set() else ExitCode.USAGE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="smoke",
        description="Prove that a deployed session store holds. It writes under a reserved "
        "tenant and removes what it wrote.",
        epilog="exit codes: 0 every check held, 1 one did not, 2 wrong arguments or connection, "
        "3 the store could not be reached, 130 interrupted",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--stack", metavar="NAME", help="read the connection from a Pulumi stack")
    where.add_argument(
        "--connection",
        metavar="FILE",
        help=f"read it from a file (default: the variable {ENVIRONMENT_VARIABLE}, JSON or a path)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.add_argument("--junit", metavar="FILE", help="also write the report as JUnit XML")
    parser.add_argument(
        "--record", metavar="FILE", help="add what was shown to a file, for docs/proof.md"
    )
    parser.add_argument(
        "--where",
        metavar="TEXT",
        default="",
        help="what the store runs on, for the record: 'three-node test cluster on one machine'",
    )
    parser.add_argument(
        "--only",
        metavar="GROUP",
        action="append",
        default=[],
        type=_group,
        help=f"only this group of checks: {', '.join(GROUPS)}; may be repeated",
    )
    parser.add_argument(
        "--timeout-seconds",
        metavar="N",
        type=_seconds,
        default=DEFAULT_TIMEOUT_SECONDS,
        help=f"for the whole run (default {DEFAULT_TIMEOUT_SECONDS:g})",
    )
    parser.add_argument("--list", action="store_true", help="print the checks and end")
    parser.add_argument(
        "--verbose", action="store_true", help="also say what was seen where a check held"
    )
    ways.add_arguments(parser)
    return parser


def _group(text: str) -> Group:
    if text not in GROUPS:
        raise argparse.ArgumentTypeError(f"got {text!r}, need one of {', '.join(GROUPS)}")
    return Group(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"got {text!r}, need seconds above 0")
    return seconds


def _list(groups: Sequence[Group]) -> int:
    for check in select(groups):
        print(f"{check.group:<9} {check.name}")
    return ExitCode.PASS


def _smoke(arguments: argparse.Namespace, stop: threading.Event) -> int:
    junit = _writable(arguments.junit)
    way = ways.choose(arguments)
    try:
        with Progress(len(select(arguments.only))) as progress:
            done = way.run(arguments, stop, progress)
    except NotChecked as reason:
        raise ConfigError(
            "connection", "a login that cannot be used", "a role with a password", str(reason)
        ) from None
    except (StoreUnavailable, TlsFailed, AccessDenied) as error:
        if stop.is_set() and isinstance(error, ClusterUnavailable | FunctionFailed):
            return _say(error, ExitCode.INTERRUPTED)
        report = Report.of_refusal(way.store, _refusal(error, way.fix))
        _publish(report, arguments, junit)
        return _say(error, ExitCode.NO_CONNECTION)
    report = done.report
    _publish(report, arguments, junit)
    if report.interrupted:
        return ExitCode.INTERRUPTED
    if arguments.record and not arguments.only:
        append_records(Path(arguments.record), [_record(done.store, report, arguments.where)])
    return ExitCode.PASS if report.ok else ExitCode.CHECK_FAILED


def _refusal(error: HoldfastError, unanswered: str) -> Failure:
    fix = {
        AccessDenied: "export the connection again: the password was rotated",
        ClusterUnavailable: "see the cluster, the context and the image",
        FarSideLost: "see the verifier's state above; run it again",
        FunctionFailed: "see the function's log; run it again",
        TlsFailed: "export the connection again: the CA was rotated, or it is another server",
    }
    return Failure(
        "a connection to the store",
        str(error),
        fix.get(type(error), unanswered),
    )


def _publish(report: Report, arguments: argparse.Namespace, junit: Path | None) -> None:
    if arguments.json:
        print(report.to_json())
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print(render(report, colour=colour, verbose=arguments.verbose), end="")
    if junit is not None:
        junit.write_text(to_junit(report), encoding="utf-8")


def _record(connection: Connection, report: Report, where: str) -> Record:
    counts = report.counts
    figures = {
        "passed": counts[Outcome.PASS],
        "failed_checks": counts[Outcome.FAIL],
        "not_checked": counts[Outcome.NOT_CHECKED],
        "duration_seconds": report.duration_ms / 1000,
    }
    return record(connection, Kind.SMOKE, "smoke", [(report.ok, figures)], where=where)


def _writable(path: str | None) -> Path | None:
    """The JUnit file, opened once before the run: a bad path must not cost its results."""
    if path is None:
        return None
    file = Path(path)
    try:
        with file.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise ConfigError(
            "--junit", path, "a file that can be written", error.strerror or "choose another"
        ) from None
    return file


def _say(error: HoldfastError, code: ExitCode) -> int:
    sys.stderr.write(f"smoke: {error}\n")
    return code


@contextmanager
def interrupts(stop: threading.Event, program: str, ending: str) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask the run to end; they never break into its cleanup.

    Args:
        stop: set by the first of them.
        program: who says so.
        ending: what is done before the end, such as "removing keys".
    """

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        again = stop.is_set()
        stop.set()
        sys.stderr.write(f"\n{program}: {'still' if again else 'stopping and'} {ending}\n")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, ask) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
