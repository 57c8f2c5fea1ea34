"""The turn: one EVALSHA, the same size at turn 1 and turn 400."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from holdfast.commands.answers import DUPLICATE, OK, refusal
from holdfast.commands.inputs import split_fields
from holdfast.commands.leases import lease_arguments
from holdfast.commands.scope import Scope
from holdfast.commands.tools import tool_change
from holdfast.encoding import encode_json
from holdfast.errors import ConfigError, Unconfirmed, Unsupported
from holdfast.ids import new_turn_id
from holdfast.keys import validate_turn_id
from holdfast.model import Head, Lease, Message, Session, ToolFinish, ToolStart, TurnResult
from holdfast.operation import Arg, Operation
from holdfast.scripts import APPEND

MAX_MESSAGES: Final = 1000
"""Messages in one turn; Lua cannot pass many more to one command."""

MAX_TOOL_CHANGES: Final = 128

MAX_CONFIRM: Final = 15
"""More replicas than any target gives one primary."""

_SHA: Final = APPEND.sha


def append(
    scope: Scope,
    at: Session | Head | TurnResult | str,
    messages: Sequence[Message],
    *,
    turn_id: str | None = None,
    expected_seq: int | None = None,
    lease: Lease | None = None,
    fields: Mapping[str, str | None] | None = None,
    tools: Sequence[ToolStart | ToolFinish] = (),
    confirm: int = 0,
) -> Operation[TurnResult]:
    """Store a turn. Raises ConfigError for bad input, InvalidSessionId for an id not of ours."""
    if isinstance(at, str):
        session_id, last_turn_id = at, ""
        if expected_seq is None and lease is None:
            raise ConfigError(
                "append", "a session id alone", "expected_seq, a lease, or a Session", "pass one"
            )
    else:
        head = at if isinstance(at, Head) else at.head
        session_id, last_turn_id = head.session_id, head.last_turn_id
        if expected_seq is not None and expected_seq != head.seq:
            raise ConfigError(
                "expected_seq", expected_seq, f"the seq of what was passed ({head.seq})", "omit it"
            )
        expected_seq = head.seq
    if expected_seq is not None and (type(expected_seq) is not int or expected_seq < 0):
        raise ConfigError("expected_seq", expected_seq, "a whole number from 0", "pass Session.seq")
    _check_confirm(scope, confirm)
    if turn_id is None:
        turn_id = new_turn_id()
    else:
        validate_turn_id(turn_id)
    keys = scope.keys.session(session_id)
    payload = encode_messages(messages)
    to_set: Sequence[Arg] = ()
    to_remove: Sequence[Arg] = ()
    changes: Sequence[Arg] = ()
    if fields:
        to_set, to_remove = split_fields(fields)
    if tools:
        if len(tools) > MAX_TOOL_CHANGES:
            raise ConfigError("tools", len(tools), f"at most {MAX_TOOL_CHANGES}", "split the turn")
        changes = [part for change in tools for part in tool_change(change)]
    if not (payload or fields or tools):
        raise ConfigError("messages", "none", "a message, a field or a tool change", "pass one")
    fence, token = lease_arguments(lease, session_id)
    named = keys.named
    command: tuple[Arg, ...] = (
        "EVALSHA",
        _SHA,
        len(named),
        *named,
        turn_id,
        "" if expected_seq is None else expected_seq,
        last_turn_id,
        fence,
        token,
        scope.publish,
        len(to_set),
        len(to_remove),
        len(changes),
        confirm,
        *to_set,
        *to_remove,
        *changes,
        *payload,
    )

    def parse(replies: Sequence[Any]) -> TurnResult:
        answer = replies[0]
        status = answer[0]
        if status in (OK, DUPLICATE):
            confirmed = replies[1] if confirm else 0
            result = TurnResult(session_id, answer[1], turn_id, status == DUPLICATE, confirmed)
            if confirmed < confirm:
                raise Unconfirmed(result, wanted=confirm)
            return result
        raise refusal(
            session_id, answer, expected_seq=expected_seq, fence=lease.fence if lease else 0
        )

    # WAIT inside the script would not wait; behind it, it costs no round trip.
    commands = (command, ("WAIT", confirm, scope.confirm_ms or 0)) if confirm else (command,)
    return Operation(commands, keys.session, parse, APPEND, writes=True)


def _check_confirm(scope: Scope, confirm: int) -> None:
    if type(confirm) is not int or not 0 <= confirm <= MAX_CONFIRM:
        raise ConfigError(
            "confirm", confirm, f"how many replicas, 0 to {MAX_CONFIRM}", "pass 1, or leave it out"
        )
    if confirm and scope.confirm_ms is None:
        raise Unsupported(
            "confirm", confirm, "a target that can wait for replicas (WAIT)", "leave it out"
        )


def encode_messages(messages: Sequence[Message]) -> list[bytes]:
    """Messages as JSON. Raises ConfigError."""
    if isinstance(messages, Mapping | str | bytes):
        raise ConfigError(
            "messages", type(messages).__name__, "a sequence of messages", "wrap it in a list"
        )
    if len(messages) > MAX_MESSAGES:
        raise ConfigError("messages", len(messages), f"at most {MAX_MESSAGES}", "split the turn")
    return [encode_json("message", message) for message in messages]
