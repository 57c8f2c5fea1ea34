"""One end of a conversation: reads messages, and notices when the other end is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from holdfast.cluster.channel import Channel
from holdfast.cluster.errors import ClusterUnavailable
from holdfast.cluster.framing import Beat, Decoder, Message, ProtocolError, encode

BEAT_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 30.0
"""An end that says nothing for so long, not even that it is there, is gone."""

_LOOK_SECONDS: Final = 0.5


class Peer:
    """Reads in a thread of its own, and beats in another.

    Args:
        channel: closed with this.
        hear: told every message but beats, by the reading thread; it must not wait.
        lost: told once why nothing more can come.
        silence_seconds: see :data:`SILENCE_SECONDS`.
        first_seconds: how long the first word may take instead; the other end may be starting.
    """

    def __init__(
        self,
        channel: Channel,
        hear: Callable[[Message], None],
        lost: Callable[[str], None],
        *,
        silence_seconds: float = SILENCE_SECONDS,
        first_seconds: float = 0.0,
    ) -> None:
        self._channel = channel
        self._hear = hear
        self._lost = lost
        self._silence_seconds = silence_seconds
        self._first_seconds = max(first_seconds, silence_seconds)
        self._beat_seconds = min(BEAT_SECONDS, silence_seconds / 3)
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, name="holdfast-channel-read", daemon=True),
            threading.Thread(target=self._beat, name="holdfast-channel-beat", daemon=True),
        ]

    def start(self) -> None:
        """Begin to read."""
        for thread in self._threads:
            thread.start()

    def send(self, message: Message) -> None:
        """Raises ClusterUnavailable where the other end is gone."""
        self._channel.send(encode(message))

    def close(self) -> None:
        """End both threads, and the channel."""
        self._over.set()
        for thread in self._threads:
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join()
        self._channel.close()

    def _read(self) -> None:
        decoder = Decoder()
        heard = time.monotonic()
        patience = self._first_seconds
        try:
            while not self._over.is_set():
                try:
                    data = self._channel.receive(_LOOK_SECONDS)
                except TimeoutError:
                    if time.monotonic() - heard > patience:
                        self._lose(f"it has said nothing for {patience:g} s")
                        return
                    continue
                if data is None:
                    self._lose("it has hung up")
                    return
                heard, patience = time.monotonic(), self._silence_seconds
                for message in decoder.feed(data):
                    if not isinstance(message, Beat):
                        self._hear(message)
        except (ClusterUnavailable, ProtocolError) as error:
            self._lose(str(error))

    def _lose(self, why: str) -> None:
        if not self._over.is_set():
            self._lost(why)

    def _beat(self) -> None:
        while not self._over.wait(self._beat_seconds):
            try:
                self.send(Beat())
            except ClusterUnavailable:
                # The reading thread says so.
                return
