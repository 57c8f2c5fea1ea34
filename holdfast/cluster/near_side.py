"""The caller's side: starts a task on the far side and lends it its hands and its screen."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Queue
from typing import Any, Final

from holdfast.cluster import tasks
from holdfast.cluster.channel import Channel
from holdfast.cluster.edition import compare
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
from holdfast.cluster.remote import answer
from holdfast.cluster.values import WireError, from_wire, to_wire

HELLO_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.1


class FarSideLost(ClusterUnavailable):
    """The far side is gone, and nobody says what the task came to."""


def run_task(
    channel: Channel,
    task: tasks.Task,
    hands: Mapping[str, object],
    stop: threading.Event,
    *,
    warn: Callable[[str], None] = lambda _: None,
    hello_seconds: float = HELLO_SECONDS,
    silence_seconds: float = SILENCE_SECONDS,
) -> Any:  # noqa: ANN401 - of the task
    """Have a task done; what it comes to.

    The far side's calls are made one after another, by a thread of their own.

    Args:
        channel: to the far side; closed at the end.
        task: what to do.
        hands: what the task needs of this side, by name.
        stop: set it, and the far side ends in good order.
        warn: told where the far side is not quite what it should be.
        hello_seconds: until the far side has said that it is there.
        silence_seconds: after which it is taken for gone.

    Raises:
        FarSideLost: the channel broke.
        ConfigError: the far side is another Holdfast.
        HoldfastError: whatever the task raised there.
    """
    return _Conversation(
        channel,
        task,
        hands,
        stop,
        warn,
        silence_seconds=silence_seconds,
        hello_seconds=hello_seconds,
    ).run()


class _Conversation:
    def __init__(
        self,
        channel: Channel,
        task: tasks.Task,
        hands: Mapping[str, object],
        stop: threading.Event,
        warn: Callable[[str], None],
        *,
        silence_seconds: float,
        hello_seconds: float,
    ) -> None:
        self._task = task
        self._kind = tasks.KINDS[tasks.name_of(task)]
        self._hands = hands
        self._stop = stop
        self._warn = warn
        self._heard: Queue[Message | str] = Queue()
        self._hello_seconds = hello_seconds
        self._peer = Peer(
            channel,
            self._heard.put,
            self._heard.put,
            silence_seconds=silence_seconds,
            first_seconds=hello_seconds,
        )

    def run(self) -> Any:  # noqa: ANN401 - of the task
        worker = ThreadPoolExecutor(1, thread_name_prefix="holdfast-hands")
        self._peer.start()
        try:
            self._greet()
            self._peer.send(Start(tasks.name_of(self._task), to_wire(self._task)))
            return self._talk(worker)
        finally:
            # A call under way is brought to its end: it may be putting something back.
            worker.shutdown(wait=True, cancel_futures=True)
            self._peer.close()

    def _greet(self) -> None:
        deadline = time.monotonic() + self._hello_seconds
        hello: Message | str | None = None
        while hello is None:
            if self._stop.is_set():
                raise FarSideLost("stopped before the far side began")
            if time.monotonic() > deadline:
                raise FarSideLost(f"the far side did not begin within {self._hello_seconds:g} s")
            with contextlib.suppress(Empty):
                hello = self._heard.get(timeout=_LOOK_SECONDS)
        if isinstance(hello, str):
            raise FarSideLost(f"the far side did not begin: {hello}")
        if not isinstance(hello, Hello):
            raise FarSideLost("the far side does not begin as one")
        warning = compare(hello.edition)
        if warning:
            self._warn(warning)

    def _talk(self, worker: ThreadPoolExecutor) -> Any:  # noqa: ANN401 - of the task
        asked = False
        while True:
            if self._stop.is_set() and not asked:
                asked = True
                self._peer.send(Stop())
            try:
                message = self._heard.get(timeout=_LOOK_SECONDS)
            except Empty:
                continue
            match message:
                case str():
                    raise FarSideLost(f"the far side is gone: {message}")
                case Call():
                    worker.submit(self._serve, message)
                case Done(value):
                    return self._result(value)
                case Failed(failure):
                    raise failure.error()
                case _:
                    pass

    def _result(self, value: Any) -> Any:  # noqa: ANN401 - of the task
        try:
            return from_wire(self._kind.result, value)
        except WireError as error:
            raise FarSideLost(f"the far side's result cannot be read: {error}") from None

    def _serve(self, call: Call) -> None:
        reply: Message
        try:
            protocol = self._kind.hands[call.hand]
            value = answer(protocol, self._hands[call.hand], call.method, call.arguments)
            reply = Answer(call.number, value)
        except Exception as error:  # noqa: BLE001 - whatever it is, the far side waits for it
            reply = Refusal(call.number, Failure.of(error))
        try:
            self._peer.send(reply)
        except ClusterUnavailable as error:
            self._heard.put(str(error))
