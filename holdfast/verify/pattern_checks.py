"""Checks of how sessions are used, through the client that applications use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final

from holdfast.errors import SessionNotFound
from holdfast.keys import History
from holdfast.model import Event, EventKind, ToolState
from holdfast.roles import Role
from holdfast.verify.check import Check, Context
from holdfast.verify.result import CheckFailed, Group, require

WINDOW: Final = 50
_TURNS: Final = 6
_UPDATES: Final = 8
_EVENT_SECONDS: Final = 3.0
_CLOCK_STEP_SECONDS: Final = 0.003
_WRONG_CLIENT: Final = "compare the versions of this tool and of the server; report it"


def _fields_by_two(context: Context) -> str:
    session = context.session()

    def write(writer: int) -> None:
        store = context.store(client=writer)
        for number in range(_UPDATES):
            store.set_fields(session.session_id, {f"w{writer}-{number}": str(number)})

    _at_once(write)
    found = context.store().load(session.session_id)
    expected = {f"w{w}-{n}": str(n) for w in (0, 1) for n in range(_UPDATES)}
    require(
        dict(found.fields) == expected,
        f"{len(expected)} fields of two writers",
        f"{len(found.fields)}: {', '.join(sorted(found.fields))}",
        _WRONG_CLIENT,
    )
    return f"{len(expected)} fields by two clients at once"


def _window(context: Context) -> str:
    store = context.store()
    session = context.session()
    at: Any = session
    written: list[dict[str, Any]] = []
    for turn in range(_TURNS):
        messages = [{"role": "user", "turn": turn, "part": part} for part in range(10)]
        at = store.append(at, messages)
        written += messages
    found = store.load(session.session_id)
    require(found.seq == _TURNS, f"seq {_TURNS}", found.seq, _WRONG_CLIENT)
    require(
        list(found.messages) == written[-WINDOW:],
        f"the newest {WINDOW} of {len(written)} messages, oldest first",
        f"{len(found.messages)} messages, the first {found.messages[:1]}",
        _WRONG_CLIENT,
    )
    return f"{len(written)} messages written, the newest {WINDOW} kept in order"


def _timeline(context: Context) -> str:
    store = context.store()
    at: Any = context.session(history=History.TIMELINE)
    session_id = at.session_id
    for turn in range(4):
        at = store.append(at, [{"turn": turn, "part": 0}, {"turn": turn, "part": 1}])
        context.pause(_CLOCK_STEP_SECONDS)
    everything = store.history(session_id)
    order = [(m.message["turn"], m.message["part"]) for m in everything]
    wanted = [(turn, part) for turn in range(4) for part in (0, 1)]
    require(order == wanted, "8 messages in order", order, _WRONG_CLIENT)
    require(
        all(a.at_ms <= b.at_ms for a, b in pairwise(everything)),
        "times that never step back",
        [m.at_ms for m in everything],
        _WRONG_CLIENT,
    )
    since, until = everything[2].at_ms, everything[5].at_ms
    span = store.history(session_id, since_ms=since, until_ms=until)
    inside = tuple(m for m in everything if since <= m.at_ms <= until)
    require(
        span == inside,
        f"the {len(inside)} messages of a span, both ends included",
        f"{len(span)}",
        _WRONG_CLIENT,
    )
    later = store.history(session_id, since_ms=everything[-1].at_ms + 1)
    require(later == (), "nothing after the last message", len(later), _WRONG_CLIENT)
    newest = store.history(session_id, limit=1)
    require(newest == everything[-1:], "the newest with limit 1", newest, _WRONG_CLIENT)
    return f"8 messages, {len(inside)} of them in a span of {until - since} ms"


def _tools_at_once(context: Context) -> str:
    session = context.session()

    def work(writer: int) -> None:
        store = context.store(client=writer)
        for number in range(_UPDATES // 2):
            call_id = f"w{writer}-{number}"
            store.start_tool(session.session_id, call_id, "search", {"q": call_id})
            store.finish_tool(session.session_id, call_id, {"answer": call_id})

    _at_once(work)
    tools = context.store().load(session.session_id).tools
    wrong = [
        call.call_id
        for call in tools.values()
        if call.state is not ToolState.DONE or call.result != {"answer": call.call_id}
    ]
    require(
        len(tools) == _UPDATES and not wrong,
        f"{_UPDATES} finished tool calls, each with its own result",
        f"{len(tools)}, wrong: {', '.join(wrong) or 'none'}",
        _WRONG_CLIENT,
    )
    return f"{_UPDATES} calls by two clients at once"


def _events(context: Context) -> str:
    session = context.session()
    store = context.store()
    with store.subscribe(session) as subscription:
        # The first look reads the session itself; from then on only events tell of turns.
        early = subscription.next(_CLOCK_STEP_SECONDS)
        require(early is None, "no event before anything happened", early, _WRONG_CLIENT)
        context.store(client=1).append(session, [{"role": "user"}])
        context.store(client=1).publish(session.session_id, "look")
        received: list[Event] = []
        for _ in range(2):
            event = subscription.next(_EVENT_SECONDS)
            if event is None:
                raise CheckFailed(
                    f"an event within {_EVENT_SECONDS:g} s",
                    f"{len(received)} of 2",
                    f"see whether svc may subscribe to {context.connection.app}:evt:*",
                )
            received.append(event)
    seen = [(event.kind.value, event.seq, event.hint) for event in received]
    wanted = [(EventKind.TURN.value, 1, ""), (EventKind.HINT.value, 1, "look")]
    require(seen == wanted, "a turn's event, then the hint", seen, _WRONG_CLIENT)
    return "turn and hint received"


def _user_index(context: Context) -> str:
    store = context.store()
    user = f"user-{context.run_id}"
    sessions = []
    for _ in range(3):
        sessions.append(context.session(user=user))
        context.pause(_CLOCK_STEP_SECONDS)
    # Activity brings the oldest to the top.
    store.append(sessions[0], [{"role": "user"}])
    wanted = [sessions[n].session_id for n in (0, 2, 1)]
    first = store.list_sessions(user, limit=2)
    require(first.cursor is not None, "a cursor for a second page", None, _WRONG_CLIENT)
    second = store.list_sessions(user, limit=2, cursor=first.cursor)
    found = [s.session_id for s in (*first.sessions, *second.sessions)]
    require(found == wanted, "3 sessions, most recent first", found, _WRONG_CLIENT)
    stranger = store.list_sessions(f"stranger-{context.run_id}")
    require(not stranger.sessions, "none for another user", stranger.sessions, _WRONG_CLIENT)
    return "3 sessions on 2 pages"


def _end(context: Context) -> str:
    store = context.store()
    user = f"leaver-{context.run_id}"
    session = context.session(user=user)
    session_id = session.session_id
    store.append(session, [{"role": "user"}])
    require(store.end(session_id), "true from end", False, _WRONG_CLIENT)
    for what, use in (
        ("load", lambda: store.load(session_id)),
        ("append", lambda: store.append(session_id, [{}], expected_seq=1)),
        ("touch", lambda: store.touch(session_id)),
    ):
        _not_found(what, use)
    require(not store.end(session_id), "false from a second end", True, _WRONG_CLIENT)
    listed = store.list_sessions(user).sessions
    require(not listed, "an empty list of the user's sessions", listed, _WRONG_CLIENT)
    if not context.access.holds(Role.ADMIN):
        return "gone for load, append, touch and the user's list"
    keys = context.keys.session(session_id)
    every = (keys.session, keys.history, keys.tools, keys.lease, keys.user or keys.session)
    left = [key for key in every if context.on_key(key, "EXISTS", key)]
    require(not left, "no key of an ended session", ", ".join(left), _WRONG_CLIENT)
    return "gone for load, append, touch, the user's list, and as keys"


def _not_found(what: str, use: Callable[[], object]) -> None:
    try:
        use()
    except SessionNotFound:
        return
    raise CheckFailed(f"SessionNotFound from {what} after end", "an answer", _WRONG_CLIENT)


def _at_once(work: Callable[[int], None], writers: Sequence[int] = (0, 1)) -> None:
    with ThreadPoolExecutor(len(writers)) as pool:
        for future in [pool.submit(work, writer) for writer in writers]:
            future.result()


CHECKS: Final = (
    Check(Group.PATTERNS, "two writers update a session's fields at once", _fields_by_two),
    Check(Group.PATTERNS, f"history keeps the newest {WINDOW} messages in order", _window),
    Check(Group.PATTERNS, "a timeline is read by time", _timeline),
    Check(Group.PATTERNS, "tool calls are updated at once by two writers", _tools_at_once),
    Check(Group.PATTERNS, "events reach a subscriber", _events),
    Check(Group.PATTERNS, "a user's sessions are listed, newest first", _user_index),
    Check(Group.PATTERNS, "an ended session is gone", _end),
)
