"""Checks of how long sessions live, and of writers that come too late."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from holdfast.errors import (
    ConfigError,
    Fenced,
    LeaseHeld,
    SessionExpired,
    SessionNotFound,
    TurnConflict,
)
from holdfast.ids import new_turn_id
from holdfast.model import Lease, Session
from holdfast.roles import Role
from holdfast.store import SessionStore
from holdfast.ttl import GRACE_MS, Ttl
from holdfast.verify.check import Check, Context
from holdfast.verify.result import CheckFailed, Group, NotChecked, require

_TOKEN_SECONDS: Final = 600
_SHORT_SECONDS: Final = (0.4, 2.0, 8.0)
_LEASES_MS: Final = (200, 1000, 4000)
_SLACK_SECONDS: Final = 3.0
_TAKE_OVER_SECONDS: Final = _LEASES_MS[-1] / 1000 + _SLACK_SECONDS
_CLOCK_STEP_SECONDS: Final = 0.02
_WRONG_CLIENT: Final = "compare the versions of this tool and of the server; report it"


def _each_kind(context: Context) -> str:
    context.access.credentials(Role.ADMIN)
    user = f"ttl-{context.run_id}"
    idle = {
        "chat": (Ttl.chat(), 1_800_000),
        "task": (Ttl.task(expected_seconds=60), 180_000),
        "research": (Ttl.research(), 21_600_000),
    }
    for kind, (ttl, idle_ms) in idle.items():
        session = _used(context, ttl, user)
        _require_idle(kind, session, idle_ms)
        _require_expiry(context, session, session.deadline_ms + GRACE_MS)
    now_ms = context.session().updated_ms
    expires_at_ms = now_ms + _TOKEN_SECONDS * 1000
    token = _used(context, Ttl.token(expires_at_ms=expires_at_ms), None)
    require(
        token.deadline_ms == expires_at_ms,
        f"a token's deadline at its expiry {expires_at_ms}",
        token.deadline_ms,
        _WRONG_CLIENT,
    )
    _require_expiry(context, token, expires_at_ms)
    index = context.keys.user_index(user)
    left_ms = int(context.on_key(index, "PTTL", index))
    require(left_ms > 0, "a TTL on the user's index", f"PTTL {left_ms}", _WRONG_CLIENT)
    return "chat 30 min, task 3x, research 6 h, each with 5 min grace; token exact"


def _used(context: Context, ttl: Ttl, user: str | None) -> Session:
    """A session that has every key a session can have."""
    store = context.store()
    session = context.session(ttl=ttl, user=user)
    store.append(session, [{"role": "user"}])
    store.start_tool(session.session_id, "call", "search", {})
    return store.load(session.session_id)


def _require_idle(kind: str, session: Session, idle_ms: int) -> None:
    found = session.deadline_ms - session.updated_ms
    require(
        found == idle_ms,
        f"a {kind} session's deadline {idle_ms} ms after its last activity",
        f"{found} ms",
        _WRONG_CLIENT,
    )


def _require_expiry(context: Context, session: Session, wanted_ms: int) -> None:
    for key, found in _expiries(context, session.session_id).items():
        require(
            found == wanted_ms,
            f"{key} to expire at {wanted_ms}",
            {-1: "no TTL", -2: "no such key"}.get(found, str(found)),
            _WRONG_CLIENT,
        )


def _expiries(context: Context, session_id: str) -> dict[str, int]:
    """When the server will drop each key of a session, milliseconds since the epoch."""
    keys = context.keys.session(session_id)
    return {
        key: int(context.on_key(key, "PEXPIRETIME", key))
        for key in (keys.session, keys.history, keys.tools)
    }


def _refreshed(context: Context) -> str:
    store = context.store()
    session = _used(context, Ttl.chat(), None)
    session_id = session.session_id
    lease_key = context.keys.session(session_id).lease
    head = session.head

    def append() -> None:
        store.append(head, [{"role": "assistant"}])

    activities: tuple[tuple[str, Callable[[], object]], ...] = (
        ("append", append),
        ("set_fields", lambda: store.set_fields(session_id, {"seen": "yes"})),
        ("finish_tool", lambda: store.finish_tool(session_id, "call", {})),
        ("touch", lambda: store.touch(session_id)),
    )
    admin = context.access.holds(Role.ADMIN)
    for name, act in activities:
        before = store.load(session_id).deadline_ms
        expiries = _expiries(context, session_id) if admin else {}
        context.pause(_CLOCK_STEP_SECONDS)
        act()
        after = store.load(session_id).deadline_ms
        require(
            after > before, f"{name} to move the deadline", f"{after - before} ms", _WRONG_CLIENT
        )
        for key, earlier in expiries.items():
            later = _expiries(context, session_id)[key]
            require(later > earlier, f"{name} to move the TTL of {key}", "unmoved", _WRONG_CLIENT)
    if not admin:
        return "deadlines moved; the keys' TTL not read: the connection holds no admin role"
    with store.lease(session_id):
        left_ms = int(context.on_key(lease_key, "PTTL", lease_key))
        require(left_ms > 0, "a TTL on the lease", f"PTTL {left_ms}", _WRONG_CLIENT)
    return "by append, set_fields, finish_tool and touch; on every key of the session"


def _deadline(context: Context) -> str:
    store = context.store()
    seconds, short, token = _short_lived(context)
    require(
        context.wait_until(
            lambda: _expired(context, short), timeout_seconds=seconds + _SLACK_SECONDS
        ),
        f"SessionExpired from load {seconds:g} s after the last activity",
        "the session",
        _WRONG_CLIENT,
    )
    try:
        store.append(short, [{"role": "user"}])
    except SessionExpired:
        pass
    else:
        raise CheckFailed("SessionExpired from append", "a stored turn", _WRONG_CLIENT)
    require(
        context.wait_until(lambda: _expired(context, token), timeout_seconds=_SLACK_SECONDS),
        "a token refused after its expiry",
        "the session",
        _WRONG_CLIENT,
    )
    if not context.access.holds(Role.ADMIN):
        return "idle session and token refused"
    data, gone = (context.keys.session(s.session_id).session for s in (short, token))
    require(
        context.on_key(data, "EXISTS", data) == 1,
        "an idle session's data in its grace of 5 minutes",
        "nothing",
        _WRONG_CLIENT,
    )
    require(
        # A server drops a key in the millisecond after the one in which a client refuses it.
        context.wait_until(
            lambda: context.on_key(gone, "EXISTS", gone) == 0, timeout_seconds=_SLACK_SECONDS
        ),
        "a token gone at its expiry, without grace",
        gone,
        _WRONG_CLIENT,
    )
    return "idle session refused, its data in grace; token gone"


def _expired(context: Context, session: Session) -> bool:
    try:
        context.store().load(session.session_id)
    except (SessionExpired, SessionNotFound):
        return True
    return False


def _repeated_turn(context: Context) -> str:
    store = context.store()
    session = context.session()
    turn_id = new_turn_id()
    first = store.append(session, [{"n": 1}], turn_id=turn_id)
    second = store.append(first, [{"n": 2}])
    for at in (session, second):
        again = store.append(at, [{"n": 1}], turn_id=turn_id)
        require(
            again.duplicate and again.seq == first.seq,
            f"'duplicate' with seq {first.seq} for a repeated turn",
            f"seq {again.seq}, duplicate {again.duplicate}",
            _WRONG_CLIENT,
        )
    found = store.load(session.session_id)
    require(
        [m["n"] for m in found.messages] == [1, 2] and found.seq == second.seq,
        "each turn stored once",
        f"messages {found.messages}, seq {found.seq}",
        _WRONG_CLIENT,
    )
    return "sent three times, stored once"


def _stale_writer(context: Context) -> str:
    store = context.store()
    session = context.session()
    store.append(session, [{"by": "first"}])
    try:
        context.store(client=1).append(session, [{"by": "second"}])
    except TurnConflict as conflict:
        require(conflict.stored_seq == 1, "stored seq 1", conflict.stored_seq, _WRONG_CLIENT)
    else:
        raise CheckFailed("TurnConflict", "a stored turn", _WRONG_CLIENT)
    found = store.load(session.session_id)
    require(
        [m["by"] for m in found.messages] == ["first"],
        "the first writer's turn alone",
        found.messages,
        _WRONG_CLIENT,
    )
    return "TurnConflict, nothing stored"


def _lost_lease(context: Context) -> str:
    store, other = context.store(), context.store(client=1)
    session, lost = _held(context, store)
    session_id = session.session_id
    taken: list[Lease | None] = []

    def take() -> bool:
        taken.append(_taken(context, session_id))
        return taken[-1] is not None

    require(
        context.wait_until(take, timeout_seconds=_TAKE_OVER_SECONDS),
        f"a lease to be free within {_TAKE_OVER_SECONDS:g} s",
        "LeaseHeld",
        _WRONG_CLIENT,
    )
    try:
        store.append(session, [{"by": "old holder"}], lease=lost)
    except Fenced:
        pass
    else:
        raise CheckFailed("Fenced for the old holder", "a stored turn", _WRONG_CLIENT)
    stored = other.append(session, [{"by": "new holder"}], lease=taken[-1])
    require(stored.seq == 1, "the new holder's turn as seq 1", stored.seq, _WRONG_CLIENT)
    return "LeaseHeld, then taken over, then Fenced"


def _short_lived(context: Context) -> tuple[float, Session, Session]:
    """Seconds, an idle session and a token that end so long after the first of them was made.

    On a machine so busy that the time is over before there is a token, both live longer.
    """
    for seconds in _SHORT_SECONDS:
        began = time.monotonic()
        short = context.session(ttl=Ttl.chat(idle_seconds=seconds))
        expires_at_ms = short.updated_ms + round(seconds * 1000)
        try:
            return seconds, short, context.session(ttl=Ttl.token(expires_at_ms=expires_at_ms))
        except ConfigError:
            if time.monotonic() - began < seconds:
                raise
    raise NotChecked(f"this machine takes longer than {_SHORT_SECONDS[-1]:g} s for two sessions")


def _held(context: Context, store: SessionStore) -> tuple[Session, Lease]:
    """A session with a lease that nobody else got while it was held.

    A machine so busy that the question comes after the lease's end says nothing: asked again,
    with a longer one.
    """
    for ttl_ms in _LEASES_MS:
        session = context.session()
        asked = time.monotonic()
        lease = store.acquire_lease(session.session_id, ttl_ms=ttl_ms)
        if _taken(context, session.session_id) is None:
            return session, lease
        if (time.monotonic() - asked) * 1000 < ttl_ms:
            raise CheckFailed("LeaseHeld while it is held", "a lease", _WRONG_CLIENT)
    raise NotChecked(f"this machine takes longer than {_LEASES_MS[-1]} ms to ask twice")


def _taken(context: Context, session_id: str) -> Lease | None:
    try:
        return context.store(client=1).acquire_lease(session_id)
    except LeaseHeld:
        return None


CHECKS: Final = (
    Check(Group.PATTERNS, "each kind of session has its TTL, tokens exactly", _each_kind),
    Check(Group.PATTERNS, "activity refreshes every TTL of a session", _refreshed),
    Check(Group.PATTERNS, "a session past its deadline is refused", _deadline),
    Check(Group.PATTERNS, "a repeated turn is stored once", _repeated_turn),
    Check(Group.PATTERNS, "a stale writer is refused", _stale_writer),
    Check(Group.PATTERNS, "a writer that lost its lease is refused", _lost_lease),
)
