"""What a target gives the drills: ways to hurt its processes, and to put everything back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from holdfast.connection import Address


class State(StrEnum):
    """How a process is."""

    RUNNING = "running"
    FROZEN = "frozen"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Process:
    """A server or a Sentinel as its target shows it.

    Attributes:
        name: its name on the target.
        address: where it listens.
        sentinel: whether it is a Sentinel.
        state: how it is.
    """

    name: str
    address: Address
    sentinel: bool
    state: State


class Action(StrEnum):
    """What a drill may need a target to be able to do."""

    KILL = "kill"
    FREEZE = "freeze"
    START = "start"
    EMPTY = "empty"


class Means(Protocol):
    """The hands of a drill on one target. Every method names processes of :meth:`processes`."""

    def actions(self) -> frozenset[Action]:
        """What this target can do."""
        ...

    def processes(self) -> Sequence[Process]:
        """Every process of the store, servers first."""
        ...

    def kill(self, name: str) -> None:
        """End a process at once (SIGKILL)."""
        ...

    def freeze(self, name: str) -> None:
        """Stop a process where it stands (SIGSTOP); it keeps its connections."""
        ...

    def thaw(self, name: str) -> None:
        """Let a frozen process go on."""
        ...

    def start(self, name: str) -> None:
        """Start a process that is down, by itself, with the files that it has."""
        ...

    def empty(self, name: str) -> None:
        """Take the data away from a server that is down."""
        ...

    def put_back(self) -> None:
        """Thaw what is frozen and bring back what is down, as the target's own tools do it."""
        ...

    def left_behind(self) -> Sequence[str]:
        """What a drill that was killed did and did not undo, in words; empty if nothing."""
        ...
