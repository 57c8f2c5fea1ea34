"""One exchange on one connection: it ends exactly, or the connection is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from holdfast.connection import Address
from holdfast.drivers import AsyncDialled, Dialled
from holdfast.resp import INCOMPLETE, ErrorReply
from holdfast.wire import AsyncLink, Broken, Link

HERE = Address("127.0.0.1", 7600)


class FakeSocket:
    """Gives prepared pieces; an exception among them is raised."""

    def __init__(self, *pieces: bytes | BaseException) -> None:
        self.pieces = list(pieces)
        self.sent: list[bytes] = []
        self.closed = 0
        self.fail_send: BaseException | None = None

    def sendall(self, data: bytes) -> None:
        if self.fail_send is not None:
            raise self.fail_send
        self.sent.append(data)

    def recv_into(self, buffer: bytearray) -> int:
        piece = self.pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        buffer[: len(piece)] = piece
        return len(piece)

    def settimeout(self, seconds: float | None) -> None: ...

    def close(self) -> None:
        self.closed += 1


def _link(socket: FakeSocket) -> Link:
    return Link(Dialled(cast(Any, socket), socket.close), HERE)


def test_an_exchange_is_one_write_and_reads_to_the_last_reply() -> None:
    socket = FakeSocket(b":1\r\n$3\r\nab", b"c\r\n-ERR x\r\n")
    link = _link(socket)
    one, text, error = link.exchange(b"payload", 3)
    assert (one, text) == (1, b"abc")
    assert isinstance(error, ErrorReply)
    assert socket.sent == [b"payload"]
    assert not link.closed


@pytest.mark.parametrize(
    ("piece", "text"),
    [
        (b"", "the server closed the connection"),
        (TimeoutError("timed out"), "no reply in time"),
        (ConnectionResetError(104, "reset"), "connection lost"),
        (b"HTTP/1.1 400\r\n", "connection lost"),
        (b":1\r\n:2\r\n:3", "more replies than commands"),
    ],
)
def test_a_broken_exchange_closes_the_connection(piece: bytes | BaseException, text: str) -> None:
    socket = FakeSocket(b"$3\r\nab", piece) if piece != b":1\r\n:2\r\n:3" else FakeSocket(piece)
    if isinstance(piece, bytes) and piece.startswith(b"HTTP"):
        socket = FakeSocket(piece)
    link = _link(socket)
    with pytest.raises(Broken, match=text) as caught:
        link.exchange(b"payload", 1)
    assert caught.value.sent
    assert link.closed
    assert socket.closed == 1


def test_a_failed_write_closes_the_connection() -> None:
    socket = FakeSocket()
    socket.fail_send = BrokenPipeError(32, "broken pipe")
    link = _link(socket)
    with pytest.raises(Broken):
        link.exchange(b"payload", 1)
    assert socket.closed == 1


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_exchange_never_leaves_a_reply_behind(
    signal: type[BaseException],
) -> None:
    socket = FakeSocket(b":1\r\n", signal())
    link = _link(socket)
    with pytest.raises(signal):
        link.exchange(b"payload", 2)
    assert link.closed
    link.close()
    assert socket.closed == 1


def test_a_listener_keeps_what_came_before_a_timeout() -> None:
    socket = FakeSocket(b"*1\r\n$2\r\nh", TimeoutError(), b"i\r\n:7\r\n")
    link = _link(socket)
    assert link.receive(1) is INCOMPLETE
    assert link.receive(1) == [b"hi"]
    assert link.receive(0) == 7
    assert link.receive(0) is INCOMPLETE
    assert not link.closed


class FakeTransport(asyncio.Transport):
    """Records writes; the protocol is called by the test."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = 0
        self.protocol: asyncio.BaseProtocol = asyncio.Protocol()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def abort(self) -> None:
        self.aborted += 1


