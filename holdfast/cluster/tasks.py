"""What can be done on the far side: the same functions that the commands call directly."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from holdfast.connection import Connection
from holdfast.errors import ConfigError
from holdfast.roles import Role
from holdfast.rotation import means as rotation_means
from holdfast.rotation.run import Done, Rotation
from holdfast.rotation.status import Status, look
from holdfast.verify.catalogue import select as select_checks
from holdfast.verify.drills import catalogue
from holdfast.verify.drills.means import ClusterMeans
from holdfast.verify.drills.result import DrillResult
from holdfast.verify.drills.runner import HEALTH_SECONDS, Options, run_drills
from holdfast.verify.result import Group, Report
from holdfast.verify.runner import Limits, verify


class SmokeScreen(Protocol):
    """Where the caller looks at checks."""

    def watch(self, done: int, total: int, waiting: str) -> None:
        """Told how many checks are done, and one that is at work."""
        ...


class DrillScreen(Protocol):
    """Where the caller looks at drills."""

    def say(self, text: str) -> None:
        """Told what happens."""
        ...

    def finished(self, result: DrillResult) -> None:
        """Told each result as soon as it is there."""
        ...


class RotationScreen(Protocol):
    """Where the caller looks at a rotation."""

    def say(self, piece: Done) -> None:
        """Told each piece of work that is done."""
        ...


@dataclass(frozen=True, slots=True)
class Smoke:
    """Which checks, and how long they may take."""

    connection: Connection
    groups: tuple[Group, ...]
    total_seconds: float

    def run(self, hands: Mapping[str, Any], stop: threading.Event) -> Report:
        """Make them."""
        screen: SmokeScreen = hands["screen"]
        return verify(
            self.connection,
            select_checks(self.groups),
            limits=Limits(total_seconds=self.total_seconds),
            stop=stop,
            watch=screen.watch,
        )


@dataclass(frozen=True, slots=True)
class Drills:
    """Which drills, by name, or writers while a command runs."""

    connection: Connection
    names: tuple[str, ...]
    during: tuple[str, ...] = ()
    writers: int = Options().writers
    processes: int = 1
    health_seconds: float = HEALTH_SECONDS
    slack_seconds: float = 0.0

    def run(self, hands: Mapping[str, Any], stop: threading.Event) -> tuple[DrillResult, ...]:
        """Run them."""
        screen: DrillScreen = hands["screen"]
        change = catalogue.change_drill(self.during) if self.during else None
        return run_drills(
            self.connection,
            hands["means"],
            [
                change if change is not None and name == change.name else _drill(name)
                for name in self.names
            ],
            options=Options(
                writers=self.writers,
                processes=self.processes,
                health_seconds=self.health_seconds,
                slack_seconds=self.slack_seconds,
            ),
            stop=stop,
            say=screen.say,
            finished=screen.finished,
        )


@dataclass(frozen=True, slots=True)
class Rotate:
    """What to rotate: passwords (of some roles), certificates or ca."""

    kind: str
    roles: tuple[Role, ...]
    force: bool

    def run(self, hands: Mapping[str, Any], stop: threading.Event) -> None:
        """Rotate it."""
        screen: RotationScreen = hands["screen"]
        rotation = Rotation(hands["means"], stop=stop, say=screen.say, force=self.force)
        match self.kind:
            case "passwords":
                rotation.passwords(self.roles)
            case "certificates":
                rotation.certificates()
            case "ca":
                rotation.ca()
            case _:
                raise ConfigError(
                    "command", self.kind, "passwords, certificates or ca", "see --help"
                )


@dataclass(frozen=True, slots=True)
class RotationStatus:
    """Where the rotations stand."""

    def run(self, hands: Mapping[str, Any], stop: threading.Event) -> Status:
        """Look."""
        return look(hands["means"], stop)


Task = Smoke | Drills | Rotate | RotationStatus


@dataclass(frozen=True, slots=True)
class Kind:
    """How a task goes over a channel.

    Attributes:
        task: its class.
        hands: what it needs of the caller, by name, as Protocols.
        result: the type of what it comes to.
    """

    task: type[Task]
    hands: Mapping[str, type]
    result: Any


KINDS: Final[Mapping[str, Kind]] = {
    "smoke": Kind(Smoke, {"screen": SmokeScreen}, Report),
    "drill": Kind(Drills, {"screen": DrillScreen, "means": ClusterMeans}, tuple[DrillResult, ...]),
    "rotate": Kind(Rotate, {"screen": RotationScreen, "means": rotation_means.Means}, None),
    "rotation-status": Kind(RotationStatus, {"means": rotation_means.Means}, Status),
}


def name_of(task: Task) -> str:
    """Under which name a task goes over a channel."""
    return next(name for name, kind in KINDS.items() if kind.task is type(task))


def _drill(name: str) -> catalogue.Drill:
    return catalogue.select([name])[0]
