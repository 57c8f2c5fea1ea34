"""``make down``: destroys the stack `local`; leaves no process, and no file but caches."""

from __future__ import annotations

import argparse
import shutil
import sys

from toolchain import engine
from toolchain.backend import CONFIG, STACK, forget_salt
from toolchain.env import Environment, ensure_environment
from toolchain.errors import EXIT_CONFIGURATION, ToolchainError, run_command
from toolchain.paths import STATE
from toolchain.progress import say
from toolchain.up import has_stack, recover


def down(*, ask: bool) -> int:
    """Destroy the stack and remove it.

    Args:
        ask: whether a person has to say yes first.

    Raises:
        ToolchainError: nobody said yes, or `pulumi destroy` failed.
    """
    found = ensure_environment("local")
    if not has_stack(found):
        say(f"there is no stack {STACK}: nothing to do")
        return 0
    if ask and not _agreed():
        raise ToolchainError("not confirmed: nothing was changed", exit_code=EXIT_CONFIGURATION)
    recover(found)
    report = engine.operate(
        found.pulumi.binary,
        ["destroy", "--stack", STACK],
        found.exports,
        f"pulumi destroy ({STACK})",
        verbose=False,
    )
    say(report.summary())
    if found.backend.folder is not None:
        _forget(found)
    return 0


def _agreed() -> bool:
    if not sys.stdin.isatty():
        say("make down asks first; without a terminal say YES=1")
        return False
    say(f"This stops the servers of stack {STACK} and deletes their data (unless keepData is set).")
    return input("Type yes to go on: ").strip().lower() in ("y", "yes")


def _forget(found: Environment) -> None:
    """Remove the stack from the project's own backend, and what is only there for stacks."""
    # Without --preserve-config the stack's settings would go too.
    found.ask_pulumi("stack", "rm", "--yes", "--preserve-config", STACK)
    folder = found.backend.folder
    if folder is None or any(folder.glob(".pulumi/stacks/**/*.json")):
        return
    shutil.rmtree(folder)
    shutil.rmtree(STATE / "pulumi-home", ignore_errors=True)
    (STATE / "passphrase").unlink(missing_ok=True)
    forget_salt(CONFIG)


def main() -> int:
    """Destroy the store on this machine."""
    parser = argparse.ArgumentParser(prog="toolchain.down", description=main.__doc__)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return down(ask=not parser.parse_args().yes)


if __name__ == "__main__":
    raise SystemExit(run_command(main))
