"""Runs checks at the same time, keeps their order, and removes what they wrote."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Final

from holdfast.connection import Connection
from holdfast.errors import (
    AccessDenied,
    ConfigError,
    HoldfastError,
    StoreFull,
    StoreUnavailable,
    TlsFailed,
)
from holdfast.keys import RESERVED_TENANT, KeySpace
from holdfast.verify.access import Access
from holdfast.verify.check import Check, Context
from holdfast.verify.cleanup import Cleanup
from holdfast.verify.denials import Denials, read_logs
from holdfast.verify.nodes import settled_nodes
from holdfast.verify.result import (
    INTERRUPTED_REASON,
    CheckFailed,
    CheckResult,
    Failure,
    Group,
    NotChecked,
    Outcome,
    Report,
)

DEFAULT_TIMEOUT_SECONDS: Final = 60.0
CHECK_TIMEOUT_SECONDS: Final = 15.0
WORKERS: Final = 8
_TICK_SECONDS: Final = 0.1
_LOG: Final = logging.getLogger(__name__)

Watch = Callable[[int, int, str], None]
"""Told how many checks are done, of how many, and one that is still at work."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take.

    Attributes:
        total_seconds: for the whole run; what has not ended by then has failed.
        check_seconds: for one check.
    """

    total_seconds: float = DEFAULT_TIMEOUT_SECONDS
    check_seconds: float = CHECK_TIMEOUT_SECONDS


def verify(
    connection: Connection,
    checks: Sequence[Check],
    *,
    limits: Limits | None = None,
    stop: threading.Event | None = None,
    watch: Watch | None = None,
) -> Report:
    """Make the checks against a store and remove every key that they wrote.

    Args:
        connection: the store, with as many roles as the caller holds.
        checks: what to check; the report keeps their order.
        limits: how long it may take; 60 s in all by default.
        stop: set it to end early: running checks end, keys are removed, the report says so.
        watch: told of progress, from the calling thread.

    Raises:
        StoreUnavailable: the store does not answer; nothing was checked.
        TlsFailed: it cannot prove who it is.
        AccessDenied: it refuses the login.
    """
    began = time.monotonic()
    access = Access(connection)
    keys = KeySpace(connection.app, RESERVED_TENANT, connection.buckets)
    try:
        stop = stop or threading.Event()
        nodes = settled_nodes(access, stop)
        context = Context(
            connection=connection,
            access=access,
            nodes=nodes,
            cleanup=Cleanup(access, keys),
            denials=Denials(read_logs(access, nodes)),
            stop=stop,
        )
        try:
            results = run_checks(context, checks, limits=limits, began=began, watch=watch)
        finally:
            removed = _judge(_CLEANUP, context)
            context.close()
    finally:
        access.close()
    return Report(
        describe(connection),
        (*results, removed),
        _since(began),
        interrupted=context.stop.is_set(),
    )


def run_checks(
    context: Context,
    checks: Sequence[Check],
    *,
    limits: Limits | None = None,
    began: float | None = None,
    watch: Watch | None = None,
) -> tuple[CheckResult, ...]:
    """Make the checks and return their results in the same order.

    Args:
        context: what they work with; its ``stop`` ends the run early.
        checks: what to check; those that are to come last wait for all others.
        limits: how long it may take.
        began: when the run began (monotonic seconds); now by default.
        watch: told of progress.
    """
    start = time.monotonic() if began is None else began
    run = _Run(context, checks, limits or Limits(), start, watch)
    run.all()
    return run.results()


def describe(connection: Connection) -> str:
    """A store in one line."""
    return (
        f"{connection.target} {connection.topology} store, {connection.engine} "
        f"{connection.engine_version}, app {connection.app}"
    )


_CLEANUP: Final = Check(
    Group.CLEANUP, "every key that this run wrote is gone", lambda ctx: ctx.cleanup.run()
)


class _Run:
    """The checks of one run, at work on a pool of threads."""

    def __init__(
        self,
        context: Context,
        checks: Sequence[Check],
        limits: Limits,
        began: float,
        watch: Watch | None,
    ) -> None:
        self._context = context
        self._checks = checks
        self._limits = limits
        self._deadline = began + limits.total_seconds
        self._watch = watch
        self._started: dict[int, float] = {}
        self._results: dict[int, CheckResult] = {}

    def results(self) -> tuple[CheckResult, ...]:
        """One result a check, in the order of the checks."""
        return tuple(self._results[index] for index in range(len(self._checks)))

    def all(self) -> None:
        """Run the checks, those that are to come last after the others."""
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="verify")
        try:
            for last in (False, True):
                self._phase(pool, [i for i, c in enumerate(self._checks) if c.last is last])
        finally:
            # What still runs ends soon, as every wait of a check is bounded; its keys are
            # registered before it ends.
            pool.shutdown(wait=True, cancel_futures=True)

    def _phase(self, pool: ThreadPoolExecutor, indices: Sequence[int]) -> None:
        futures = {pool.submit(self._one, index): index for index in indices}
        pending = set(futures)
        while pending:
            done, pending = wait(pending, timeout=_TICK_SECONDS)
            for future in done:
                self._results[futures[future]] = future.result()
            now = time.monotonic()
            for future in [f for f in pending if self._over(futures[f], now)]:
                self._give_up(future, futures[future], now)
                pending.discard(future)
            if self._watch is not None:
                waiting = self._checks[futures[next(iter(pending))]].name if pending else ""
                self._watch(len(self._results), len(self._checks), waiting)

    def _one(self, index: int) -> CheckResult:
        self._started[index] = time.monotonic()
        if self._context.stop.is_set():
            check = self._checks[index]
            return CheckResult(
                check.group, check.name, Outcome.NOT_CHECKED, 0.0, INTERRUPTED_REASON
            )
        return _judge(self._checks[index], self._context)

    def _over(self, index: int, now: float) -> bool:
        started = self._started.get(index)
        too_long = started is not None and now - started > self._limits.check_seconds
        return too_long or now > self._deadline or self._context.stop.is_set()

    def _give_up(self, future: Future[CheckResult], index: int, now: float) -> None:
        future.cancel()
        check = self._checks[index]
        taken_ms = (now - self._started.get(index, now)) * 1000
        result = CheckResult(check.group, check.name, Outcome.FAIL, taken_ms)
        if self._context.stop.is_set():
            result = replace(result, outcome=Outcome.NOT_CHECKED, details=INTERRUPTED_REASON)
        elif now > self._deadline:
            limit = f"{self._limits.total_seconds:g} s for the whole run"
            result = replace(result, failure=_too_slow(limit))
        else:
            limit = f"{self._limits.check_seconds:g} s for one check"
            result = replace(result, failure=_too_slow(limit))
        self._results[index] = result


def _too_slow(limit: str) -> Failure:
    return Failure(
        f"an end within {limit}", "none", "see whether the store is overloaded or unreachable"
    )


def _judge(check: Check, context: Context) -> CheckResult:
    began = time.monotonic()
    result = CheckResult(check.group, check.name, Outcome.PASS, 0.0, shown=check.shown)
    try:
        result = replace(result, details=check.run(context))
    except NotChecked as reason:
        result = replace(result, outcome=Outcome.NOT_CHECKED, details=str(reason))
    except CheckFailed as error:
        result = replace(result, outcome=Outcome.FAIL, failure=error.failure)
    except HoldfastError as error:
        result = replace(result, outcome=Outcome.FAIL, failure=_of_error(error))
    except Exception as error:  # noqa: BLE001 - the other checks and the cleanup go on
        _LOG.error("check '%s' broke", check.name, exc_info=error)
        result = replace(result, outcome=Outcome.FAIL, failure=_of_error(error))
    return replace(result, duration_ms=_since(began))


_FIXES: Final[Mapping[type[Exception], str]] = {
    StoreUnavailable: "see whether a failover is under way, or the store is overloaded",
    AccessDenied: "the checks of the roles below say what their rules lack",
    TlsFailed: "export the connection again: certificates may have been rotated",
    StoreFull: "raise maxmemory, or find what fills it",
    ConfigError: "report it: this tool asked for something that cannot be",
}


def _of_error(error: Exception) -> Failure:
    return Failure(
        "no error",
        f"{type(error).__name__}: {error}",
        _FIXES.get(type(error), "compare the versions of this tool and of the server; report it"),
    )


def _since(began: float) -> float:
    return (time.monotonic() - began) * 1000
