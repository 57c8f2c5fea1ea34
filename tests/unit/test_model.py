"""Values of the model: frozen, decoded when looked at, silent about content."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import model
from holdfast.encoding import decode_json, encode_json
from holdfast.errors import ConfigError
from holdfast.keys import History
from holdfast.model import Head, Lease, Session, ToolCall, ToolState, TurnResult
from holdfast.ttl import TtlKind

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)


def session(raw: tuple[bytes, ...] = ()) -> Session:
    return Session(
        session_id="l00..x",
        user="ann",
        kind=TtlKind.CHAT,
        history=History.LIST,
        history_limit=50,
        seq=3,
        last_turn_id="turn-3",
        created_ms=1,
        updated_ms=2,
        deadline_ms=3,
        storage_id="st",
        fields={"secret": "hidden-field"},
        tools={},
        raw_messages=raw,
    )


def test_messages_are_decoded_once_and_only_when_looked_at() -> None:
    broken = session((b"not json",))
    assert broken.seq == 3
    with pytest.raises(json.JSONDecodeError):
        _ = broken.messages
    good = session((b'{"a":1}', b"2"))
    assert good.messages == ({"a": 1}, 2)
    assert good.messages is good.messages


def test_equality_does_not_depend_on_who_looked_at_the_messages() -> None:
    looked, fresh = session((b"1",)), session((b"1",))
    assert looked.messages == (1,)
    assert looked == fresh


def test_heads_say_what_the_next_turn_follows() -> None:
    assert session().head == Head("l00..x", 3, "turn-3")
    assert TurnResult("s", 4, "turn-4", duplicate=True).head == Head("s", 4, "turn-4")


def test_repr_shows_neither_messages_nor_fields_nor_tokens() -> None:
    call = ToolCall("c", "mail", ToolState.DONE, 1, 2, b'"hidden-args"', b'"hidden-result"')
    lease = Lease("s", 1, "hidden-token", 30_000)
    shown = repr((session((b'"hidden-message"',)), call, lease))
    assert "hidden" not in shown
    assert "l00..x" in shown


def test_a_tool_call_decodes_its_arguments_and_result() -> None:
    call = ToolCall("c", "mail", ToolState.DONE, 1, 2, b'{"to":"x"}', b"null")
    pending = ToolCall("c", "mail", ToolState.PENDING, 1, None, b"[]", None)
    assert call.arguments == {"to": "x"}
    assert (call.result, pending.result, pending.arguments) == (None, None, [])


def test_every_value_is_frozen_and_has_slots() -> None:
    kinds = [v for v in vars(model).values() if isinstance(v, type) and dataclasses.is_dataclass(v)]
    assert len(kinds) >= 11
    for kind in kinds:
        assert kind.__dataclass_params__.frozen, kind  # type: ignore[attr-defined] # made by dataclass
        assert "__slots__" in vars(kind), kind


@given(json_values)
def test_json_survives_the_store(value: object) -> None:
    assert decode_json(encode_json("message", value)) == value


def test_bytes_pass_through_unchanged() -> None:
    raw = b' {"spaced" : 1} '
    assert encode_json("message", raw) is raw


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object(), "\ud800", {"k": b"x"}])
def test_what_json_cannot_hold_is_refused_without_showing_it(value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        encode_json("message", value)
    assert caught.value.value == type(value).__name__


def test_a_cycle_is_refused() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(ConfigError, match="message"):
        encode_json("message", cycle)
