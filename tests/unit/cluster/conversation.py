"""Two sides in one process, over pipes, with a task of the tests' own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from holdfast.cluster.channel import PipeChannel
from holdfast.cluster.far_side import FarSide
from holdfast.cluster.tasks import Kind
from holdfast.errors import HoldfastError
from holdfast.verify.drills.means import Process


class Hands(Protocol):
    """What the task of these tests needs."""

    def processes(self) -> tuple[Process, ...]: ...

    def kill(self, name: str, *, hard: bool = True) -> str: ...


WORK: dict[str, Callable[[Any, threading.Event], str]] = {}
"""By name, as a function does not travel; both sides are in one process."""


@dataclass(frozen=True, slots=True)
class Play:
    """Does what a test put into WORK."""

    name: str

    def run(self, hands: Mapping[str, Any], stop: threading.Event) -> str:
        return WORK[self.name](hands["means"], stop)


KIND = Kind(Play, {"means": Hands}, str)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Ends:
    """The caller's channel, and what became of the far side."""

    channel: PipeChannel
    far: FarSide
    thread: threading.Thread
    told: list[bool]


@contextmanager
def far_side(silence_seconds: float = 10.0) -> Iterator[Ends]:
    """A far side at work in a thread."""
    down, up = os.pipe(), os.pipe()
    far = FarSide(PipeChannel(down[0], up[1]), silence_seconds=silence_seconds)
    told: list[bool] = []
    thread = threading.Thread(target=lambda: told.append(far.serve()))
    thread.start()
    channel = PipeChannel(up[0], down[1])
    try:
        yield Ends(channel, far, thread, told)
    finally:
        channel.close()
        thread.join(20)
        if thread.is_alive():
            raise HoldfastError("the far side did not end")
