"""``make up``: everything a fresh machine needs, then `pulumi up`, then the smoke checks."""

from __future__ import annotations

import argparse
import json

from toolchain import engine
from toolchain.backend import STACK, pending_creates, stale_locks
from toolchain.env import Environment, ensure_environment
from toolchain.errors import run_command
from toolchain.paths import PROJECT
from toolchain.progress import say
from toolchain.smoke import smoke
from toolchain.table import render


def up() -> int:
    """Bring the stack `local` up to date, prove it, and say how to use it.

    Returns:
        The exit code of the smoke checks.

    Raises:
        ToolchainError: the machine lacks something, or `pulumi up` failed.
    """
    found = ensure_environment("local")
    fresh = not has_stack(found)
    found.ask_pulumi("stack", "select", "--create", STACK)
    recover(found)
    report = engine.operate(
        found.pulumi.binary,
        ["up", "--refresh", "--stack", STACK],
        found.exports,
        f"pulumi up ({STACK})",
        verbose=not fresh,
    )
    say("nothing had changed" if report.unchanged else report.summary())
    code = smoke(found)
    if code == 0:
        print(f"\n{render(outputs(found), PROJECT)}")
    return code


def has_stack(found: Environment) -> bool:
    """Whether the stack `local` is there, with resources or without."""
    folder = found.backend.folder
    if folder is not None:
        return any(folder.glob(f".pulumi/stacks/**/{STACK}.json"))
    listed = json.loads(found.ask_pulumi("stack", "ls", "--json"))
    return any(stack["name"].rpartition("/")[2] == STACK for stack in listed)


def recover(found: Environment) -> None:
    """Clear what an earlier run left that died half-way: its lock, and creations it began."""
    folder = found.backend.folder
    if folder is None:
        return
    for lock in stale_locks(folder, STACK):
        lock.unlink(missing_ok=True)
        lock.with_name(f"{lock.name}.attrs").unlink(missing_ok=True)
        say("an earlier run died and left its lock on the stack; removed it")
    names = pending_creates(folder, STACK)
    if names:
        say(f"an earlier run died while it created {', '.join(names)}; looking at what is there")
        engine.operate(
            found.pulumi.binary,
            ["refresh", "--clear-pending-creates", "--stack", STACK],
            found.exports,
            "pulumi refresh",
            verbose=False,
        )


def outputs(found: Environment) -> dict[str, object]:
    """The stack's outputs; secret ones masked."""
    answer: dict[str, object] = json.loads(
        found.ask_pulumi("stack", "output", "--json", "--stack", STACK)
    )
    return answer


def main() -> int:
    """Stand up the store on this machine and prove it."""
    argparse.ArgumentParser(prog="toolchain.up", description=main.__doc__).parse_args()
    return up()


if __name__ == "__main__":
    raise SystemExit(run_command(main))
