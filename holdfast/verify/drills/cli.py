"""The command ``drill``: arguments in, verdict out, exit code."""

from __future__ import annotations

import argparse
import sys
import textwrap
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from holdfast.cluster import via
from holdfast.cluster.errors import ClusterUnavailable
from holdfast.cluster.tasks import Drills
from holdfast.connection import Connection
from holdfast.errors import (
    AccessDenied,
    ConfigError,
    HoldfastError,
    StoreUnavailable,
    TlsFailed,
)
from holdfast.verify.cli import interrupts
from holdfast.verify.drills.catalogue import (
    DRILLS,
    Drill,
    change_drill,
    impossible,
    possible,
    select,
)
from holdfast.verify.drills.choice import means_of, where_of, words
from holdfast.verify.drills.means import Means
from holdfast.verify.drills.repeat import records, repeated
from holdfast.verify.drills.result import DrillResult, Interrupted, to_json
from holdfast.verify.drills.runner import Options, run_drills
from holdfast.verify.drills.there import Screen, is_there, run_drills_there
from holdfast.verify.ledger_run import DEFAULT_WRITERS
from holdfast.verify.record import append_records
from holdfast.verify.result import ExitCode
from holdfast.verify.runner import describe
from holdfast.verify.target import ENVIRONMENT_VARIABLE, plain_outputs, resolve

_NAME_WIDTH: Final = 22
_WIDTH: Final = 100
_MAX_WRITERS: Final = 64
_MAX_RUNS: Final = 100


