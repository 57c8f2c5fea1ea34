"""A stack that ``pulumi up`` brings to its settings, as the means of a rotation."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from holdfast.connection import Connection
from holdfast.errors import ConfigError, VerificationFailed
from holdfast.roles import Place, Role
from holdfast.rotation.means import Interrupted
from holdfast.rotation.settings import NAMESPACE, RotationSettings

_QUICK_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1
_SHOWN_LINES: Final = 12


class PulumiStack:
    """Runs the Pulumi CLI in the project's folder; see :class:`holdfast.rotation.means.Means`.

    Clients are given their Connection by the files that the output ``connection_files`` names, so
    this has to run on the machine that has them.

    Args:
        stack: its name.
        stop: set when the person wants to stop; the engine is then asked to end in good order.
        seconds_left: for the run as a whole.
        tick: called while the engine works.
    """

    def __init__(
        self,
        stack: str,
        *,
        stop: threading.Event,
        seconds_left: Callable[[], float],
        tick: Callable[[], None],
    ) -> None:
        pulumi = shutil.which("pulumi")
        if pulumi is None:
            raise ConfigError(
                "--stack", stack, "the pulumi command on PATH", 'run eval "$(make -s env)" first'
            )
        self._pulumi = pulumi
        self._stack = stack
        self._stop = stop
        self._seconds_left = seconds_left
        self._tick = tick
        self._known: Mapping[str, Any] | None = None

    def require_rights(self) -> None:
        """Refuse before the first step what would be refused in the middle: nothing here."""

    def settings(self) -> RotationSettings:
        """What ``pulumi config`` says."""
        text = self._quick("config", "--json")
        values = {
            key: str(entry.get("value", ""))
            for key, entry in json.loads(text).items()
            if key.startswith(f"{NAMESPACE}:")
        }
        return RotationSettings.from_config(values)

    def apply(self, settings: RotationSettings) -> None:
        """Set the configuration in one write, then deploy."""
        pairs = [f"{key}={value}" for key, value in settings.to_config().items()]
        self._quick(
            "config", "set-all", *(word for pair in pairs for word in ("--plaintext", pair))
        )
        self._known = None
        code, output = self._run(("up", "--yes", "--skip-preview"), self._seconds_left())
        if self._stop.is_set():
            raise Interrupted("stopped while deploying")
        if code != 0:
            raise VerificationFailed(f"pulumi up failed:\n{_last_lines(output)}")

    def connection(self) -> Connection:
        """The stack's secret output ``connection``."""
        return Connection.from_json(str(self._output("connection")))

    def serials(self) -> Mapping[Place, int]:
        """The stack's output ``certificate_serials``."""
        serials = self._output("certificate_serials")
        return {Place(kind): int(serial, 16) for kind, serial in dict(serials).items()}

    def told_at(self, role: Role) -> float | None:
        """When the role's connection file was written."""
        path = dict(self._output("connection_files")).get(role.value)
        if path is None:
            return None
        try:
            return Path(path).stat().st_mtime
        except OSError as error:
            raise ConfigError(
                "connection_files", path, "a file on this machine", str(error.strerror)
            ) from None

    def delivery_seconds(self) -> float:
        """None: what is deployed is there."""
        return 0.0

    def _output(self, name: str) -> Any:  # noqa: ANN401 - outputs are of any shape
        if self._known is None:
            self._known = json.loads(self._quick("stack", "output", "--json", "--show-secrets"))
        if name not in self._known:
            raise ConfigError(
                "--stack", self._stack, f"a stack with the output {name!r}", "deploy it (make up)"
            )
        return self._known[name]

    def _quick(self, *arguments: str) -> str:
        code, output = self._run(arguments, _QUICK_SECONDS)
        if self._stop.is_set() and code != 0:
            raise Interrupted("stopped")
        if code != 0:
            # The text of a command that shows secrets only on success.
            raise ConfigError(
                "--stack",
                self._stack,
                f"a stack that `pulumi {' '.join(arguments[:2])}` can read",
                f"run this in the project's folder; pulumi says: {_last_lines(output)}",
            )
        return output

    def _run(self, arguments: Sequence[str], seconds: float) -> tuple[int, str]:
        """Exit code and stdout, with stderr behind it where the command failed."""
        if self._stop.is_set():
            raise Interrupted("stopped before the next step")
        child = subprocess.Popen(
            [
                *(self._pulumi, *arguments, "--stack", self._stack),
                *("--non-interactive", "--color=never"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            # Ctrl-C goes to this process alone, which hands it on once: a second one would make
            # the engine leave its work half recorded.
            process_group=0,
        )
        until, asked = time.monotonic() + seconds, False
        while True:
            try:
                stdout, stderr = child.communicate(timeout=_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                self._tick()
                if not asked and (self._stop.is_set() or time.monotonic() > until):
                    asked = True
                    child.send_signal(signal.SIGINT)
            else:
                if asked and not self._stop.is_set():
                    raise VerificationFailed(
                        f"pulumi {arguments[0]} was stopped after {seconds:.0f} s: the time was up"
                    )
                return child.returncode, stdout if child.returncode == 0 else stdout + stderr


def _last_lines(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(lines[-_SHOWN_LINES:])
