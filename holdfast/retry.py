"""What went wrong, and what to do about it: a pure policy without clock or network of its own.

An operation may be sent again whatever happened to it (ids, tokens and absolute values see to
that), so an outage is only a question of how long and how often.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from holdfast.connection import Address
from holdfast.errors import (
    AccessDenied,
    HoldfastError,
    StoreFull,
    StoreUnavailable,
    TlsFailed,
    Unsupported,
)
from holdfast.options import ClientOptions

_BASE_DELAY_SECONDS: Final = 0.025
_MAX_DELAY_SECONDS: Final = 0.25
_FREE_REDIRECTS: Final = 3
_MAX_TEXT: Final = 200


class Kind(StrEnum):
    """The kinds of failures that differ in what is done about them."""

    BROKEN = "broken"
    """No connection, a lost one, or no reply in time."""
    ELSEWHERE = "elsewhere"
    """The server cannot serve this now; another may be the primary."""
    LATER = "later"
    """The same server will serve it later."""
    NO_REPLICAS = "no-replicas"
    """The primary refuses writes because too few replicas follow it."""
    MOVED = "moved"
    """The slot is served by another node from now on."""
    ASK = "ask"
    """This one command is to be asked at another node."""
    NO_SCRIPT = "no-script"
    """The server does not know the script yet."""
    LOGIN = "login"
    """The server refuses name or password."""
    FORBIDDEN = "forbidden"
    """The role may not do this."""
    UNTRUSTED = "untrusted"
    """TLS: the certificate, its name or the version does not hold."""
    FULL = "full"
    """No memory is left for writes."""
    UNSUPPORTED = "unsupported"
    """The server does not know the command."""
    REFUSED = "refused"
    """Any other error reply."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that gave no replies.

    Attributes:
        kind: what to do about it.
        text: for the message; never holds a secret or an argument of a command.
        address: of the server that was asked, where there was one.
        sent: true where the server may have done it all the same.
        target: where to ask instead (MOVED, ASK).
    """

    kind: Kind
    text: str
    address: Address | None = None
    sent: bool = False
    target: Address | None = None

    def __str__(self) -> str:
        return f"{self.address}: {self.text}" if self.address else self.text


_CODES: Final = {
    "READONLY": Kind.ELSEWHERE,
    "LOADING": Kind.ELSEWHERE,
    "MASTERDOWN": Kind.ELSEWHERE,
    "CLUSTERDOWN": Kind.ELSEWHERE,
    "UNBLOCKED": Kind.ELSEWHERE,
    "REDIRECT": Kind.ELSEWHERE,
    "TRYAGAIN": Kind.LATER,
    "BUSY": Kind.LATER,
    "MISCONF": Kind.LATER,
    "NOREPLICAS": Kind.NO_REPLICAS,
    "NOSCRIPT": Kind.NO_SCRIPT,
    "WRONGPASS": Kind.LOGIN,
    "NOAUTH": Kind.LOGIN,
    "NOPERM": Kind.FORBIDDEN,
    "OOM": Kind.FULL,
}

_DENIED_IN_SCRIPT: Final = ("ACL failure in script", "The user executing the script can't")
"""Newer servers, and Redis 7.0."""


def failure_of_reply(text: str, address: Address) -> Failure:
    """Classify an error reply. Nothing of the command that got it was applied."""
    code, _, rest = text.partition(" ")
    if code in ("MOVED", "ASK"):
        target = rest.rpartition(" ")[2]
        # Without a host the node that answers is meant, at another port.
        host, _, port = target.rpartition(":")
        return Failure(
            Kind(code.lower()), text, address, target=Address(host or address.host, int(port))
        )
    kind = _CODES.get(code, Kind.REFUSED)
    if kind is Kind.REFUSED:
        # Some servers put words of their own in place of a refused script's code.
        if any(words in text for words in _DENIED_IN_SCRIPT):
            kind = Kind.FORBIDDEN
        elif text.startswith("ERR WAIT cannot be used with replica"):
            # It ceased to be the primary between the write and its WAIT.
            kind = Kind.ELSEWHERE
        elif text.startswith("ERR unknown command"):
            kind = Kind.UNSUPPORTED
        elif text.startswith("ERR max number of clients"):
            kind = Kind.LATER
    return Failure(kind, _without_arguments(text), address)


def _without_arguments(text: str) -> str:
    return text.partition(", with args")[0][:_MAX_TEXT]


# A primary without replicas may have been cut off from them, and another elected.
_RELOCATE: Final = (Kind.BROKEN, Kind.ELSEWHERE, Kind.MOVED, Kind.NO_REPLICAS)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do before the next attempt.

    Attributes:
        delay_seconds: how long to wait.
        reload: read the Connection again first.
        relocate: ask again where the primary (or the slot) is.
    """

    delay_seconds: float = 0.0
    reload: bool = False
    relocate: bool = False


