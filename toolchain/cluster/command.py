"""``make cluster`` and ``make cluster-down``: the test cluster, in the project's environment."""

from __future__ import annotations

import sys

from toolchain import foreground
from toolchain.errors import run_command
from toolchain.paths import PROJECT
from toolchain.venv import ensure_venv


def main() -> int:
    """Run a command of the rig: up, down, env, status, logs, node."""
    python = ensure_venv()
    argv = [str(python), "-m", "tests.cluster.rig", *(sys.argv[1:] or ["--help"])]
    sys.stdout.flush()
    return foreground.run(argv, env={}, cwd=PROJECT).code


if __name__ == "__main__":
    raise SystemExit(run_command(main))
