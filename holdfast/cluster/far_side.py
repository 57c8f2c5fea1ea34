"""The far side: does in the cluster what a caller outside of it asks for.

``python -m holdfast.cluster.far_side`` speaks on stdin and stdout. Whatever else would write there
goes to stderr.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from queue import Queue
from types import FrameType
from typing import Any

from holdfast.cluster import idle, tasks
from holdfast.cluster.channel import Channel, PipeChannel
from holdfast.cluster.edition import edition
from holdfast.cluster.errors import ClusterUnavailable
from holdfast.cluster.failures import Failure
from holdfast.cluster.framing import (
    Answer,
    Call,
    Done,
    Failed,
    Hello,
    Message,
    Refusal,
    Start,
    Stop,
)
from holdfast.cluster.peer import SILENCE_SECONDS, Peer
from holdfast.cluster.remote import remote
from holdfast.cluster.values import WireError, from_wire, to_wire
from holdfast.errors import HoldfastError


class FarSide:
    """One conversation with a caller.

    Args:
        channel: to it.
        silence_seconds: after which it is taken for gone.
    """

    def __init__(self, channel: Channel, *, silence_seconds: float = SILENCE_SECONDS) -> None:
        self.stop = threading.Event()
        self._peer = Peer(channel, self._hear, self._lose, silence_seconds=silence_seconds)
        self._started: Queue[Start | None] = Queue()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Any]] = {}
        self._lost = ""

    def serve(self) -> bool:
        """Do one task; whether the caller was told what it came to."""
        self._peer.start()
        try:
            self._peer.send(Hello(edition()))
            start = self._started.get()
            if start is None:
                return False
            self._peer.send(self._perform(start))
        except ClusterUnavailable:
            return False
        else:
            return not self._lost
        finally:
            self._peer.close()

    def _perform(self, start: Start) -> Message:
        try:
            kind = tasks.KINDS[start.task]
            task = from_wire(kind.task, start.arguments)
            return Done(to_wire(task.run(self._hands(kind.hands), self.stop)))
        except (HoldfastError, KeyError, WireError) as error:
            return Failed(Failure.of(error))

    def _hands(self, protocols: Mapping[str, type]) -> dict[str, Any]:
        return {name: self._hand(name, protocol) for name, protocol in protocols.items()}

    def _hand(self, name: str, protocol: type) -> Any:  # noqa: ANN401 - of the protocol
        def send(method: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - of the method
            return self._call(name, method, arguments)

        return remote(protocol, send)

    def _call(self, hand: str, method: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401
        waiting: Future[Any] = Future()
        with self._lock:
            if self._lost:
                raise ClusterUnavailable(self._lost)
            number = next(self._numbers)
            self._waiting[number] = waiting
        self._peer.send(Call(number, hand, method, arguments))
        return waiting.result()

    def _hear(self, message: Message) -> None:
        match message:
            case Start():
                self._started.put(message)
            case Stop():
                self.stop.set()
            case Answer(number, value):
                self._take(number).set_result(value)
            case Refusal(number, failure):
                self._take(number).set_exception(failure.error())
            case _:
                pass

    def _take(self, number: int) -> Future[Any]:
        with self._lock:
            return self._waiting.pop(number, Future())

    def _lose(self, why: str) -> None:
        """The caller is gone: what is under way ends in good order, its calls refused."""
        with self._lock:
            self._lost = f"the caller is gone: {why}"
            waiting = list(self._waiting.values())
            self._waiting.clear()
        self.stop.set()
        for future in waiting:
            future.set_exception(ClusterUnavailable(self._lost))
        self._started.put(None)


def main() -> int:
    """Serve one caller on stdin and stdout."""
    channel = PipeChannel(os.dup(0), os.dup(1))
    # What is started from here must not read or write the channel.
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    far = FarSide(channel)

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        far.stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with idle.occupied():
        told = far.serve()
    sys.stderr.flush()
    return 0 if told else 1


if __name__ == "__main__":
    raise SystemExit(main())
