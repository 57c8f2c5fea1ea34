"""What subscribers read besides the channel: a payload is a hint, the session hash the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from holdfast.commands.scope import Scope
from holdfast.commands.session import now_ms
from holdfast.model import EventKind
from holdfast.notes import Note
from holdfast.operation import Operation

_PARTS: Final = 5
_LEAST_PARTS: Final = 4
_KINDS: Final = frozenset({EventKind.TURN, EventKind.HINT, EventKind.END})


def read_seq(scope: Scope, session_id: str) -> Operation[int | None]:
    """The seq of a session's newest turn; None where it is gone or past its deadline."""
    key = scope.keys.session(session_id).session

    def parse(replies: Sequence[Any]) -> int | None:
        (seq, deadline), time = replies
        return None if seq is None or now_ms(time) >= int(deadline) else int(seq)

    return Operation((("HMGET", key, "seq", "deadline_ms"), ("TIME",)), key, parse)


def parse_note(tenant: str, payload: bytes) -> Note | None:
    """Read ``<tenant> <session id> <kind> <seq> [hint]``; None for another tenant's, or noise."""
    parts = payload.decode(errors="replace").split(" ", _PARTS - 1)
    if len(parts) < _LEAST_PARTS or parts[0] != tenant or parts[2] not in _KINDS:
        return None
    if not (parts[3].isascii() and parts[3].isdigit()):
        return None
    hint = parts[4] if len(parts) == _PARTS else ""
    return Note(parts[1], EventKind(parts[2]), int(parts[3]), hint)
