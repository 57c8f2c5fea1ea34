"""Bringing an emulator up and down, and finding one that runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.standin.aws.emulator.environment import environment
from tests.standin.aws.emulator.layout import ACCOUNT, EmulatorError, Layout, State

PROJECT: Final = Path(__file__).parents[4]
_POLL_SECONDS: Final = 0.05
_UP_SECONDS: Final = 120.0
_DOWN_SECONDS: Final = 30.0

__all__ = ["Emulator", "EmulatorError", "Options", "attach", "bring_up", "start", "take_down"]


@dataclass(frozen=True)
class Options:
    """How to run it.

    Attributes:
        port: on 127.0.0.1; 0 for a free one.
        data_plane: with real servers.
        delay_seconds: how long a store at least stays ``creating`` or ``modifying``.
        die_with_parent: for a test's own: it ends when the process that started it does.
    """

    port: int = 0
    data_plane: bool = True
    delay_seconds: float = 0.2
    die_with_parent: bool = False

    def arguments(self) -> list[str]:
        """Of the command that serves."""
        found = ["--port", str(self.port), "--delay-seconds", str(self.delay_seconds)]
        found += [] if self.data_plane else ["--no-data-plane"]
        return found + (["--die-with-parent"] if self.die_with_parent else [])


@dataclass(frozen=True)
class Emulator:
    """One that runs."""

    layout: Layout
    state: State

    @property
    def endpoint_url(self) -> str:
        """Of every service."""
        return f"http://127.0.0.1:{self.state.port}"

    @property
    def region(self) -> str:
        """That clients get by default."""
        return self.state.region

    @property
    def account(self) -> str:
        """The account that everybody is in."""
        return ACCOUNT

    @property
    def environment(self) -> dict[str, str]:
        """A whole environment for a process that shall see it instead of AWS."""
        return environment(self.layout, self.state)

    def client(self, service: str, **options: Any) -> Any:  # noqa: ANN401 - made from a model at run time
        """A boto3 client; further options are boto3's."""
        import boto3

        session = boto3.Session(
            aws_access_key_id="emulated",
            aws_secret_access_key="emulated",
            region_name=self.region,
        )
        options.setdefault("endpoint_url", self.endpoint_url)
        return session.client(service, **options)  # type: ignore[call-overload]


def attach(folder: Path) -> Emulator | None:
    """The emulator that runs in a folder; None where there is none."""
    layout = Layout(folder)
    state = layout.read_state()
    return Emulator(layout, state) if state is not None else None


def start(folder: Path, options: Options) -> tuple[subprocess.Popen[bytes], Emulator]:
    """Start a process that serves and wait until it answers.

    Raises:
        EmulatorError: it ended, or did not answer in time; with the end of its log.
    """
    layout = Layout(folder)
    layout.claim()
    command = [sys.executable, "-m", __package__, "serve", "--dir", str(folder)]
    with layout.log.open("ab") as log:
        process = subprocess.Popen(
            [*command, *options.arguments()],
            cwd=PROJECT,
            env=_clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        state = _wait_for_answer(layout, process)
    except BaseException:
        process.terminate()
        try:
            process.wait(_DOWN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    return process, Emulator(layout, state)


def bring_up(folder: Path, options: Options) -> tuple[Emulator, bool]:
    """Bring one up that outlives this command; True with it where it was up before."""
    found = attach(folder)
    if found is not None:
        return found, True
    _, emulator = start(folder, options)
    return emulator, False


def take_down(folder: Path) -> bool:
    """End the emulator of a folder and remove what it kept; False where there was nothing.

    Raises:
        EmulatorError: its process does not end.
    """
    layout = Layout(folder)
    if not layout.root.exists():
        return False
    layout.claim()
    state = layout.read_state()
    if state is not None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            _signal(state.pid, number)
            if _until(lambda: not layout.held(), _DOWN_SECONDS):
                break
        else:
            message = f"process {state.pid} of the emulator does not end; end it and run again"
            raise EmulatorError(message)
    with layout.hold():
        layout.remove()
    return state is not None


def _wait_for_answer(layout: Layout, process: subprocess.Popen[bytes]) -> State:
    deadline = time.monotonic() + _UP_SECONDS
    while time.monotonic() < deadline:
        state = layout.read_state()
        if state is not None and state.pid == process.pid and _accepts(state.port):
            return state
        if process.poll() is not None:
            message = f"the emulator ended at once ({process.returncode}):\n{_tail(layout)}"
            raise EmulatorError(message)
        time.sleep(_POLL_SECONDS)
    message = f"the emulator did not answer within {_UP_SECONDS:g} s:\n{_tail(layout)}"
    raise EmulatorError(message)


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0):
            return True
    except OSError:
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _tail(layout: Layout) -> str:
    return layout.log.read_text(errors="replace")[-3000:] if layout.log.exists() else ""


def _clean_environment() -> dict[str, str]:
    """Nothing that would lead moto, or a handler that it runs, to AWS or to another emulator."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "MOTO_")) and name != "HOLDFAST_AWS_NAMES"
    }
