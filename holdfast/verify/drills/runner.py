"""Runs drills: looks at the store first, lets writers work, puts everything back, judges."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final

from holdfast.connection import Address, Connection, Topology
from holdfast.errors import ConfigError, HoldfastError, Unsupported
from holdfast.keys import RESERVED_TENANT, KeySpace
from holdfast.options import ClientOptions
from holdfast.roles import Role
from holdfast.verify.access import Access
from holdfast.verify.cleanup import Cleanup
from holdfast.verify.drills.agreement import SETTLE_SECONDS, agree
from holdfast.verify.drills.catalogue import Drill
from holdfast.verify.drills.judge import figures, judge
from holdfast.verify.drills.lease import DrillLease
from holdfast.verify.drills.managed import SETTLE_SECONDS as SERVICE_SETTLE_SECONDS
from holdfast.verify.drills.managed import managed_of
from holdfast.verify.drills.means import Means
from holdfast.verify.drills.result import DrillResult, Figures, Interrupted, Unhealthy
from holdfast.verify.drills.stage import (
    MANAGED,
    RESUME_SECONDS,
    WARM_UP_SECONDS,
    Facts,
    Stage,
    read_facts,
)
from holdfast.verify.ledger import FAILED, longest_pauses, rate_per_second
from holdfast.verify.ledger_run import DEFAULT_WRITERS, Ledger
from holdfast.verify.ledger_writers import Writing, write
from holdfast.verify.nodes import discover
from holdfast.verify.proxy import Proxy

HEALTH_SECONDS: Final = 30.0
"""A store that was just started or mended may still be at its first sync."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How drills are run.

    Attributes:
        writers: how many write at the same time.
        health_seconds: how long the store may take to be well before each drill.
        slack_seconds: added to every bound of time, for machines that are busy with other things.
        processes: in how many processes the writers work; 1 is this one.
        client: how the writers' clients behave.
        writing: how a writer goes about a turn that was not answered.
    """

    writers: int = DEFAULT_WRITERS
    health_seconds: float = HEALTH_SECONDS
    slack_seconds: float = 0.0
    processes: int = 1
    client: ClientOptions | None = None
    writing: Writing = write


def run_drills(
    connection: Connection,
    means: Means,
    drills: Sequence[Drill],
    *,
    options: Options | None = None,
    stop: threading.Event | None = None,
    say: Say = lambda _: None,
    finished: Callable[[DrillResult], None] = lambda _: None,
) -> tuple[DrillResult, ...]:
    """Run drills one after another; the results of those that began.

    Args:
        connection: the store, with the roles svc and admin.
        means: the hands on its processes.
        drills: in this order.
        options: how.
        stop: set it to end early: the drill under way ends, everything is put back.
        say: told what happens.
        finished: told each result as soon as it is there.

    Raises:
        ConfigError: the Connection lacks a role, or the target cannot do what a drill needs.
        Unhealthy: the store is not well; nothing was done to it.
        VerificationFailed: another drill is under way.
        StoreUnavailable, TlsFailed, AccessDenied: nobody can be reached.
    """
    options = options or Options()
    stop = stop or threading.Event()
    _check(connection, means, drills)
    # Before the lease: a store whose primary was left frozen can give none.
    left = means.left_behind()
    if left:
        say(f"an earlier drill was killed ({', '.join(left)}); putting it back")
        means.put_back()
    results: list[DrillResult] = []
    with DrillLease(connection):
        for drill in drills:
            if stop.is_set():
                break
            _require_health(connection, means, options, stop)
            say(f"{drill.name}: {drill.shows}")
            results.append(_Run(connection, means, drill, options, stop).result())
            finished(results[-1])
    return tuple(results)


_SERVED: Final = (Topology.REPLICATION_GROUP, Topology.CLUSTER)


def _check(connection: Connection, means: Means, drills: Sequence[Drill]) -> None:
    allowed = (Topology.SENTINEL,) if managed_of(means) is None else _SERVED
    if connection.topology not in allowed:
        raise Unsupported(
            "connection.topology",
            connection.topology.value,
            " or ".join(allowed),
            "drill another store",
        )
    for role in (Role.SVC, Role.ADMIN):
        if role not in connection.users:
            held = ", ".join(sorted(connection.users)) or "none"
            raise ConfigError(
                "connection.users", held, "svc and admin", "use --stack, or the full Connection"
            )
    for drill in drills:
        if drill.proxied and connection.topology is Topology.CLUSTER:
            raise Unsupported(
                f"drill {drill.name}",
                connection.topology.value,
                "a store with one primary",
                "choose another drill (--list)",
            )
        missing = drill.needs - means.actions()
        if missing:
            raise Unsupported(
                f"drill {drill.name}",
                ", ".join(sorted(missing)),
                "a target whose processes can be treated so",
                "choose another drill (--list)",
            )


def _require_health(
    connection: Connection, means: Means, options: Options, stop: threading.Event
) -> None:
    _, problem = agree(
        connection,
        means.processes,
        stop=stop,
        timeout_seconds=options.health_seconds,
        managed=managed_of(means),
        candidates=True,
    )
    if problem:
        raise Unhealthy(f"the store is not well, and nothing was done to it: {problem}")


class _Run:
    """One drill from the first turn to the last key removed."""

    def __init__(
        self,
        connection: Connection,
        means: Means,
        drill: Drill,
        options: Options,
        stop: threading.Event,
    ) -> None:
        self._connection = connection
        self._means = means
        self._drill = drill
        self._options = options
        self._stop = stop
        self._failures: list[str] = []
        self._interrupted = False
        self._agreement = ""
        self._figures: Figures | None = None

    def result(self) -> DrillResult:
        """Run it. Whatever happens, everything is put back before this returns."""
        began = time.monotonic()
        facts = self._facts()
        with ExitStack() as closing:
            access = Access(self._connection)
            closing.callback(access.close)
            cleanup = Cleanup(
                access,
                KeySpace(self._connection.app, RESERVED_TENANT, self._connection.buckets),
            )
            proxy = closing.enter_context(self._proxy(access)) if self._drill.proxied else None
            ledger = Ledger(
                _through(self._connection, proxy),
                cleanup,
                writers=self._options.writers,
                processes=self._options.processes,
                options=self._options.client,
                writing=self._options.writing,
                reading=self._connection,
            )
            closing.callback(ledger.close)
            stage = Stage(self._connection, self._means, ledger, facts, self._stop, proxy)
            closing.callback(stage.close)
            try:
                self._means.prepare(self._drill.needs)
                self._perform(stage)
            finally:
                # Ctrl-C ends the drill, and nothing of what follows.
                self._guarded("putting back", self._means.put_back)
            if self._drill.changing:
                self._guarded("connection", self._connect_again)
            self._guarded("agreement", self._look)
            if not self._interrupted:
                self._guarded("ledger", lambda: self._read(stage))
            self._guarded("removal", lambda: str(cleanup.run()))
            self._failures += stage.failures
        return DrillResult(
            self._drill.name,
            tuple(self._failures),
            self._figures,
            self._agreement,
            tuple(stage.events),
            time.monotonic() - began,
            self._interrupted,
            None if facts.managed else facts.down_after_seconds,
        )

    def _facts(self) -> Facts:
        if managed_of(self._means) is not None:
            return MANAGED
        return replace(read_facts(self._connection), supervised=self._means.supervised())

    def _proxy(self, access: Access) -> Proxy:
        return Proxy(discover(access).primaries[0].address)

    def _perform(self, stage: Stage) -> None:
        stage.ledger.start()
        try:
            stage.until(
                "every writer writes",
                lambda: not stage.ledger.behind(stage.began),
                RESUME_SECONDS,
            )
            stage.pause(WARM_UP_SECONDS)
            self._drill.run(stage)
        except Interrupted:
            self._interrupted = True
        except HoldfastError as error:
            self._failures.append(_told(error))
        finally:
            if not stage.ledger.stop():
                self._failures.append("a writer did not end")

    def _connect_again(self) -> None:
        self._connection = self._means.connection()

    def _look(self) -> None:
        managed = managed_of(self._means)
        self._agreement, problem = agree(
            self._connection,
            self._means.processes,
            timeout_seconds=SETTLE_SECONDS if managed is None else SERVICE_SETTLE_SECONDS,
            managed=managed,
        )
        if problem:
            who = "processes, Sentinels" if managed is None else "service, servers"
            self._failures.append(f"{who} and clients do not agree: {problem}")

    def _read(self, stage: Stage) -> None:
        entries = stage.ledger.entries
        placement = stage.ledger.read()
        at = stage.fault_at
        since = at if at is not None else float("-inf")
        pauses = longest_pauses(entries, since=since)
        failed = sum(entry.answer in FAILED for entry in entries)
        self._figures = figures(placement, pauses, at, failed)
        first = min((entry.ended for entry in entries), default=0.0)
        rate = rate_per_second(entries, since=first, until=at) if at is not None else 0.0
        bounds = self._drill.bounds(stage.facts).relaxed(self._options.slack_seconds)
        self._failures += judge(placement, self._figures, bounds, rate)

    def _guarded(self, what: str, step: Callable[[], object]) -> None:
        """The steps after the fault are all made, each one's failure noted."""
        try:
            step()
        except HoldfastError as error:
            self._failures.append(f"{what}: {_told(error)}")


def _told(error: HoldfastError) -> str:
    notes = getattr(error, "__notes__", ())
    return "; ".join([f"{type(error).__name__}: {error}", *notes])


def _through(connection: Connection, proxy: Proxy | None) -> Connection:
    """The same store, reached through the proxy."""
    if proxy is None:
        return connection
    if connection.topology is Topology.REPLICATION_GROUP and connection.primary is not None:
        # The certificate is for the name: dialled elsewhere, and verified all the same.
        name = connection.primary.host
        return replace(
            connection,
            primary=Address(name, proxy.address.port),
            dial={name: proxy.address.host},
        )
    return replace(
        connection,
        topology=Topology.STANDALONE,
        primary=proxy.address,
        sentinels=(),
        sentinel_service=None,
    )
