"""Leases: one worker at a time, and a fence that outlives a worker who does not notice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from holdfast.commands.answers import OK, refusal
from holdfast.commands.scope import Scope
from holdfast.errors import ConfigError
from holdfast.keys import SessionKeys, new_token
from holdfast.model import Lease
from holdfast.operation import Arg, Operation, Script
from holdfast.scripts import LEASE_ACQUIRE, LEASE_RELEASE, LEASE_RENEW

MAX_LEASE_MS: Final = 24 * 3600 * 1000


def lease_arguments(lease: Lease | None, session_id: str) -> tuple[Arg, str]:
    """Fence and token for a script; both empty without a lease. Raises ConfigError."""
    if lease is None:
        return "", ""
    if lease.session_id != session_id:
        raise ConfigError(
            "lease", lease.session_id, f"a lease of {session_id}", "acquire one for this session"
        )
    return lease.fence, lease.token


def acquire(scope: Scope, session_id: str, *, ttl_ms: int) -> Operation[Lease]:
    """Take the lease. The token is minted here, so that a repeat finds its own lease."""
    _check_ttl(ttl_ms)
    keys = scope.keys.session(session_id)
    token = new_token()

    def parse(replies: Sequence[Any]) -> Lease:
        answer = replies[0]
        if answer[0] == OK:
            return Lease(session_id, answer[1], token, ttl_ms)
        raise refusal(session_id, answer)

    return Operation(
        (_command(LEASE_ACQUIRE, keys, token, ttl_ms),),
        keys.session,
        parse,
        LEASE_ACQUIRE,
        writes=True,
    )


def renew(scope: Scope, lease: Lease, *, ttl_ms: int | None = None) -> Operation[Lease]:
    """Let the lease last ``ttl_ms`` from now (default: as long as it was taken for)."""
    duration_ms = lease.ttl_ms if ttl_ms is None else ttl_ms
    _check_ttl(duration_ms)
    keys = scope.keys.session(lease.session_id)

    def parse(replies: Sequence[Any]) -> Lease:
        answer = replies[0]
        if answer[0] == OK:
            return Lease(lease.session_id, lease.fence, lease.token, duration_ms)
        raise refusal(lease.session_id, answer, fence=lease.fence)

    return Operation(
        (_command(LEASE_RENEW, keys, lease.fence, lease.token, duration_ms),),
        keys.session,
        parse,
        LEASE_RENEW,
        writes=True,
    )


def release(scope: Scope, lease: Lease) -> Operation[bool]:
    """Give the lease back; false where it was no longer held."""
    keys = scope.keys.session(lease.session_id)
    return Operation(
        (_command(LEASE_RELEASE, keys, lease.token),),
        keys.session,
        lambda replies: replies[0][1] == 1,
        LEASE_RELEASE,
        writes=True,
    )


def _command(script: Script, keys: SessionKeys, *arguments: Arg) -> tuple[Arg, ...]:
    named = keys.named_with_lease
    return ("EVALSHA", script.sha, len(named), *named, *arguments)


def _check_ttl(ttl_ms: int) -> None:
    if type(ttl_ms) is not int or not 0 < ttl_ms <= MAX_LEASE_MS:
        raise ConfigError("ttl_ms", ttl_ms, f"1 to {MAX_LEASE_MS} milliseconds", "say how long")
