"""A user's sessions, newest first, from an index: no SCAN anywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from holdfast.commands.inputs import MAX_USER_BYTES, check_text
from holdfast.commands.scope import Scope
from holdfast.commands.session import now_ms
from holdfast.errors import ConfigError, InvalidSessionId
from holdfast.keys import History
from holdfast.model import Page, SessionSummary
from holdfast.operation import Arg, Operation
from holdfast.ttl import TtlKind

MAX_PAGE: Final = 100
_CURSOR: Final = re.compile(r"(\d{1,15})-(\d{1,4})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class IndexPage:
    """What the index names: ids with their last activity, the most recent first."""

    index: str
    entries: tuple[tuple[str, int], ...]
    limit: int
    skip: int
    skip_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """A page, and the members of the index that no longer stand for a session."""

    page: Page
    stale: tuple[str, ...]


def index_page(scope: Scope, user: str, *, limit: int, cursor: str | None) -> Operation[IndexPage]:
    """Read one page of the index."""
    check_text("user", user, MAX_USER_BYTES)
    if type(limit) is not int or not 1 <= limit <= MAX_PAGE:
        raise ConfigError("limit", limit, f"1 to {MAX_PAGE}", "read by pages")
    start: Arg = "+inf"
    skip, skip_at_ms = 0, None
    if cursor is not None:
        match = _CURSOR.match(cursor)
        if match is None:
            raise ConfigError(
                "cursor", cursor, "the cursor of an earlier page", "pass it unchanged"
            )
        start = skip_at_ms = int(match[1])
        skip = int(match[2])
    index = scope.keys.user_index(user)

    def parse(replies: Sequence[Any]) -> IndexPage:
        pairs = iter(replies[0])
        entries = tuple(
            (member.decode(), int(float(score))) for member, score in zip(pairs, pairs, strict=True)
        )
        return IndexPage(index, entries, limit, skip, skip_at_ms)

    span = (index, start, "-inf", "BYSCORE", "REV", "LIMIT", skip, limit, "WITHSCORES")
    return Operation((("ZRANGE", *span),), index, parse)


def summaries(scope: Scope, found: IndexPage) -> Operation[Found]:
    """Read the head of each session that the index named; they share the index's slot."""
    names = ("seq", "kind", "created_ms", "updated_ms", "deadline_ms")
    known = [entry for entry in found.entries if _is_ours(scope, entry[0])]
    heads = [("HMGET", scope.keys.session(session_id).session, *names) for session_id, _ in known]
    return Operation(
        (*heads, ("TIME",)), found.index, lambda replies: _parse_summaries(found, known, replies)
    )


def _is_ours(scope: Scope, session_id: str) -> bool:
    try:
        scope.keys.session(session_id)
    except InvalidSessionId:
        return False
    return True


def _parse_summaries(
    found: IndexPage, known: Sequence[tuple[str, int]], replies: Sequence[Any]
) -> Found:
    now = now_ms(replies[-1])
    alive: list[SessionSummary] = []
    gone = {session_id for session_id, _ in found.entries}
    for (session_id, _), (seq, kind, created, updated, deadline) in zip(
        known, replies[:-1], strict=True
    ):
        if seq is None:
            continue
        gone.discard(session_id)
        if now >= int(deadline):
            continue
        timeline = session_id.startswith(History.TIMELINE.letter)
        alive.append(
            SessionSummary(
                session_id=session_id,
                kind=TtlKind(kind.decode()),
                history=History.TIMELINE if timeline else History.LIST,
                seq=int(seq),
                created_ms=int(created),
                updated_ms=int(updated),
                deadline_ms=int(deadline),
            )
        )
    stale = tuple(session_id for session_id, _ in found.entries if session_id in gone)
    return Found(Page(tuple(alive), _next_cursor(found, gone)), stale)


def _next_cursor(found: IndexPage, gone: set[str]) -> str | None:
    """Where the next page starts: at the last activity seen, after those seen of that instant.

    Stale members are not counted, because they leave the index before the next page is read.
    """
    if len(found.entries) < found.limit:
        return None
    last_ms = found.entries[-1][1]
    seen = sum(1 for sid, at_ms in found.entries if at_ms == last_ms and sid not in gone)
    if found.skip_at_ms == last_ms:
        seen += found.skip
    return f"{last_ms}-{seen}"


def forget(found: IndexPage, stale: Sequence[str]) -> Operation[None]:
    """Take members out of the index whose sessions are gone; ids never come back."""
    return Operation(
        (("ZREM", found.index, *stale),), found.index, lambda _replies: None, writes=True
    )