class Attempts:
    """The life of one operation after its first attempt failed.

    Args:
        options: deadline and bounds.
        writes: whether a lost reply leaves the outcome unknown.
        started: when the first attempt began, by ``clock``.
        clock: monotonic seconds.
        jitter: a number from 0 to 1, different each time, so that clients do not return at once.
    """

    def __init__(
        self,
        options: ClientOptions,
        *,
        writes: bool,
        started: float,
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._options = options
        self._writes = writes
        self._started = started
        self._clock = clock
        self._jitter = jitter
        self._count = 0
        self._waits = 0
        self._redirects = 0
        self._reloaded = False
        self._no_replicas_since: float | None = None
        self._may_have_applied = False

    def decide(self, failure: Failure) -> Decision:
        """What to do about the newest failure.

        Raises:
            StoreUnavailable: the deadline has come.
            AccessDenied, TlsFailed: still so after the Connection was read again.
            StoreFull, Unsupported, HoldfastError: another attempt could not help.
        """
        self._count += 1
        self._may_have_applied |= failure.sent and self._writes
        kind = failure.kind
        if kind in (Kind.LOGIN, Kind.FORBIDDEN, Kind.UNTRUSTED):
            return self._reload_once(failure)
        if kind is Kind.FULL:
            raise StoreFull(str(failure))
        if kind is Kind.UNSUPPORTED:
            raise Unsupported(
                "server", str(failure), "a server that knows the command", "use a newer one"
            )
        if kind is Kind.REFUSED:
            message = f"the server refused the operation: {failure}"
            raise HoldfastError(message)
        if kind in (Kind.MOVED, Kind.ASK, Kind.NO_SCRIPT) and self._redirects < _FREE_REDIRECTS:
            self._redirects += 1
            return self._unless_late(Decision(), failure)
        if kind is Kind.NO_REPLICAS:
            self._bound_no_replicas(failure)
        relocate = kind in _RELOCATE
        return self._unless_late(Decision(self._delay(kind), relocate=relocate), failure)

    def denied(self, failure: Failure) -> HoldfastError:
        """The error of a refusal that reading the Connection again does not mend."""
        error = TlsFailed if failure.kind is Kind.UNTRUSTED else AccessDenied
        return error(str(failure))

    def _reload_once(self, failure: Failure) -> Decision:
        # Once only: a wrong password sent again and again looks like an attack, and locks out.
        if self._reloaded:
            raise self.denied(failure)
        self._reloaded = True
        return Decision(reload=True)

    def _bound_no_replicas(self, failure: Failure) -> None:
        now = self._clock()
        if self._no_replicas_since is None:
            self._no_replicas_since = now
        elif now - self._no_replicas_since > self._options.no_replicas_seconds:
            raise self._unavailable(failure)

    def _delay(self, kind: Kind) -> float:
        self._waits += 1
        if self._waits == 1 and kind is Kind.BROKEN:
            # Most often a pooled connection that the server had closed: a new one will do.
            return 0.0
        delay = min(_BASE_DELAY_SECONDS * 2.0 ** min(self._waits, 10), _MAX_DELAY_SECONDS)
        return delay * (0.5 + 0.5 * self._jitter())

    def _unless_late(self, decision: Decision, failure: Failure) -> Decision:
        elapsed = self._clock() - self._started
        if elapsed + decision.delay_seconds > self._options.deadline_seconds:
            raise self._unavailable(failure)
        return decision

    def _unavailable(self, failure: Failure) -> StoreUnavailable:
        elapsed = self._clock() - self._started
        state = "may have been applied" if self._may_have_applied else "was not applied"
        outcome = f"; the write {state}" if self._writes else ""
        attempts = f"{self._count} attempt{'s' if self._count > 1 else ''}"
        return StoreUnavailable(
            f"no answer after {attempts} in {elapsed:.1f} s; last: {failure}{outcome}",
            attempts=self._count,
            elapsed_seconds=elapsed,
            may_have_applied=self._may_have_applied,
        )
