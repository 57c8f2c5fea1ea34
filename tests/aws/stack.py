"""The checkout's own stack on the emulated AWS, under the real engine."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from holdfast.connection import Connection
from tests.engine import PROJECT, Engine, Run
from tests.standin.aws.emulator import Emulator
from tests.standin.aws.emulator.environment import exports

DEPLOY_SECONDS: Final = 300.0
COMMAND_SECONDS: Final = 300.0
WHERE: Final = "emulation: moto and real Valkey on one machine, stand-in for the aws plugin"


@dataclass
class AwsStack:
    """A stack of target aws; nothing is deployed until :meth:`up`.

    Attributes:
        engine: the copy of the checkout.
        emulator: what it is deployed to.
    """

    engine: Engine
    emulator: Emulator
    _connection: Connection | None = field(default=None, repr=False)

    @classmethod
    def prepare(cls, folder: Path, emulator: Emulator, **settings: str) -> AwsStack:
        """Copy the checkout and initialise its stack.

        Args:
            folder: an empty folder.
            emulator: where to.
            settings: keys without their namespace, in place of the defaults.
        """
        engine = Engine.of_checkout(folder)
        engine.use_aws(exports(emulator.layout, emulator.state, engine.environment))
        stack = cls(engine, emulator)
        given = {"target": "aws", "region": "eu-west-1", "expectedSessions": "500", **settings}
        stack.set(**given)
        return stack

    def set(self, **settings: str) -> None:
        """Change settings; the next deployment sees them."""
        for key, value in settings.items():
            self.engine.set_config(f"holdfast:{key}", value)

    def up(self, *arguments: str) -> Run:
        """Deploy; the time it took is printed, not asserted."""
        self._connection = None
        return self._timed("up", "up", "--yes", "--skip-preview", *arguments)

    def unchanged(self) -> None:
        """Neither the program nor what is there asks for a change."""
        self._timed("up unchanged", "up", "--yes", "--skip-preview", "--expect-no-changes")
        self._timed("refresh", "refresh", "--yes", "--skip-preview", "--expect-no-changes")

    def preview(self, *arguments: str, fails: bool = False) -> Run:
        """Say what a deployment would do."""
        return self._timed("preview", "preview", *arguments, fails=fails)

    def destroy(self) -> None:
        """Delete the stack, protected or not."""
        self.engine.run("state", "unprotect", "--all", "--yes")
        self._timed("destroy", "destroy", "--yes", "--skip-preview")

    def _timed(self, what: str, *arguments: str, fails: bool = False) -> Run:
        begin = time.monotonic()
        run = self.engine.run(*arguments, fails=fails, deadline_seconds=DEPLOY_SECONDS)
        sys.stderr.write(f"aws {what}: {time.monotonic() - begin:.1f} s\n")
        return run

    @property
    def connection(self) -> Connection:
        """The operator's Connection, as the stack exported it after the last ``up``."""
        if self._connection is None:
            self._connection = Connection.from_json(self.engine.outputs()["connection"])
        return self._connection

    def run(self, name: str, *arguments: str, code: int = 0) -> str:
        """Run a script on this stack to its end; what it printed on stdout.

        Fails the test, everything shown, where it does not end with ``code``.
        """
        script = str(PROJECT / "scripts" / f"{name}.py")
        done = subprocess.run(
            [sys.executable, script, *arguments, "--stack", self.engine.stack],
            cwd=self.engine.project,
            env=self.engine.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode != code:
            shown = f"{' '.join(done.args[1:])}: exit code {done.returncode}"
            pytest.fail(f"{shown}\n{done.stdout}\n{done.stderr}", pytrace=False)
        sys.stderr.write(done.stderr)
        return done.stdout

    def client(self, service: str) -> Any:  # noqa: ANN401 - a client of boto3
        """What AWS has, in the stack's region."""
        return self.emulator.client(service)

    def secrets_in_plain(self) -> list[str]:
        """Roles whose password stands in the state, or in its plain outputs, for all to read."""
        connection = self.connection
        told = json.dumps(self.engine.export())
        shown = self.engine.run("stack", "output", "--json").stdout
        return [
            role.value
            for role, user in connection.users.items()
            if user.password is not None and (user.password in told or user.password in shown)
        ]


@contextmanager
def deployed(folder: Path, emulator: Emulator, **settings: str) -> Iterator[AwsStack]:
    """A stack that is up; destroyed at the end, whatever happens."""
    stack = AwsStack.prepare(folder, emulator, **settings)
    try:
        stack.up()
        yield stack
    finally:
        stack.destroy()
