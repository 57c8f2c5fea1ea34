"""A way for bytes to and fro."""

from __future__ import annotations

import os
import select
import threading
from typing import Final, Protocol

from holdfast.cluster.errors import ClusterUnavailable

_READ_BYTES: Final = 64 * 1024


class Channel(Protocol):
    """Both ends have one. One thread receives, any may send."""

    def send(self, data: bytes) -> None:
        """Raises ClusterUnavailable where the other end is gone."""
        ...

    def receive(self, timeout_seconds: float) -> bytes | None:
        """What arrived, None at the end.

        Raises:
            TimeoutError: nothing yet.
            ClusterUnavailable: the channel broke.
        """
        ...

    def close(self) -> None:
        """Be done with it."""
        ...


class PipeChannel:
    """Two file descriptors, which it owns.

    Args:
        source: what the other end writes.
        sink: what the other end reads.
    """

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._lock = threading.Lock()
        self._closed = False

    def send(self, data: bytes) -> None:
        """Write all of it."""
        with self._lock:
            if self._closed:
                raise ClusterUnavailable("the channel is closed")
            view = memoryview(data)
            try:
                while view:
                    view = view[os.write(self._sink, view) :]
            except OSError as error:
                raise ClusterUnavailable(f"the channel broke: {error.strerror}") from None

    def receive(self, timeout_seconds: float) -> bytes | None:
        """What arrived."""
        poller = select.poll()
        poller.register(self._source, select.POLLIN)
        if not poller.poll(timeout_seconds * 1000):
            raise TimeoutError
        try:
            return os.read(self._source, _READ_BYTES) or None
        except OSError as error:
            raise ClusterUnavailable(f"the channel broke: {error.strerror}") from None

    def close(self) -> None:
        """Close both."""
        with self._lock:
            if not self._closed:
                self._closed = True
                # In this order: once the other end notices, nothing that it says is read any more.
                os.close(self._source)
                os.close(self._sink)
