from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.cluster.failures import Failure
from holdfast.cluster.framing import (
    MAX_LINE_BYTES,
    Answer,
    Beat,
    Call,
    Decoder,
    Done,
    Failed,
    Hello,
    Message,
    ProtocolError,
    Refusal,
    Start,
    Stop,
    decode,
    encode,
)

_FAILURE = Failure(("holdfast.errors.HoldfastError",), "no", {"field": "x"}, ("at: a step",))
_MESSAGES: list[Message] = [
    Hello("0.1.0 (abc)"),
    Start("smoke", {"groups": []}),
    Call(1, "means", "kill", {"name": "server-0"}),
    Answer(1, {"a": [1, None, "\u00e9\n"]}),
    Refusal(2, _FAILURE),
    Done(None),
    Failed(_FAILURE),
    Stop(),
    Beat(),
]


@pytest.mark.parametrize("message", _MESSAGES)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    line = encode(message)
    assert decode(line) == message
    assert line.count(b"\n") == 1
    assert line.isascii()


@given(st.lists(st.sampled_from(_MESSAGES)), st.lists(st.integers(1, 40)))
def test_messages_are_whole_however_the_bytes_are_cut(
    messages: list[Message], cuts: list[int]
) -> None:
    data = b"".join(encode(message) for message in messages)
    decoder, found = Decoder(), []
    for size in cuts:
        found += list(decoder.feed(data[:size]))
        data = data[size:]
    found += list(decoder.feed(data))
    assert found == messages


@given(st.binary())
def test_bytes_that_are_no_message_are_refused_and_nothing_else(data: bytes) -> None:
    try:
        list(Decoder().feed(data + b"\n"))
    except ProtocolError:
        return
    pytest.fail("random bytes were taken for a message")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no object"),
        (b"{}", "no known kind"),
        (b'{"kind":["stop"]}', "no known kind"),
        (b'{"kind":"call","number":"1"}', "in call"),
    ],
)
def test_a_line_that_is_no_message_is_refused_with_the_reason(line: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        decode(line)


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    decoder = Decoder()
    with pytest.raises(ProtocolError, match="a line of more than"):
        list(decoder.feed(b"x" * (MAX_LINE_BYTES + 1)))


def test_the_connection_does_not_show_in_the_text_of_a_start() -> None:
    assert "kept" not in repr(Start("smoke", {"connection": {"password": "kept"}}))
