"""The rig's commands: up, down, env, status, node, load, logs."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.rig.cleanup import take_down
from tests.cluster.rig.errors import RigError
from tests.cluster.rig.layout import NODE_COUNTS, run_folder
from tests.cluster.rig.logs import last_words
from tests.cluster.rig.rig import DEFAULT_NAME, DEFAULT_NODES, Rig
from toolchain.env import prepend
from toolchain.errors import EXIT_CONFIGURATION, run_command
from toolchain.progress import Task, say


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster.rig",
        description="A real Kubernetes on this machine, for tests. Needs root.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--name", default=DEFAULT_NAME, help="of the instance (default: main)")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser(
        "up", parents=[common], help="bring it up, or bring its images up to date"
    )
    up.add_argument("--nodes", type=int, default=DEFAULT_NODES, choices=NODE_COUNTS)
    commands.add_parser("down", parents=[common], help="remove it, whatever state it is in")
    commands.add_parser("env", parents=[common], help='for a shell: eval "$(... env)"')
    commands.add_parser("status", parents=[common], help="its nodes and whether they are on")
    commands.add_parser("logs", parents=[common], help="the last lines of every component")
    node = commands.add_parser("node", parents=[common], help="let something happen to a node")
    node.add_argument("event", choices=("cut", "heal", "off", "on"))
    node.add_argument("node", metavar="NODE", help="such as node-1")
    return parser


def _down(name: str) -> None:
    with Task(f"taking {name} down"):
        take_down(name)


def _print_environment(rig: Rig) -> None:
    path = prepend([Path(rig.layout.programs.kube)], os.environ.get("PATH", os.defpath))
    print(f"export KUBECONFIG={shlex.quote(str(rig.kubeconfig))}")
    print(f"export PATH={shlex.quote(path)}")


def _print_status(rig: Rig) -> None:
    for node in rig.layout.node_names():
        if not rig.runs(node):
            state = "off"
        else:
            state = "ready" if rig.node_ready(node) else "on, not ready"
        print(f"{node}\t{state}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command."""
    arguments = _parser().parse_args(argv)
    # A termination cleans up like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments.command == "up":
            rig = Rig.up(arguments.nodes, arguments.name)
            named = "" if arguments.name == DEFAULT_NAME else f" --name {arguments.name}"
            say(f'KUBECONFIG={rig.kubeconfig}; eval "$(python -m tests.cluster.rig env{named})"')
        elif arguments.command == "down":
            _down(arguments.name)
        elif arguments.command == "logs":
            print(last_words(run_folder(arguments.name)))
        else:
            rig = Rig.attach(arguments.name)
            if arguments.command == "env":
                _print_environment(rig)
            elif arguments.command == "status":
                _print_status(rig)
            else:
                events = {
                    "cut": rig.cut,
                    "heal": rig.heal,
                    "off": rig.power_off,
                    "on": rig.power_on,
                }
                events[arguments.event](arguments.node)
    except RigError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
