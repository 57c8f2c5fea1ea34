"""``make smoke``: the smoke checks on the stack `local`, in the project's environment."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from toolchain import foreground
from toolchain.backend import STACK
from toolchain.env import Environment, ensure_environment
from toolchain.errors import run_command
from toolchain.paths import PROJECT, VENV

PROGRAM = PROJECT / "scripts" / "smoke.py"


def smoke(found: Environment, arguments: Sequence[str] = ()) -> int:
    """Run the checks and return their exit code.

    Args:
        found: where everything is.
        arguments: further ones for the script.
    """
    sys.stdout.flush()
    argv = [str(VENV / "bin" / "python"), str(PROGRAM), "--stack", STACK, *arguments]
    return foreground.run(argv, env=found.exports, cwd=PROJECT).code


def main() -> int:
    """Check the store that is up."""
    return smoke(ensure_environment(), sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(run_command(main))
