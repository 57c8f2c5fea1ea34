"""A copy of the checkout with its stack, and the kit's own commands on it: what targets share."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from holdfast.connection import Connection
from tests.engine import PROJECT, Engine, Run


@dataclass
class DeployedStack:
    """A stack of one target; nothing is deployed until :meth:`up`.

    Attributes:
        target: its name, for what is printed.
        deploy_seconds: what a deployment may take at most.
        engine: the copy of the checkout.
    """

    target: ClassVar[str]
    deploy_seconds: ClassVar[float]

    engine: Engine
    _connection: Connection | None = field(default=None, init=False, repr=False)

    def set(self, **settings: str) -> None:
        """Change settings; the next deployment sees them."""
        for key, value in settings.items():
            self.engine.set_config(f"holdfast:{key}", value)

    def up(self, *arguments: str) -> Run:
        """Deploy; the time it took is printed, not asserted."""
        self.forget()
        return self._timed("up", "up", "--yes", "--skip-preview", *arguments)

    def _timed(self, what: str, *arguments: str, fails: bool = False) -> Run:
        begin = time.monotonic()
        run = self.engine.run(*arguments, fails=fails, deadline_seconds=self.deploy_seconds)
        sys.stderr.write(f"{self.target} {what}: {time.monotonic() - begin:.1f} s\n")
        return run

    @property
    def connection(self) -> Connection:
        """The operator's Connection, as the stack exported it after the last ``up``."""
        if self._connection is None:
            self._connection = Connection.from_json(self.engine.outputs()["connection"])
        return self._connection

    def forget(self) -> None:
        """Read the Connection again: something else than :meth:`up` deployed."""
        self._connection = None

    def command(self, name: str, *arguments: str) -> list[str]:
        """How a script is run on this stack."""
        script = str(PROJECT / "scripts" / f"{name}.py")
        return [sys.executable, script, *arguments, "--stack", self.engine.stack]

    def _finish(
        self, name: str, *arguments: str, seconds: float, wanted: Callable[[int], bool]
    ) -> subprocess.CompletedProcess[str]:
        """Run a script to its end. Fails the test, everything shown, at an unwanted exit code."""
        done = subprocess.run(
            self.command(name, *arguments),
            cwd=self.engine.project,
            env=self.engine.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if not wanted(done.returncode):
            shown = f"{' '.join(done.args[1:])}: exit code {done.returncode}"
            pytest.fail(f"{shown}\n{done.stdout}\n{done.stderr}", pytrace=False)
        return done
