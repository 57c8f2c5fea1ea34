"""Tool calls: written as pending before the tool runs, finished once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdfast.commands.answers import OK, refusal
from holdfast.commands.inputs import MAX_NAME_BYTES, check_text
from holdfast.commands.leases import lease_arguments
from holdfast.commands.scope import Scope
from holdfast.encoding import encode_json
from holdfast.model import Lease, ToolCall, ToolFinish, ToolStart, ToolState
from holdfast.operation import Arg, Operation
from holdfast.scripts import TOOL


def change_tool(
    scope: Scope, session_id: str, change: ToolStart | ToolFinish, *, lease: Lease | None = None
) -> Operation[ToolCall]:
    """Start or finish a tool call."""
    keys = scope.keys.session(session_id)
    fence, token = lease_arguments(lease, session_id)
    named = keys.named
    command: tuple[Arg, ...] = (
        "EVALSHA",
        TOOL.sha,
        len(named),
        *named,
        fence,
        token,
        *tool_change(change),
    )

    def parse(replies: Sequence[Any]) -> ToolCall:
        answer = replies[0]
        if answer[0] == OK:
            return parse_tool_call(change.call_id, answer[1])
        raise refusal(session_id, answer, fence=lease.fence if lease else 0)

    return Operation((command,), keys.session, parse, TOOL, writes=True)


def tool_change(change: ToolStart | ToolFinish) -> tuple[Arg, Arg, Arg, Arg]:
    """A change as the four arguments that the scripts take. Raises ConfigError."""
    check_text("tool call id", change.call_id, MAX_NAME_BYTES)
    if isinstance(change, ToolStart):
        check_text("tool name", change.name, MAX_NAME_BYTES)
        arguments = encode_json("tool arguments", change.arguments)
        return "start", change.call_id, change.name, arguments
    state = ToolState.FAILED if change.failed else ToolState.DONE
    return state.value, change.call_id, "", encode_json("tool result", change.result)


def parse_tool_call(call_id: str, stored: bytes) -> ToolCall:
    """Read what lua/tools.lua wrote: a head of five words, then name, arguments and result."""
    state, started, finished, name_bytes, argument_bytes, rest = stored.split(b" ", 5)
    name_end = int(name_bytes)
    arguments_end = name_end + int(argument_bytes)
    pending = state == b"pending"
    return ToolCall(
        call_id=call_id,
        name=rest[:name_end].decode(),
        state=ToolState(state.decode()),
        started_ms=int(started),
        finished_ms=None if pending else int(finished),
        raw_arguments=rest[name_end:arguments_end],
        raw_result=None if pending else rest[arguments_end:],
    )
