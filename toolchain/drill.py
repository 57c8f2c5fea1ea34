"""``make drill``: drills on the stack `local`, in the project's environment; all by default."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from toolchain import foreground
from toolchain.backend import STACK
from toolchain.env import Environment, ensure_environment
from toolchain.errors import run_command
from toolchain.paths import PROJECT, VENV

PROGRAM = PROJECT / "scripts" / "drill.py"


def drill(found: Environment, arguments: Sequence[str] = ()) -> int:
    """Run drills and return their exit code.

    Args:
        found: where everything is.
        arguments: for the script; ``--all`` by default.
    """
    sys.stdout.flush()
    python = str(VENV / "bin" / "python")
    argv = [python, str(PROGRAM), "--stack", STACK, *(arguments or ["--all"])]
    return foreground.run(argv, env=found.exports, cwd=PROJECT).code


def main() -> int:
    """Drill the store that is up."""
    return drill(ensure_environment(), sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(run_command(main))
