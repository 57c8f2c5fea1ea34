"""The streams of a command that runs in a container, over one WebSocket.

One thread owns the socket: a TLS connection is not to be read and written by two at once.
"""

from __future__ import annotations

import contextlib
import json
import queue
import select
import socket
import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from kubernetes.stream import ws_client
from websocket import ABNF, WebSocket, WebSocketBadStatusException, WebSocketException

from holdfast.cluster.errors import ClusterUnavailable, refused

STDOUT: Final = 1
STDERR: Final = 2
_STDIN: Final = 0
_STATUS: Final = 3
_CLOSE: Final = 255
_CLOSING_PROTOCOL: Final = "v5.channel.k8s.io"
_FRAME_BYTES: Final = 32 * 1024
_PING_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 1.0
_SOCKET_SECONDS: Final = 30.0
"""A frame that began has to be whole within this time."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some output: of STDOUT or STDERR."""

    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended."""

    code: int
    stdout: bytes
    stderr: bytes


class ExecStream:
    """A command under way. Threads may write while one reads.

    Args:
        configuration: of the library's client.
        url: of the exec request, ``https``.
        headers: authorization.
        what: named in errors.
        timeout_seconds: until the command has started.

    Raises:
        ClusterUnavailable: no connection.
        ClusterError: the API server refuses.
    """

    def __init__(
        self,
        configuration: Any,  # noqa: ANN401 - untyped library
        url: str,
        headers: dict[str, str],
        *,
        what: str,
        timeout_seconds: float,
    ) -> None:
        self._what = what
        self._chunks: queue.Queue[Chunk | None] = queue.Queue()
        self._outgoing: deque[bytes] = deque()
        self._opened = threading.Event()
        self._closing = threading.Event()
        self._failure: Exception | None = None
        self._status: dict[str, Any] | None = None
        self._closes_input = False
        self._ended = False
        self._wake, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._wake.setblocking(False)
        address = url.replace("http", "ws", 1)
        self._thread = threading.Thread(
            target=self._serve, args=(configuration, address, headers), daemon=True, name=what
        )
        self._thread.start()
        if not self._opened.wait(timeout_seconds):
            self.close()
            raise ClusterUnavailable(f"{what}: no answer within {timeout_seconds:g} s")
        failure = self._failure_seen()
        if failure is not None:
            self.close()
            raise failure

    def write(self, data: bytes) -> None:
        """Send to the command's stdin. Raises ClusterUnavailable where it is gone."""
        if self._ended or self._closing.is_set():
            raise ClusterUnavailable(f"{self._what}: the connection is closed")
        view = memoryview(data)
        for start in range(0, len(data), _FRAME_BYTES):
            self._outgoing.append(bytes([_STDIN]) + view[start : start + _FRAME_BYTES])
        self._awake()

    def close_input(self) -> None:
        """End the command's stdin, where the API server is new enough (1.30) to pass that on."""
        if self._closes_input:
            self._outgoing.append(bytes([_CLOSE, _STDIN]))
            self._awake()

    def read(self, timeout_seconds: float | None = None) -> Chunk | None:
        """The next output, None at the end.

        Raises:
            TimeoutError: there is none yet.
            ClusterUnavailable: the connection broke before the command ended.
        """
        if self._ended and self._chunks.empty():
            return None
        try:
            chunk = self._chunks.get(timeout=timeout_seconds)
        except queue.Empty:
            raise TimeoutError(f"{self._what}: no output within {timeout_seconds} s") from None
        if chunk is None:
            self._ended = True
            failure = self._failure_seen()
            if failure is not None:
                raise failure
        return chunk

    @property
    def exit_code(self) -> int | None:
        """Of the command; None while it runs, or where the connection broke first.

        Raises:
            ClusterUnavailable: it could not be started.
        """
        if self._status is None:
            return None
        if self._status.get("status") == "Success":
            return 0
        for cause in (self._status.get("details") or {}).get("causes") or ():
            if cause.get("reason") == "ExitCode":
                return int(cause["message"])
        raise ClusterUnavailable(f"{self._what}: {self._status.get('message', 'it failed')}")

    def finish(self, timeout_seconds: float) -> Finished:
        """Read to the end.

        Raises:
            ClusterUnavailable: it did not end in time, or the connection broke.
        """
        deadline = time.monotonic() + timeout_seconds
        output: dict[int, bytearray] = {STDOUT: bytearray(), STDERR: bytearray()}
        try:
            while chunk := self.read(max(deadline - time.monotonic(), 0)):
                output[chunk.stream] += chunk.data
        except TimeoutError:
            raise ClusterUnavailable(
                f"{self._what}: not ended after {timeout_seconds:g} s"
            ) from None
        code = self.exit_code
        if code is None:
            raise ClusterUnavailable(f"{self._what}: the connection broke before it ended")
        return Finished(code, bytes(output[STDOUT]), bytes(output[STDERR]))

    def close(self) -> None:
        """Break the connection; the command's end is its own affair."""
        self._closing.set()
        self._awake()
        if threading.current_thread() is not self._thread and self._opened.is_set():
            self._thread.join(_SOCKET_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _failure_seen(self) -> Exception | None:
        """What the socket's thread met."""
        return self._failure

    def _awake(self) -> None:
        # A full socket pair wakes just as well; a closed one has nobody left to wake.
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def _serve(self, configuration: Any, url: str, headers: dict[str, str]) -> None:  # noqa: ANN401
        link: WebSocket | None = None
        try:
            link = _open(configuration, url, headers)
            link.settimeout(_SOCKET_SECONDS)
            self._closes_input = link.getsubprotocol() == _CLOSING_PROTOCOL
            self._opened.set()
            self._pump(link)
        except WebSocketBadStatusException as error:
            self._failure = refused(
                f"{self._what}: {_message(error)}", status=int(error.status_code or 0)
            )
        except ClusterUnavailable as error:
            self._failure = error
        except (WebSocketException, OSError, ValueError) as error:
            if self._status is None:
                self._failure = ClusterUnavailable(f"{self._what}: {error or type(error).__name__}")
        finally:
            if link is not None:
                with contextlib.suppress(WebSocketException, OSError):
                    link.close(timeout=1)
                # A peer that does not close in turn keeps the socket from being closed.
                shutdown: Any = link.shutdown
                with contextlib.suppress(WebSocketException, OSError):
                    shutdown()
            self._wake.close()
            self._waker.close()
            self._chunks.put(None)
            self._opened.set()

    def _pump(self, link: WebSocket) -> None:
        heard = asked = time.monotonic()
        while not self._closing.is_set():
            while self._outgoing:
                link.send(self._outgoing.popleft(), opcode=ABNF.OPCODE_BINARY)
            now = time.monotonic()
            if now - heard > _SOCKET_SECONDS:
                raise ClusterUnavailable(f"{self._what}: silent for {_SOCKET_SECONDS:g} s")
            if now - max(heard, asked) > _PING_SECONDS:
                link.ping()
                asked = now
            if self._readable(link):
                heard = time.monotonic()
                if not self._receive(link):
                    return

    def _readable(self, link: WebSocket) -> bool:
        if isinstance(link.sock, ssl.SSLSocket) and link.sock.pending():
            return True
        if link.sock is None:
            raise ClusterUnavailable(f"{self._what}: the connection is closed")
        poller = select.poll()
        for end in (link.sock, self._wake):
            poller.register(end, select.POLLIN)
        ready = {descriptor for descriptor, _ in poller.poll(1000 * _LOOK_SECONDS)}
        if self._wake.fileno() in ready:
            with contextlib.suppress(BlockingIOError):
                self._wake.recv(4096)
        return link.sock.fileno() in ready

    def _receive(self, link: WebSocket) -> bool:
        """One frame; False where it is the last."""
        opcode, frame = link.recv_data_frame(control_frame=True)
        if opcode == ABNF.OPCODE_CLOSE:
            return False
        data: bytes = frame.data
        if opcode not in (ABNF.OPCODE_BINARY, ABNF.OPCODE_TEXT) or len(data) <= 1:
            return True
        match data[0]:
            case 1 | 2:
                self._chunks.put(Chunk(data[0], data[1:]))
            case 3:
                self._status = json.loads(data[1:])
        return True


def _open(
    configuration: Any,  # noqa: ANN401 - untyped library
    url: str,
    headers: dict[str, str],
) -> WebSocket:
    create: Any = ws_client.create_websocket
    link: WebSocket = create(configuration, url, headers)
    return link


def _message(error: WebSocketBadStatusException) -> str:
    body = getattr(error, "resp_body", None)
    try:
        answer = json.loads(body) if body else {}
        return str(answer["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.status_code}"
