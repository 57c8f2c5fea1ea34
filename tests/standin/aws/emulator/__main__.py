"""The emulator's commands: up, down, status, env."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.standin.aws.emulator.environment import shell_lines
from tests.standin.aws.emulator.layout import default_folder
from tests.standin.aws.emulator.lifetime import (
    Emulator,
    EmulatorError,
    Options,
    attach,
    bring_up,
    take_down,
)
from toolchain.errors import EXIT_CONFIGURATION, EXIT_FAILED, run_command
from toolchain.progress import Task, say

_PROGRAM = "python -m tests.standin.aws.emulator"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="An AWS of one machine, for tests: moto with an ElastiCache of its own.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--dir", type=Path, default=default_folder(), help="its folder (default: %(default)s)"
    )
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--port", type=int, default=0, help="on 127.0.0.1 (default: a free one)")
    options.add_argument(
        "--no-data-plane", action="store_true", help="no servers: the names lead nowhere"
    )
    options.add_argument(
        "--delay-seconds",
        type=float,
        default=Options.delay_seconds,
        help="how long a store at least stays creating or modifying (default: %(default)s)",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", parents=[common, options], help="bring it up")
    commands.add_parser("down", parents=[common], help="end it and remove what it kept")
    commands.add_parser("status", parents=[common], help="whether it is up: exit code 0 or 1")
    commands.add_parser("env", parents=[common], help='for a shell: eval "$(... env)"')
    serving = commands.add_parser(
        "serve", parents=[common, options], help="in the foreground; `up` starts this"
    )
    serving.add_argument("--die-with-parent", action="store_true", help=argparse.SUPPRESS)
    return parser


def _up(folder: Path, options: Options) -> int:
    found = attach(folder)
    if found is None:
        with Task("bringing the emulator up"):
            found, before = bring_up(folder, options)
    else:
        before = True
    say(f"{'it is up already' if before else 'up'}: {found.endpoint_url}, in {folder}")
    say(f'next: eval "$({_PROGRAM} env --dir {folder})"')
    return 0


def _down(folder: Path) -> int:
    with Task("taking the emulator down"):
        ran = take_down(folder)
    if not ran:
        say(f"none was up in {folder}")
    return 0


def _status(found: Emulator | None) -> int:
    if found is None:
        sys.stdout.write("down\n")
        return EXIT_FAILED
    servers = "real servers" if found.state.names_file else "no servers"
    sys.stdout.write(f"up\t{found.endpoint_url}\tprocess {found.state.pid}\t{servers}\n")
    return 0


def _env(found: Emulator | None, folder: Path) -> int:
    if found is None:
        message = f"none is up in {folder}: run `{_PROGRAM} up --dir {folder}`"
        raise EmulatorError(message)
    sys.stdout.write("\n".join(shell_lines(found.layout, found.state)) + "\n")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command."""
    arguments = _parser().parse_args(argv)
    folder: Path = arguments.dir.resolve()
    # A termination cleans up like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments.command in ("up", "serve"):
            options = Options(
                port=arguments.port,
                data_plane=not arguments.no_data_plane,
                delay_seconds=arguments.delay_seconds,
                die_with_parent=getattr(arguments, "die_with_parent", False),
            )
            if arguments.command == "up":
                return _up(folder, options)
            from tests.standin.aws.emulator.serve import serve

            return serve(folder, options)
        if arguments.command == "down":
            return _down(folder)
        found = attach(folder)
        return _status(found) if arguments.command == "status" else _env(found, folder)
    except EmulatorError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_CONFIGURATION


if __name__ == "__main__":
    raise SystemExit(run_command(partial(main)))
