"""What is done about which failure."""

from __future__ import annotations

import pytest

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
from holdfast.retry import Attempts, Failure, Kind, failure_of_reply

NODE = Address("127.0.0.1", 7600)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _attempts(clock: Clock, *, writes: bool = True, jitter: float = 1.0) -> Attempts:
    return Attempts(
        ClientOptions(), writes=writes, started=clock(), clock=clock, jitter=lambda: jitter
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("READONLY You can't write against a read only replica.", Kind.ELSEWHERE),
        ("READONLY You can't write against a read only replica. script: on @x:1", Kind.ELSEWHERE),
        ("UNBLOCKED force unblock from blocking operation, instance state changed", Kind.ELSEWHERE),
        ("ERR WAIT cannot be used with replica instances.", Kind.ELSEWHERE),
        ("LOADING Valkey is loading the dataset in memory", Kind.ELSEWHERE),
        ("MASTERDOWN Link with MASTER is down", Kind.ELSEWHERE),
        ("CLUSTERDOWN The cluster is down", Kind.ELSEWHERE),
        ("TRYAGAIN Multiple keys request during rehashing of slot", Kind.LATER),
        ("BUSY Valkey is busy running a script", Kind.LATER),
        ("MISCONF Errors writing to the AOF file: No space left on device", Kind.LATER),
        ("ERR max number of clients reached", Kind.LATER),
        ("NOREPLICAS Not enough good replicas to write.", Kind.NO_REPLICAS),
        ("NOSCRIPT No matching script.", Kind.NO_SCRIPT),
        ("WRONGPASS invalid username-password pair or user is disabled.", Kind.LOGIN),
        ("NOAUTH Authentication required.", Kind.LOGIN),
        ("NOPERM User svc has no permissions to run the 'get' command", Kind.FORBIDDEN),
        ("ERR ACL failure in script: User svc has no permissions", Kind.FORBIDDEN),
        ("ERR The user executing the script can't access at least one of", Kind.FORBIDDEN),
        ("OOM command not allowed when used memory > 'maxmemory'.", Kind.FULL),
        ("ERR unknown command 'EVALSHA', with args beginning with: 'secret'", Kind.UNSUPPORTED),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", Kind.REFUSED),
        ("ERR anything else", Kind.REFUSED),
    ],
)
def test_error_replies_are_told_apart(text: str, kind: Kind) -> None:
    failure = failure_of_reply(text, NODE)
    assert failure.kind is kind
    assert not failure.sent
    assert failure.address == NODE
    assert "secret" not in str(failure)


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("MOVED 3999 10.0.0.2:6381", Kind.MOVED, Address("10.0.0.2", 6381)),
        ("MOVED 3999 :6381", Kind.MOVED, Address("127.0.0.1", 6381)),
        ("ASK 3999 node-1.example:6381", Kind.ASK, Address("node-1.example", 6381)),
        ("ASK 3999 ::1:6381", Kind.ASK, Address("::1", 6381)),
    ],
)
def test_redirections_say_where_to(text: str, kind: Kind, target: Address) -> None:
    failure = failure_of_reply(text, NODE)
    assert (failure.kind, failure.target) == (kind, target)


def test_a_broken_connection_is_made_anew_at_once_and_then_with_growing_pauses() -> None:
    attempts = _attempts(Clock())
    broken = Failure(Kind.BROKEN, "connection lost", NODE, sent=True)
    decisions = [attempts.decide(broken) for _ in range(6)]
    delays = [decision.delay_seconds for decision in decisions]
    assert delays == [0.0, 0.1, 0.2, 0.25, 0.25, 0.25]
    assert all(decision.relocate and not decision.reload for decision in decisions)


def test_pauses_are_spread_so_that_clients_do_not_return_at_once() -> None:
    shortest, longest = (
        _attempts(Clock(), jitter=jitter).decide(Failure(Kind.LATER, "busy")).delay_seconds
        for jitter in (0.0, 1.0)
    )
    assert 0 < shortest == longest / 2


def test_the_deadline_ends_an_outage_and_says_what_may_have_happened() -> None:
    clock = Clock()
    attempts = _attempts(clock)
    attempts.decide(Failure(Kind.BROKEN, "connection lost", NODE, sent=True))
    clock.now = 14.95
    with pytest.raises(StoreUnavailable) as caught:
        attempts.decide(Failure(Kind.BROKEN, "connection refused", NODE))
    error = caught.value
    assert (error.attempts, error.elapsed_seconds, error.may_have_applied) == (2, 14.95, True)
    assert "127.0.0.1:7600: connection refused" in str(error)
    assert "may have been applied" in str(error)


@pytest.mark.parametrize(("writes", "sent"), [(True, False), (False, True)])
def test_nothing_may_have_applied_where_nothing_was_sent_or_written(
    writes: bool, sent: bool
) -> None:
    clock = Clock()
    attempts = _attempts(clock, writes=writes)
    clock.now = 16
    with pytest.raises(StoreUnavailable) as caught:
        attempts.decide(Failure(Kind.BROKEN, "connection lost", NODE, sent=sent))
    assert not caught.value.may_have_applied
    assert ("was not applied" in str(caught.value)) is writes


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (Kind.LOGIN, AccessDenied),
        (Kind.FORBIDDEN, AccessDenied),
        (Kind.UNTRUSTED, TlsFailed),
    ],
)
def test_a_refused_login_is_tried_once_more_and_never_again(
    kind: Kind, error: type[HoldfastError]
) -> None:
    attempts = _attempts(Clock())
    failure = Failure(kind, "refused", NODE)
    decision = attempts.decide(failure)
    assert decision.reload
    assert not decision.delay_seconds
    with pytest.raises(error, match="refused"):
        attempts.decide(failure)


@pytest.mark.parametrize(
    ("kind", "error"),
    [(Kind.FULL, StoreFull), (Kind.UNSUPPORTED, Unsupported), (Kind.REFUSED, HoldfastError)],
)
def test_what_no_retry_can_mend_is_raised_at_once(kind: Kind, error: type[HoldfastError]) -> None:
    with pytest.raises(error, match=r"127\.0\.0\.1:7600: because"):
        _attempts(Clock()).decide(Failure(kind, "because", NODE))


def test_missing_replicas_are_waited_for_but_not_until_the_deadline() -> None:
    clock = Clock()
    attempts = _attempts(clock)
    failure = Failure(Kind.NO_REPLICAS, "NOREPLICAS", NODE)
    while clock.now <= 5.0:
        decision = attempts.decide(failure)
        assert decision.relocate
        assert decision.delay_seconds > 0
        clock.now += decision.delay_seconds
    with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
        attempts.decide(failure)
    assert clock.now < 5.5


@pytest.mark.parametrize("kind", [Kind.MOVED, Kind.ASK, Kind.NO_SCRIPT])
def test_a_redirection_costs_no_pause_but_a_loop_of_them_does(kind: Kind) -> None:
    attempts = _attempts(Clock())
    failure = Failure(kind, "there", NODE, target=Address("127.0.0.1", 7601))
    delays = [attempts.decide(failure).delay_seconds for _ in range(4)]
    assert delays[:3] == [0, 0, 0]
    assert delays[3] > 0
