"""Every error that Holdfast raises, in one tree.

HoldfastError
├── ConfigError                 a setting, an argument or a document is wrong (nothing was sent)
│   ├── ConnectionFormatError   a Connection document cannot be read
│   └── Unsupported             the target cannot do what was asked
├── StoreUnavailable            an outage; never to be taken for an empty session
├── AccessDenied                credentials or ACL rules refuse; never retried
├── TlsFailed                   the certificate, its name or the protocol version does not hold
├── StoreFull                   the server refuses writes for lack of memory
├── CacheComputeTimeout         another caller computes a cache entry and did not finish in time
├── VerificationFailed          a check against a deployed store did not hold
└── SessionError                an answer of the store about one session
    ├── SessionNotFound         no such session (never was, ended, or of another tenant)
    │   └── InvalidSessionId    the id is not one that Holdfast mints
    ├── SessionExpired          past its idle deadline or token expiry
    ├── SessionTorn             eviction took part of the session
    ├── TurnConflict            somebody else wrote a turn first
    ├── Unconfirmed             a turn is stored, on fewer replicas than asked for so far
    ├── RolledBack              a failover lost acknowledged turns; says where to resend from
    ├── Fenced                  the lease was taken over
    ├── LeaseHeld               another worker holds the lease
    └── ToolCallError           a tool call is unknown, or there are too many
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.model import TurnResult


class HoldfastError(Exception):
    """Base of every error in this package."""


class ConfigError(HoldfastError, ValueError):
    """Bad input, found before anything was sent.

    The message has one shape: ``<field>: got <value>, need <rule>; <fix>``. The value of a secret
    is never passed here.
    """

    def __init__(self, field: str, value: object, rule: str, fix: str) -> None:
        self.field = field
        self.value = value
        self.rule = rule
        self.fix = fix
        super().__init__(f"{field}: got {value!r}, need {rule}; {fix}")


class ConnectionFormatError(ConfigError):
    """A Connection document is malformed or of a version this kit does not know."""


class Unsupported(ConfigError):
    """The target, topology or server version cannot do what was asked."""


class StoreUnavailable(HoldfastError):
    """The store did not answer within the deadline.

    Attributes:
        attempts: how often the operation was tried.
        elapsed_seconds: from the first attempt to giving up.
        may_have_applied: true where a write was sent and its reply was lost. Sending the same
            turn again (same turn id) is safe.
    """

    def __init__(
        self,
        message: str,
        *,
        attempts: int = 1,
        elapsed_seconds: float = 0.0,
        may_have_applied: bool = False,
    ) -> None:
        self.attempts = attempts
        self.elapsed_seconds = elapsed_seconds
        self.may_have_applied = may_have_applied
        super().__init__(message)


class AccessDenied(HoldfastError):
    """The server refuses the credentials, or the role may not do this."""


class TlsFailed(HoldfastError):
    """The TLS handshake failed: wrong CA, wrong server name, or no common protocol version."""


class StoreFull(HoldfastError):
    """The server is at maxmemory and has nothing it may evict; the write was not applied."""


class CacheComputeTimeout(HoldfastError):
    """Another caller is computing the entry and did not store it within the wait."""


class VerificationFailed(HoldfastError):
    """A check against a deployed store did not hold."""


class SessionError(HoldfastError):
    """Base of the answers about one session. ``session_id`` names it."""

    def __init__(self, session_id: str, message: str) -> None:
        self.session_id = session_id
        super().__init__(message)


class SessionNotFound(SessionError):
    """No such session for this tenant: it never was, has ended, or belongs to someone else."""

    def __init__(self, session_id: str, message: str = "session not found") -> None:
        super().__init__(session_id, message)


class InvalidSessionId(SessionNotFound):
    """The id does not have the form that Holdfast mints; the store was not asked."""


class SessionExpired(SessionError):
    """The idle deadline or the token's expiry has passed; data kept in grace is not served."""

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id, "session is past its deadline")


class SessionTorn(SessionError):
    """Part of the session is gone (eviction); it is neither served nor written to."""

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id, "session is torn: the server evicted part of it; start anew")


class TurnConflict(SessionError):
    """Another writer stored a turn first. Load again and decide; ``stored_seq`` is the newest."""

    def __init__(self, session_id: str, *, expected_seq: int, stored_seq: int) -> None:
        self.expected_seq = expected_seq
        self.stored_seq = stored_seq
        super().__init__(
            session_id,
            f"turn conflict: the writer knows seq {expected_seq}, stored is {stored_seq}",
        )


class Unconfirmed(SessionError):
    """The primary has stored the turn, and too few replicas said in time that they have it.

    It is no refusal: readers see the turn, and :attr:`result` is what the next ``append`` follows.
    It may yet be lost, if the primary fails before a replica has it; the writer is then told with
    :class:`RolledBack`. Append the same turn again, with the same turn id, to ask once more: it is
    stored once, and the result says ``duplicate``.

    Attributes:
        result: what ``append`` would have returned.
        confirmed: how many replicas have the turn.
        wanted: how many were asked for.
    """

    def __init__(self, result: TurnResult, *, wanted: int) -> None:
        self.result = result
        self.confirmed = result.confirmed
        self.wanted = wanted
        super().__init__(
            result.session_id,
            f"turn {result.turn_id} is stored as seq {result.seq} and confirmed by "
            f"{result.confirmed} of {wanted} replicas; send the same turn again to ask once more",
        )


class RolledBack(SessionError):
    """A failover lost acknowledged turns: the store is not where this writer was told it is.

    Attributes:
        stored_seq: the newest turn that the store has.
        expected_seq: what the writer had been told.
        diverged: false where the store is merely behind: resend from ``stored_seq + 1``. True where
            other turns took the place of acknowledged ones, or the lease itself was lost: load the
            session and resend what it lacks.
    """

    def __init__(
        self, session_id: str, *, expected_seq: int, stored_seq: int, diverged: bool = False
    ) -> None:
        self.expected_seq = expected_seq
        self.stored_seq = stored_seq
        self.diverged = diverged
        remedy = (
            "load the session and resend what it lacks"
            if diverged
            else f"resend from seq {stored_seq + 1}"
        )
        super().__init__(
            session_id,
            f"rolled back: acknowledged up to seq {expected_seq}, stored is {stored_seq}; {remedy}",
        )


class Fenced(SessionError):
    """The lease this write relies on was taken over (``stored_fence`` is newer) or given back."""

    def __init__(self, session_id: str, *, fence: int, stored_fence: int) -> None:
        self.fence = fence
        self.stored_fence = stored_fence
        lost = f"was taken over by {stored_fence}" if stored_fence > fence else "was given back"
        super().__init__(session_id, f"fenced: lease {fence} {lost}")


class LeaseHeld(SessionError):
    """Another worker holds the lease; it expires in ``remaining_ms`` unless renewed."""

    def __init__(self, session_id: str, *, remaining_ms: int) -> None:
        self.remaining_ms = remaining_ms
        super().__init__(session_id, f"lease is held; it expires in {remaining_ms} ms")


class ToolCallError(SessionError):
    """The tool call is unknown, already finished differently, or there are too many pending."""
