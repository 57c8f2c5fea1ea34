"""Where an emulator keeps what it needs, and how it is seen whether one runs there."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

ACCOUNT: Final = "123456789012"
"""moto's account."""
REGION: Final = "us-east-1"

_MARKER: Final = ".holdfast-aws-emulator"
_OURS: Final = ("state.json", "log", "aws-config", "ca-bundle.pem", "data", "lambda", "snapshots")


class EmulatorError(Exception):
    """It could not be brought up or down, or there is none; the text says what to do."""


@dataclass(frozen=True)
class State:
    """What a running emulator says of itself.

    Attributes:
        pid: of its process.
        port: on 127.0.0.1.
        region: that clients get by default.
        ca_file: PEM of the servers' authority, absent without servers.
        names_file: of the servers, absent without servers.
    """

    pid: int
    port: int
    region: str
    ca_file: str | None
    names_file: str | None


@dataclass(frozen=True)
class Layout:
    """The folder of one emulator."""

    root: Path

    @property
    def state_file(self) -> Path:
        """There while it runs, and after it was killed; the lock tells which."""
        return self.root / "state.json"

    @property
    def log(self) -> Path:
        """What the process wrote."""
        return self.root / "log"

    @property
    def data(self) -> Path:
        """Of the data plane."""
        return self.root / "data"

    @property
    def snapshots(self) -> Path:
        """One folder a snapshot."""
        return self.root / "snapshots"

    @property
    def functions(self) -> Path:
        """Unpacked Lambda functions."""
        return self.root / "lambda"

    @property
    def ca_bundle(self) -> Path:
        """The system's authorities and the servers' one."""
        return self.root / "ca-bundle.pem"

    @property
    def aws_config(self) -> Path:
        """An empty configuration, so that a person's own is never used."""
        return self.root / "aws-config"

    def claim(self) -> None:
        """Make the folder, or check that it is one of ours.

        Raises:
            EmulatorError: it holds something else.
        """
        marker = self.root / _MARKER
        if self.root.exists() and not marker.exists() and any(self.root.iterdir()):
            message = f"{self.root} holds other files: name a folder that is empty or not there"
            raise EmulatorError(message)
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker.touch()

    def clear(self, *, log: bool = True) -> None:
        """Remove what an emulator left, with its log or without; the caller holds the lock."""
        for name in _OURS:
            path = self.root / name
            if path == self.log and not log:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the folder too, unless somebody put something of their own into it."""
        self.clear()
        for name in ("lock", _MARKER):
            (self.root / name).unlink(missing_ok=True)
        if not any(self.root.iterdir()):
            self.root.rmdir()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock as long as the process lives; the kernel gives it back after a kill.

        Raises:
            EmulatorError: another process holds it.
        """
        path = self.root / "lock"
        while True:
            self.claim()
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                message = f"one is up in {self.root} already"
                raise EmulatorError(message) from None
            # Somebody who took an emulator down meanwhile has removed the file that we opened.
            if path.exists() and path.stat().st_ino == os.fstat(handle).st_ino:
                break
            os.close(handle)
        try:
            yield
        finally:
            os.close(handle)

    def held(self) -> bool:
        """Whether a process holds the lock: whether an emulator runs here."""
        try:
            handle = os.open(self.root / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def write_state(self, state: State) -> None:
        """Publish the state, whole or not at all."""
        draft = self.state_file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(state)))
        draft.replace(self.state_file)

    def read_state(self) -> State | None:
        """The state of the emulator that runs here; None while there is none, or not yet."""
        if not self.held():
            return None
        try:
            return State(**json.loads(self.state_file.read_text()))
        except FileNotFoundError:
            return None


def default_folder() -> Path:
    """``$XDG_CACHE_HOME/holdfast/aws-emulator``."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "holdfast" / "aws-emulator"
