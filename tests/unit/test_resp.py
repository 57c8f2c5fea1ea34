"""The wire protocol: C and plain Python agree, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.resp import (
    INCOMPLETE,
    ErrorReply,
    Malformed,
    PlainReader,
    Reader,
    new_reader,
    pack,
    pack_plain,
)

_words = st.one_of(
    st.binary(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(st.lists(_words, min_size=1).map(tuple))
def test_both_packers_write_the_same(command: tuple[Any, ...]) -> None:
    assert pack_plain(command) == hiredis.pack_command(command)


def test_several_commands_are_one_write() -> None:
    assert pack([("PING",), ("GET", "k")]) == b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"


_replies = st.recursive(
    st.one_of(st.none(), st.binary(max_size=40), st.integers(-(2**63), 2**63 - 1)),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=20,
)


def _encode(reply: object) -> bytes:
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, bytes):
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    assert isinstance(reply, list)
    return b"*%d\r\n%b" % (len(reply), b"".join(map(_encode, reply)))


@given(replies=st.lists(_replies, max_size=5), cut=st.integers(1, 7))
@pytest.mark.parametrize("make", [new_reader, PlainReader])
def test_replies_come_out_whole_however_the_network_cuts_them(
    make: Callable[[], Reader], replies: list[Any], cut: int
) -> None:
    reader = make()
    data = b"".join(map(_encode, replies))
    seen: list[Any] = []
    for start in range(0, len(data), cut):
        reader.feed(data[start : start + cut])
        while (reply := reader.gets()) is not INCOMPLETE:
            seen.append(reply)
    assert seen == replies
    assert not reader.has_data()


@pytest.mark.parametrize("make", [new_reader, PlainReader])
def test_errors_and_states_are_told_from_values(make: Callable[[], Reader]) -> None:
    reader = make()
    reader.feed(b"+OK\r\n-ERR no\r\n*2\r\n-NOPERM x\r\n:1\r\n*-1\r\n")
    status, error, nested, nothing = (reader.gets() for _ in range(4))
    assert status == b"OK"
    assert isinstance(error, ErrorReply)
    assert error.text == "ERR no"
    assert isinstance(nested[0], ErrorReply)
    assert nested[1] == 1
    assert nothing is None
    assert reader.gets() is INCOMPLETE


@pytest.mark.parametrize("make", [new_reader, PlainReader])
def test_a_part_of_a_buffer_can_be_fed(make: Callable[[], Reader]) -> None:
    reader = make()
    reader.feed(bytearray(b"xx:42\r\nyy"), 2, 5)
    assert reader.gets() == 42
    assert not reader.has_data()


@pytest.mark.parametrize("make", [new_reader, PlainReader])
@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad Request\r\n", b":x\r\n"])
def test_another_protocol_is_noticed(make: Callable[[], Reader], data: bytes) -> None:
    reader = make()
    reader.feed(data)
    with pytest.raises(Malformed):
        reader.gets()


@pytest.mark.parametrize("make", [new_reader, PlainReader])
def test_bytes_after_a_reply_are_seen(make: Callable[[], Reader]) -> None:
    reader = make()
    reader.feed(b":1\r\n:2")
    assert reader.gets() == 1
    assert reader.has_data()