def main(argv: Sequence[str] | None = None) -> int:
    """Run drills on a deployed store.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        An :class:`~holdfast.verify.result.ExitCode`.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    if (
        not arguments.list
        and bool(arguments.names) + arguments.all + (arguments.during is not None) != 1
    ):
        parser.error("give the names of drills, --all, or --while (--list shows the drills)")
    stop = threading.Event()
    try:
        if arguments.list:
            return _list(arguments)
        drills = _chosen(arguments)
        with interrupts(stop, "drill", "putting everything back"):
            return _run(arguments, drills, stop)
    except Interrupted:
        return ExitCode.INTERRUPTED
    except ConfigError as error:
        return _say(error, ExitCode.INTERRUPTED if stop.is_set() else ExitCode.USAGE)
    except (StoreUnavailable, TlsFailed, AccessDenied) as error:
        stopped = stop.is_set() and isinstance(error, ClusterUnavailable)
        return _say(error, ExitCode.INTERRUPTED if stopped else ExitCode.NO_CONNECTION)
    except HoldfastError as error:
        return _say(error, ExitCode.CHECK_FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="drill",
        description="Hurt a deployed store on purpose, with writers at work, and see that it "
        "holds what it promises. Everything is put back at the end.",
        epilog="exit codes: 0 every drill held, 1 one did not, or the store was not well to begin "
        "with, 2 wrong arguments or connection, 3 the store could not be reached, 130 interrupted",
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="which drills")
    parser.add_argument("--all", action="store_true", help="all that the target can do")
    parser.add_argument(
        "--while",
        dest="during",
        metavar="COMMAND",
        help="let writers work while a command runs, such as 'pulumi up --yes', and see that it "
        "loses nothing and makes them wait only shortly",
    )
    parser.add_argument(
        "--list",
        action="store_true",
        help="print the drills and end; with --stack or --connection also which of them that "
        "target can be put through",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--stack", metavar="NAME", help="read the connection from a Pulumi stack")
    where.add_argument(
        "--connection",
        metavar="FILE",
        help="read it from a file in the stack's folder (default: the variable "
        f"{ENVIRONMENT_VARIABLE})",
    )
    parser.add_argument(
        "--i-know",
        action="store_true",
        help="also on a stack whose preset is prod, or is not known",
    )
    parser.add_argument(
        "--writers",
        metavar="N",
        type=_up_to(_MAX_WRITERS),
        default=DEFAULT_WRITERS,
        help=f"writers at work at the same time (default {DEFAULT_WRITERS})",
    )
    parser.add_argument(
        "--processes",
        metavar="N",
        type=_up_to(_MAX_WRITERS),
        default=1,
        help="processes that the writers are spread over (default 1, this one)",
    )
    parser.add_argument(
        "--slack-seconds",
        metavar="N",
        type=float,
        default=Options().slack_seconds,
        help="added to every bound of time, for machines that are busy with other things; what may "
        "be lost stays (default 0)",
    )
    parser.add_argument(
        "--repeat",
        metavar="N",
        type=_up_to(_MAX_RUNS),
        default=1,
        help="run each drill N times; every run has to hold (default 1)",
    )
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
        "--timeout-seconds",
        metavar="N",
        type=float,
        default=Options().health_seconds,
        help="how long the store may take to be well before a drill "
        f"(default {Options().health_seconds:g})",
    )
    parser.add_argument("--json", action="store_true", help="print the results as one JSON object")
    parser.add_argument("--verbose", action="store_true", help="also say what was done and when")
    service = parser.add_argument_group("a store in ElastiCache, without --stack")
    service.add_argument("--replication-group", metavar="ID", default="", help="which it is")
    service.add_argument("--region", metavar="REGION", default="", help="where it is")
    via.add_arguments(parser)
    parser.add_argument(
        "--node-command",
        metavar="COMMAND",
        default="",
        help="cuts nodes of the cluster off and switches them: run as "
        "`COMMAND cut|heal|off|on NODE`; without it, drills that need that are not possible",
    )
    return parser


def _up_to(most: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        number = int(text) if text.isdigit() else 0
        if not 1 <= number <= most:
            raise argparse.ArgumentTypeError(f"got {text!r}, need 1 to {most}")
        return number

    return count


def _chosen(arguments: argparse.Namespace) -> tuple[Drill, ...] | None:
    """The drills that were asked for; None for all that the target can do."""
    if arguments.during is not None:
        command = words("--while", arguments.during)
        if not command:
            raise ConfigError("--while", "nothing", "a command that changes the store", "name one")
        return (change_drill(command),)
    return None if arguments.all else select(arguments.names)


def _list(arguments: argparse.Namespace) -> ExitCode:
    """Print the drills; where a target is named, also which of them it cannot be put through."""
    if not (arguments.stack or arguments.connection):
        for drill in DRILLS:
            print(f"{drill.name:<{_NAME_WIDTH}} {drill.shows}")
        return ExitCode.PASS
    connection = resolve(stack=arguments.stack, file=arguments.connection)
    outputs = plain_outputs(arguments.stack) if arguments.stack else {}
    actions = means_of(connection, arguments, outputs).actions()
    for drill in DRILLS:
        lacking = impossible(drill, actions, connection.topology)
        said = f"not here: {lacking}" if lacking else drill.shows
        print(f"{drill.name:<{_NAME_WIDTH}} {said}")
    return ExitCode.PASS


def _run(
    arguments: argparse.Namespace, drills: Sequence[Drill] | None, stop: threading.Event
) -> ExitCode:
    connection = resolve(stack=arguments.stack, file=arguments.connection)
    outputs = plain_outputs(arguments.stack) if arguments.stack else {}
    refuse_production(outputs.get("preset"), known=arguments.i_know)
    means = means_of(connection, arguments, outputs)
    if drills is None:
        drills = possible(means.actions(), connection.topology)

    each = [drill for drill in drills for _ in range(arguments.repeat)]
    results = _results(arguments, connection, means, each, stop)
    shown = records(
        connection, results, writers=arguments.writers, where=where_of(arguments.where, means)
    )
    if arguments.json:
        print(to_json(describe(connection), results, shown))
    elif arguments.repeat > 1:
        for runs in repeated(results):
            print(f"{runs.drill:<{_NAME_WIDTH}} {runs.summary()}")
    if arguments.record and not stop.is_set():
        append_records(Path(arguments.record), shown)
    if stop.is_set():
        return ExitCode.INTERRUPTED
    return ExitCode.PASS if all(result.ok for result in results) else ExitCode.CHECK_FAILED


def _results(
    arguments: argparse.Namespace,
    connection: Connection,
    means: Means,
    runs: Sequence[Drill],
    stop: threading.Event,
) -> Sequence[DrillResult]:
    """Run drills, from here or from a pod beside the store."""

    def finished(result: DrillResult) -> None:
        if not arguments.json:
            print(render(result, verbose=arguments.verbose), flush=True)

    if is_there(arguments, connection):
        task = Drills(
            connection,
            tuple(drill.name for drill in runs),
            tuple(words("--while", arguments.during or "")),
            writers=arguments.writers,
            processes=arguments.processes,
            health_seconds=arguments.timeout_seconds,
            slack_seconds=arguments.slack_seconds,
        )
        return run_drills_there(arguments, task, means, Screen(_progress, finished), stop)
    options = Options(
        writers=arguments.writers,
        processes=arguments.processes,
        health_seconds=arguments.timeout_seconds,
        slack_seconds=arguments.slack_seconds,
    )
    return run_drills(
        connection, means, runs, options=options, stop=stop, say=_progress, finished=finished
    )


def refuse_production(preset: object, *, known: bool) -> None:
    """Drills interrupt writers and may lose turns: not by mistake where it matters.

    Args:
        preset: the stack's output of this name; None where nobody says.
        known: the person said that they know.

    Raises:
        ConfigError: it is prod or unknown, and the person did not say so.
    """
    if known or preset in ("dev", "staging"):
        return
    raise ConfigError(
        "preset",
        preset or "nothing that says whether this is production",
        "a stack of preset dev or staging",
        "drills interrupt writers; add --i-know if that is what you want",
    )


def render(result: DrillResult, *, verbose: bool) -> str:
    """A result as text for a person."""
    mark = "ok" if result.ok else "--" if result.interrupted else "FAIL"
    lines = [f"{mark:<5}{result.drill:<{_NAME_WIDTH}} {result.summary()}"]
    if result.interrupted:
        lines.append("     interrupted; everything was put back")
    for failure in result.failures:
        lines += textwrap.wrap(
            failure, _WIDTH, initial_indent="     - ", subsequent_indent="       "
        )
    if verbose:
        lines += [f"     {at:7.2f} s  {what}" for at, what in result.events]
        if result.agreement:
            lines.append(f"     {result.agreement}")
    return "\n".join(lines)


def _progress(text: str) -> None:
    sys.stderr.write(f"drill: {text}\n")


def _say(error: HoldfastError, code: ExitCode) -> ExitCode:
    sys.stderr.write(f"drill: {error}\n")
    return code