def _async_link(
    on_push: Callable[[Any], None] | None = None, timeout: float = 60
) -> tuple[AsyncLink, FakeTransport]:
    transport = FakeTransport()
    dialled = AsyncDialled(transport, None)
    return AsyncLink(dialled, HERE, timeout, on_push), transport


async def test_many_exchanges_share_a_connection_and_get_their_own_replies() -> None:
    link, transport = _async_link()
    first, second = link.exchange(b"a", 2), link.exchange(b"b", 1)
    await asyncio.sleep(0)
    assert transport.written == [b"a", b"b"]
    assert link.load == 2
    link.data_received(b":1\r\n")
    assert not first.done()
    link.data_received(b":2\r\n:3\r\n")
    assert await first == [1, 2]
    assert await second == [3]
    assert link.load == 0
    link.close()


async def test_what_is_sent_in_one_turn_of_the_loop_leaves_in_one_write_and_in_order() -> None:
    link, transport = _async_link()
    futures = [link.exchange(payload, 1) for payload in (b"a", b"b", b"c")]
    assert transport.written == [b"a"], "a lone exchange does not wait for company"
    link.write(b"d")
    assert transport.written == [b"a", b"bcd"]
    futures.append(link.exchange(b"e", 1))
    await asyncio.sleep(0)
    assert transport.written == [b"a", b"bcd", b"e"]
    link.data_received(b":1\r\n:2\r\n:3\r\n:4\r\n")
    assert [await future for future in futures] == [[1], [2], [3], [4]]
    link.close()


async def test_nothing_is_written_to_a_connection_that_was_closed_meanwhile() -> None:
    link, transport = _async_link()
    futures = [link.exchange(b"a", 1), link.exchange(b"b", 1)]
    link.close()
    await asyncio.sleep(0)
    assert transport.written == [b"a"]
    for future in futures:
        with pytest.raises(Broken):
            await future


async def test_a_cancelled_caller_leaves_no_trace() -> None:
    link, _ = _async_link()
    first, second = link.exchange(b"a", 1), link.exchange(b"b", 1)
    first.cancel()
    link.data_received(b":1\r\n:2\r\n")
    assert await second == [2]
    assert not link.closed
    link.close()


@pytest.mark.parametrize("data", [b":1\r\n:2\r\n", b"HTTP/1.1 400\r\n"])
async def test_bytes_that_nobody_waits_for_end_the_connection(data: bytes) -> None:
    link, transport = _async_link()
    link.exchange(b"a", 1).cancel()
    link.data_received(data)
    assert link.closed
    assert transport.aborted == 1


async def test_a_lost_connection_fails_all_that_is_under_way() -> None:
    link, _ = _async_link()
    futures = [link.exchange(b"a", 1) for _ in range(3)]
    link.connection_lost(ConnectionResetError("reset"))
    for future in futures:
        with pytest.raises(Broken, match="reset") as caught:
            await future
        assert caught.value.sent
    with pytest.raises(Broken) as late:
        link.exchange(b"a", 1)
    assert not late.value.sent


async def test_silence_ends_the_connection_at_the_timeout_of_the_oldest_exchange() -> None:
    link, transport = _async_link(timeout=0.05)
    with pytest.raises(Broken, match="no reply in time"):
        await link.exchange(b"a", 1)
    assert transport.aborted == 1


async def test_a_retired_connection_closes_after_its_last_reply() -> None:
    link, _ = _async_link()
    future = link.exchange(b"a", 1)
    link.retire()
    assert not link.closed
    link.data_received(b":1\r\n")
    assert await future == [1]
    assert link.closed


async def test_an_idle_retired_connection_closes_at_once() -> None:
    link, transport = _async_link()
    link.retire()
    assert transport.aborted == 1


async def test_a_listener_gets_every_message_and_the_end() -> None:
    heard: list[Any] = []
    link, _ = _async_link(heard.append)
    link.write(b"SUBSCRIBE")
    link.data_received(b"*1\r\n:1\r\n*1\r\n:2\r\n")
    link.connection_lost(None)
    assert heard == [[1], [2], None]
