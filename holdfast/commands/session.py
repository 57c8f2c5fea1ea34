"""Create, load, metadata, activity, end, hint: the life of a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from holdfast.commands.answers import OK, refusal
from holdfast.commands.inputs import (
    FIELD_PREFIX,
    MAX_HINT_BYTES,
    MAX_USER_BYTES,
    check_text,
    split_fields,
)
from holdfast.commands.scope import Scope
from holdfast.commands.tools import parse_tool_call
from holdfast.errors import ConfigError, SessionExpired, SessionNotFound, SessionTorn
from holdfast.keys import History, new_token
from holdfast.model import Session, TimedMessage
from holdfast.operation import Arg, Operation
from holdfast.scripts import CREATE, END, PUBLISH, SET_FIELDS
from holdfast.ttl import Ttl, TtlKind

MAX_HISTORY_LIMIT: Final = 10_000
TIMELINE_PREFIX_BYTES: Final = 18
"""``<12 digits of seq>.<4 digits of place>:`` before each message of a timeline."""

_SEQ_DIGITS: Final = 12
_FIELD: Final = FIELD_PREFIX.encode()
_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


def create(
    scope: Scope,
    *,
    user: str | None,
    ttl: Ttl,
    fields: Mapping[str, str],
    history: History,
    history_limit: int,
) -> Operation[Session]:
    """Create a session. Ids are minted here, so that a repeat finds its own session."""
    if user is not None:
        check_text("user", user, MAX_USER_BYTES)
    if type(history_limit) is not int or not 1 <= history_limit <= MAX_HISTORY_LIMIT:
        raise ConfigError("history_limit", history_limit, f"1 to {MAX_HISTORY_LIMIT}", "change it")
    to_set, to_remove = split_fields(fields)
    if to_remove:
        raise ConfigError("fields", "a value of None", "text", "leave the field out")
    history = History(history)
    session_id = scope.keys.mint(user, history)
    storage_id = new_token()
    keys = scope.keys.session(session_id)
    named = keys.named
    command: tuple[Arg, ...] = (
        "EVALSHA",
        CREATE.sha,
        len(named),
        *named,
        storage_id,
        ttl.kind.value,
        ttl.idle_ms,
        "" if ttl.expires_at_ms is None else ttl.expires_at_ms,
        history_limit,
        history.letter,
        user or "",
        *to_set,
    )

    def parse(replies: Sequence[Any]) -> Session:
        answer = replies[0]
        if answer[0] == b"EXPIRED":
            raise ConfigError(
                "ttl.expires_at_ms",
                ttl.expires_at_ms,
                f"a time after the server's clock ({answer[1]})",
                "ask for a newer token",
            )
        if answer[0] != OK:
            raise refusal(session_id, answer)
        return Session(
            session_id=session_id,
            user=user,
            kind=ttl.kind,
            history=history,
            history_limit=history_limit,
            seq=0,
            last_turn_id="",
            created_ms=answer[1],
            updated_ms=answer[1],
            deadline_ms=answer[2],
            storage_id=storage_id,
            fields=MappingProxyType(dict(fields)),
            tools=_EMPTY,
            raw_messages=(),
        )

    return Operation((command,), keys.session, parse, CREATE, writes=True)


def load(scope: Scope, session_id: str) -> Operation[Session | None]:
    """Read a whole session; None where a turn was stored in between: read again.

    The commands are no transaction. Reading seq again at the end tells whether one came between;
    the time comes last, so that a session which expired meanwhile counts as expired, not as torn.
    """
    keys = scope.keys.session(session_id)
    history: tuple[Arg, ...] = ("ZRANGE" if keys.timeline else "LRANGE", keys.history, 0, -1)
    return Operation(
        (
            ("HGETALL", keys.session),
            history,
            ("HGETALL", keys.tools),
            ("HMGET", keys.session, "seq", "tn"),
            ("TIME",),
        ),
        keys.session,
        lambda replies: _parse_load(session_id, keys.timeline, replies),
    )


def _parse_load(session_id: str, timeline: bool, replies: Sequence[Any]) -> Session | None:
    flat, messages, tools, seen, time = replies
    if not flat:
        raise SessionNotFound(session_id)
    own: dict[bytes, bytes] = {}
    fields: dict[str, str] = {}
    pairs = iter(flat)
    for name, value in zip(pairs, pairs, strict=True):
        if name.startswith(_FIELD):
            fields[name[len(_FIELD) :].decode()] = value.decode()
        else:
            own[name] = value
    deadline_ms = int(own[b"deadline_ms"])
    if now_ms(time) >= deadline_ms:
        raise SessionExpired(session_id)
    if seen != [own[b"seq"], own[b"tn"]]:
        return None
    if len(messages) < int(own[b"n"]) or len(tools) < 2 * int(own[b"tn"]):
        raise SessionTorn(session_id)
    if timeline:
        raw = tuple(member[TIMELINE_PREFIX_BYTES:] for member in messages)
    else:
        raw = tuple(reversed(messages))
    return Session(
        session_id=session_id,
        user=own[b"user"].decode() or None,
        kind=TtlKind(own[b"kind"].decode()),
        history=History.TIMELINE if timeline else History.LIST,
        history_limit=int(own[b"limit"]),
        seq=int(own[b"seq"]),
        last_turn_id=own[b"turns"][1:].partition(b"=")[0].decode(),
        created_ms=int(own[b"created_ms"]),
        updated_ms=int(own[b"updated_ms"]),
        deadline_ms=deadline_ms,
        storage_id=own[b"storage"].decode(),
        fields=MappingProxyType(fields),
        tools=_parse_tools(tools) if tools else _EMPTY,
        raw_messages=raw,
    )


def _parse_tools(flat: Sequence[bytes]) -> Mapping[str, Any]:
    pairs = iter(flat)
    calls = {
        call_id.decode(): parse_tool_call(call_id.decode(), value)
        for call_id, value in zip(pairs, pairs, strict=True)
    }
    ordered = sorted(calls.items(), key=lambda item: (item[1].started_ms, item[0]))
    return MappingProxyType(dict(ordered))


def now_ms(time: Sequence[bytes]) -> int:
    """The reply of TIME in milliseconds since the epoch."""
    return int(time[0]) * 1000 + int(time[1]) // 1000


def timeline(
    scope: Scope, session_id: str, *, since_ms: int | None, until_ms: int | None, limit: int
) -> Operation[tuple[TimedMessage, ...]]:
    """The newest messages of a span of time, oldest first."""
    keys = scope.keys.session(session_id)
    if not keys.timeline:
        raise ConfigError(
            "session", session_id, "one with history=History.TIMELINE", "load() a list's messages"
        )
    if type(limit) is not int or not 1 <= limit <= MAX_HISTORY_LIMIT:
        raise ConfigError("limit", limit, f"1 to {MAX_HISTORY_LIMIT}", "change it")
    newest: Arg = "+inf" if until_ms is None else int(until_ms)
    oldest: Arg = "-inf" if since_ms is None else int(since_ms)
    span = (keys.history, newest, oldest, "BYSCORE", "REV", "LIMIT", 0, limit, "WITHSCORES")
    return Operation(
        (
            ("HMGET", keys.session, "deadline_ms", "n"),
            ("ZRANGE", *span),
            ("ZCARD", keys.history),
            ("TIME",),
        ),
        keys.session,
        lambda replies: _parse_timeline(session_id, replies),
    )


def _parse_timeline(session_id: str, replies: Sequence[Any]) -> tuple[TimedMessage, ...]:
    (deadline, expected), flat, length, time = replies
    if deadline is None:
        raise SessionNotFound(session_id)
    if now_ms(time) >= int(deadline):
        raise SessionExpired(session_id)
    if length < int(expected):
        raise SessionTorn(session_id)
    pairs = iter(flat)
    newest_first = [
        TimedMessage(
            int(float(score)), int(member[:_SEQ_DIGITS]), bytes(member[TIMELINE_PREFIX_BYTES:])
        )
        for member, score in zip(pairs, pairs, strict=True)
    ]
    return tuple(reversed(newest_first))


def set_fields(scope: Scope, session_id: str, fields: Mapping[str, str | None]) -> Operation[int]:
    """Set (None: remove) metadata and refresh the deadline; without fields only the latter."""
    to_set, to_remove = split_fields(fields)
    keys = scope.keys.session(session_id)
    named = keys.named
    command: tuple[Arg, ...] = (
        "EVALSHA",
        SET_FIELDS.sha,
        len(named),
        *named,
        len(to_set),
        *to_set,
        *to_remove,
    )

    def parse(replies: Sequence[Any]) -> int:
        answer = replies[0]
        if answer[0] == OK:
            return int(answer[1])
        raise refusal(session_id, answer)

    return Operation((command,), keys.session, parse, SET_FIELDS, writes=True)


def end(scope: Scope, session_id: str) -> Operation[bool]:
    """Delete a session whatever its state; false where there was none."""
    keys = scope.keys.session(session_id)
    named = keys.named_with_lease
    return Operation(
        (("EVALSHA", END.sha, len(named), *named, scope.publish),),
        keys.session,
        lambda replies: replies[0][1] == 1,
        END,
        writes=True,
    )


def publish(scope: Scope, session_id: str, hint: str) -> Operation[None]:
    """Send a hint to whoever subscribed to the session."""
    check_text("hint", hint, MAX_HINT_BYTES, empty=True)
    keys = scope.keys.session(session_id)
    named = keys.named

    def parse(replies: Sequence[Any]) -> None:
        if replies[0][0] != OK:
            raise refusal(session_id, replies[0])

    return Operation(
        (("EVALSHA", PUBLISH.sha, len(named), *named, scope.publish, hint),),
        keys.session,
        parse,
        PUBLISH,
        writes=True,
    )
