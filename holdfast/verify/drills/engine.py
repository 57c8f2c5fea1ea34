"""Bringing a stack's processes back with the engine that made them."""

from __future__ import annotations

import os
import subprocess
from typing import Final

from holdfast.errors import HoldfastError
from holdfast.verify.target import find_pulumi, reason

UP_TIMEOUT_SECONDS: Final = 180.0


def pulumi_up(owner: str) -> None:
    """``pulumi up --refresh``: finds what is down and starts it, the last primary first.

    It is run here and not done by hand, because the order of a start decides about data: the
    provider knows it, and a drill shows that it does.

    Args:
        owner: ``<project>/<stack>``; the current folder has to be the project's.

    Raises:
        ConfigError: there is no pulumi on PATH.
        HoldfastError: it did not work.
    """
    stack = owner.rpartition("/")[2]
    try:
        done = subprocess.run(
            [
                *(find_pulumi(stack, os.environ), "up", "--refresh", "--yes", "--skip-preview"),
                *("--non-interactive", "--color", "never", "--stack", stack),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=UP_TIMEOUT_SECONDS,
            check=False,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            # Ctrl-C is for the drill, which puts everything back before it ends.
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise HoldfastError(f"pulumi up did not end within {UP_TIMEOUT_SECONDS:.0f} s") from None
    if done.returncode != 0:
        raise HoldfastError(f"pulumi up failed: {reason(done.stderr or done.stdout)}")
