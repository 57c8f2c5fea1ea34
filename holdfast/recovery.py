"""The attempts after the first: a generator that says what to do next, for both kinds of client."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from holdfast.connection import Address
from holdfast.operation import Operation
from holdfast.options import ClientOptions
from holdfast.resp import pack
from holdfast.retry import Attempts, Failure, Kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait. The answer is None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reload:
    """Read the Connection again. The answer is whether it changed."""


@dataclass(frozen=True, slots=True)
class Relocate:
    """Ask where operations go. The answer is None or a Failure."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send and read. The answer is the replies or a Failure.

    Attributes:
        key: picks the server, unless ``address`` does.
        payload: packed commands.
        count: how many replies belong to them.
        address: where to, after MOVED or ASK.
    """

    key: str
    payload: bytes
    count: int
    address: Address | None = None


Step = Pause | Reload | Relocate | Send


def recover(
    operation: Operation[T],
    failure: Failure,
    *,
    options: ClientOptions,
    started: float,
    clock: Callable[[], float],
    jitter: Callable[[], float] = random.random,
) -> Generator[Step, Any, T]:
    """Send an operation again until it is answered, the deadline comes, or it makes no sense.

    Raises:
        The errors of :meth:`holdfast.retry.Attempts.decide`, and those of ``operation.parse``.
    """
    attempts = Attempts(
        options, writes=operation.writes, started=started, clock=clock, jitter=jitter
    )
    while True:
        decision = attempts.decide(failure)
        if decision.reload:
            changed = yield Reload()
            # Credentials may be new on the server before they are here; a right that a role
            # lacks will not come by asking again.
            if not changed and failure.kind is Kind.FORBIDDEN:
                raise attempts.denied(failure)
        if decision.delay_seconds:
            yield Pause(decision.delay_seconds)
        if decision.relocate:
            problem = yield Relocate()
            if problem is not None:
                failure = problem
                continue
        send, first, every = _next(operation, failure)
        outcome = yield send
        if not isinstance(outcome, Failure):
            return operation.parse(outcome[first::every])
        failure = outcome


def _next(operation: Operation[Any], failure: Failure) -> tuple[Send, int, int]:
    """What to send now, and which of the replies (first, every n-th) are the operation's."""
    commands, first, every = operation.commands, 0, 1
    if failure.kind is Kind.ASK:
        # ASKING counts for one command only, so each gets its own.
        commands = tuple(word for command in commands for word in (("ASKING",), command))
        first, every = 1, 2
    if failure.kind in (Kind.NO_SCRIPT, Kind.ASK) and operation.script is not None:
        # In the same write: another client's SCRIPT FLUSH cannot come in between for ever.
        commands = (("SCRIPT", "LOAD", operation.script.body), *commands)
        first += 1
    return Send(operation.key, pack(commands), len(commands), failure.target), first, every
