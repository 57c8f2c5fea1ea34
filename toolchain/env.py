"""``make env``: what a shell needs so that plain ``pulumi`` works in the project.

    eval "$(make -s env)"

Gets what is missing first. What is printed can be evaluated any number of times.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from toolchain import process
from toolchain.backend import Backend, prepare
from toolchain.errors import run_command
from toolchain.paths import PROJECT, VENV
from toolchain.pulumi_cli import PulumiCli, find_pulumi
from toolchain.servers import ServerInstall, find_server
from toolchain.venv import ensure_venv


@dataclass(frozen=True)
class Environment:
    """Everything is there, and these variables say where.

    Attributes:
        exports: the variables.
        pulumi: the CLI.
        server: what the local stack runs.
        backend: where the state is.
    """

    exports: Mapping[str, str]
    pulumi: PulumiCli
    server: ServerInstall
    backend: Backend

    def ask_pulumi(self, *arguments: str) -> str:
        """What a quick command of the CLI prints, run on the project.

        Raises:
            ToolchainError: it failed.
        """
        argv = [str(self.pulumi.binary), *arguments, "--non-interactive"]
        return process.output(argv, env=self.exports, cwd=PROJECT)


def ensure_environment(level: str = "local") -> Environment:
    """Get what is missing and say where everything is.

    Args:
        level: of the Python environment, see ``venv.LOCKS``.

    Raises:
        ToolchainError: something cannot be had.
    """
    ensure_venv(level)
    # Before the CLI, whose build takes minutes: what cannot be had is said early.
    server = find_server()
    backend = prepare()
    pulumi = find_pulumi()
    folders = [VENV / "bin", pulumi.binary.parent, server.cli.parent]
    # After the CLI's folder: a host that the CLI brings is the better one.
    folders += [pulumi.host_folder] if pulumi.host_folder else []
    exports = {
        "PATH": prepend(folders, os.environ.get("PATH", os.defpath)),
        **backend.exports,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # An Output in a string is a mistake; with this it raises instead of printing a warning.
        "PULUMI_ERROR_OUTPUT_STRING": "1",
        "HOLDFAST_SERVER": str(server.server),
        "HOLDFAST_SERVER_CLI": str(server.cli),
        **name_of_user(os.environ),
    }
    return Environment(exports, pulumi, server, backend)


def name_of_user(environment: Mapping[str, str]) -> Mapping[str, str]:
    """A name for a user who has none, as in containers with a random user id.

    The CLI writes it into its locks, and fails without it.
    """
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return {} if environment.get("USER") else {"USER": f"uid-{os.getuid()}"}
    return {}


def prepend(folders: Iterable[Path], path: str) -> str:
    """Put folders first in a search path; those that are in it already move there."""
    first = (str(folder) for folder in folders)
    rest = (folder for folder in path.split(os.pathsep) if folder)
    return os.pathsep.join(dict.fromkeys([*first, *rest]))


def shell_lines(exports: Mapping[str, str]) -> str:
    """Lines that a POSIX shell evaluates, values quoted."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in exports.items())


def main() -> int:
    """Print what a shell needs: eval "$(make -s env)"."""
    argparse.ArgumentParser(prog="toolchain.env", description=main.__doc__).parse_args()
    print(shell_lines(ensure_environment().exports), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
