"""The refusals of the scripts, turned into typed errors in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from holdfast.errors import (
    Fenced,
    HoldfastError,
    LeaseHeld,
    RolledBack,
    SessionError,
    SessionExpired,
    SessionNotFound,
    SessionTorn,
    ToolCallError,
    TurnConflict,
)

OK: Final = b"OK"
DUPLICATE: Final = b"DUP"


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refused call: what the writer knew and the details of the answer."""

    session_id: str
    details: Sequence[Any]
    expected_seq: int | None
    fence: int


def refusal(
    session_id: str, answer: Sequence[Any], *, expected_seq: int | None = None, fence: int = 0
) -> HoldfastError:
    """The error that a script's answer stands for.

    Args:
        session_id: of which session the script was asked.
        answer: the status and its details.
        expected_seq: what the writer knew, where it said so.
        fence: of the writer's lease, 0 without one.
    """
    build = _ERRORS.get(answer[0])
    if build is None:
        # The scripts of this version answer nothing else; details may hold a session's content.
        return HoldfastError(f"unknown answer of the store: {answer[0]!r}")
    return build(_Refusal(session_id, answer[1:], expected_seq, fence))


def _conflict(refused: _Refusal) -> HoldfastError:
    return TurnConflict(
        refused.session_id,
        expected_seq=refused.expected_seq or 0,
        stored_seq=refused.details[0],
    )


def _rolled_back(refused: _Refusal) -> HoldfastError:
    stored, diverged = refused.details
    known = stored if refused.expected_seq is None else refused.expected_seq
    return RolledBack(
        refused.session_id, expected_seq=known, stored_seq=stored, diverged=bool(diverged)
    )


def _tool(text: str) -> Callable[[_Refusal], HoldfastError]:
    def build(refused: _Refusal) -> HoldfastError:
        call_id = refused.details[0].decode() if refused.details else ""
        return ToolCallError(refused.session_id, text.format(repr(call_id)))

    return build


_ERRORS: Final[Mapping[bytes, Callable[[_Refusal], HoldfastError]]] = MappingProxyType(
    {
        b"MISSING": lambda refused: SessionNotFound(refused.session_id),
        b"EXPIRED": lambda refused: SessionExpired(refused.session_id),
        b"TORN": lambda refused: SessionTorn(refused.session_id),
        b"CONFLICT": _conflict,
        b"ROLLED_BACK": _rolled_back,
        b"FENCED": lambda refused: Fenced(
            refused.session_id, fence=refused.fence, stored_fence=refused.details[0]
        ),
        b"HELD": lambda refused: LeaseHeld(
            refused.session_id, remaining_ms=max(0, refused.details[0])
        ),
        b"TOOLS_FULL": _tool("128 tool calls are pending; finish some first"),
        b"TOOL_UNKNOWN": _tool("tool call {} was never started, or was dropped as the oldest"),
        b"TOOL_FINISHED": _tool("tool call {} has finished with another result"),
        b"TAKEN": lambda refused: SessionError(
            refused.session_id, "the minted session id is taken; create again"
        ),
    }
)
