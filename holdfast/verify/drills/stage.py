"""What a drill works with while it runs."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from holdfast.acl import parse_version
from holdfast.connection import Address, Connection
from holdfast.errors import HoldfastError, VerificationFailed
from holdfast.roles import Role
from holdfast.verify.access import Access
from holdfast.verify.check import parse_info
from holdfast.verify.drills.agreement import agree, watched_primaries
from holdfast.verify.drills.means import Means, Process
from holdfast.verify.drills.result import Interrupted
from holdfast.verify.ledger import longest_pauses
from holdfast.verify.ledger_run import Ledger
from holdfast.verify.nodes import pairs
from holdfast.verify.proxy import Proxy

T = TypeVar("T")

_POLL_SECONDS: Final = 0.02
_ASK_SECONDS: Final = 0.5
_AGREE_SECONDS: Final = 5.0
WARM_UP_SECONDS: Final = 1.0
SWITCH_SECONDS: Final = 20.0
"""Beyond down-after: a failover that has not happened by then does not come."""

WELL_SECONDS: Final = 240.0
"""A kubelet waits longer each time before it starts a container again that was killed."""

RESUME_SECONDS: Final = 60.0
_RETRY_FACTOR: Final = 2
"""Of its failover timeout: a Sentinel that gave or lost a vote waits so long before the next."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the bounds depend on.

    Attributes:
        down_after_seconds: silence after which the Sentinels call a server down.
        min_replicas: what a primary needs to accept writes; 0 for nothing.
        max_lag_seconds: how far behind those may be.
        coordinated: whether Sentinel knows FAILOVER COORDINATED.
        supervised: whether the target starts a process again by itself.
        election_seconds: until Sentinels try again whose votes were split.
        managed: a service runs the servers, so that nothing is bounded in time.
    """

    down_after_seconds: float
    min_replicas: int
    max_lag_seconds: float
    coordinated: bool
    supervised: bool = False
    election_seconds: float = 0.0
    managed: bool = False


@dataclass
class Stage:
    """One drill's run.

    Attributes:
        connection: the store.
        means: the hands on its processes.
        ledger: the writers.
        facts: what the bounds depend on.
        stop: set when the drill is to end early.
        proxy: between the writers and the primary, where the drill wants one.
        fault_at: when the fault that is measured was made, monotonic seconds.
        failures: what did not hold, beyond what the ledger shows.
    """

    connection: Connection
    means: Means
    ledger: Ledger
    facts: Facts
    stop: threading.Event
    proxy: Proxy | None = None
    fault_at: float | None = None
    failures: list[str] = field(default_factory=list)
    events: list[tuple[float, str]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    access: Access = field(init=False)

    def __post_init__(self) -> None:
        self.access = Access(self.connection, timeout_seconds=_ASK_SECONDS)

    def tell(self, what: str) -> float:
        """Note what was done or seen; when that was, monotonic seconds."""
        now = time.monotonic()
        self.events.append((now - self.began, what))
        return now

    def fault(self, what: str) -> float:
        """Note the fault from which the time is measured, just before it is made."""
        self.fault_at = self.tell(what)
        return self.fault_at

    def require(self, holds: bool, failure: str) -> None:
        """Note a failure unless ``holds``; the drill goes on, so that all is put back alike."""
        if not holds:
            self.failures.append(failure)

    def primary(self) -> Address:
        """Whom the majority of the Sentinels names. Raises VerificationFailed without one."""
        named = self.watched()
        count = Counter(address for address in named.values() if address is not None)
        for address, votes in count.items():
            if votes > len(named) // 2:
                return address
        raise VerificationFailed(f"the Sentinels do not agree on a primary: {dict(count)}")

    def agreed_primary(self) -> Address:
        """The same, asked again for a moment: a Sentinel may be late with its answer.

        Raises:
            VerificationFailed: they do not agree.
            Interrupted: the drill is to end.
        """
        # The last time it says what is wrong.
        return self._polled(self.primary, _AGREE_SECONDS) or self.primary()

    def watched(self) -> dict[Address, Address | None]:
        """Whom each Sentinel names as the primary; None for one that does not answer."""
        return watched_primaries(self.access)

    def require_pauses(self, *, since: float, at_most_seconds: float, what: str) -> None:
        """Note a failure where a writer went longer than that since then without a turn."""
        longest = longest_pauses(self.ledger.entries, since=since)
        if not longest:
            self.failures.append(f"{what}: no writer wrote before and after")
        elif longest[0].seconds > at_most_seconds:
            self.failures.append(
                f"{what}: a writer paused for {longest[0].seconds:.2f} s, "
                f"at most {at_most_seconds:.2f} s"
            )

    def process_at(self, address: Address) -> Process:
        """The process that listens there. Raises VerificationFailed where there is none."""
        for process in self.means.processes():
            if process.address == address:
                return process
        raise VerificationFailed(f"the target knows no process at {address}")

    def servers(self) -> tuple[Process, ...]:
        """Every server."""
        return tuple(process for process in self.means.processes() if not process.sentinel)

    def sentinels(self) -> tuple[Process, ...]:
        """Every Sentinel."""
        return tuple(process for process in self.means.processes() if process.sentinel)

    def replicas(self) -> tuple[Process, ...]:
        """Every server but the primary."""
        primary = self.agreed_primary()
        return tuple(process for process in self.servers() if process.address != primary)

    def ask(self, address: Address, *command: str | int) -> Any:  # noqa: ANN401 - any reply
        """One command to one node as admin."""
        with self.access.borrow(address, Role.ADMIN) as link:
            return link.call(*command)

    def info(self, address: Address, section: str) -> dict[str, str]:
        """A section of a server's INFO."""
        return parse_info(self.ask(address, "INFO", section))

    def pause(self, seconds: float) -> None:
        """Let the writers work. Raises Interrupted where the drill is to end."""
        if self.stop.wait(seconds):
            raise Interrupted("the drill was stopped")

    def until(self, what: str, holds: Callable[[], bool], seconds: float) -> float:
        """Poll until ``holds``; when that was, monotonic seconds.

        Raises:
            VerificationFailed: the time is over.
            Interrupted: the drill is to end.
        """
        if not self._polled(holds, seconds):
            raise VerificationFailed(f"waited {seconds:g} s in vain: {what}")
        return self.tell(what)

    def _polled(self, probe: Callable[[], T], seconds: float) -> T | None:
        """What ``probe`` gives once that is true; None when the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            # Nodes that are asked while they are hurt may refuse or not answer.
            with suppress(HoldfastError):
                if found := probe():
                    return found
            if time.monotonic() > deadline:
                return None
            self.pause(_POLL_SECONDS)

    def until_well(self) -> None:
        """Wait until the store is as before a drill: every process runs, and all agree.

        Raises VerificationFailed where that does not come about.
        """
        _, problem = agree(
            self.connection,
            self.means.processes,
            stop=self.stop,
            timeout_seconds=WELL_SECONDS,
            candidates=True,
        )
        if problem:
            raise VerificationFailed(f"the store is not well between two faults: {problem}")
        self.tell("the store is well again")

    def until_moved(self, old: Address) -> Address:
        """Wait until most Sentinels name another primary; which one."""
        self.until(
            "the Sentinels name another primary",
            lambda: self.primary() != old,
            self.facts.down_after_seconds + self.facts.election_seconds + SWITCH_SECONDS,
        )
        new = self.agreed_primary()
        self.tell(f"the primary is {new}")
        return new

    def until_promoted(self, old: Address) -> Address:
        """Wait until a Sentinel names another primary; which one.

        The one that leads a failover names it as soon as the replica says that it was promoted,
        and that is not taken back; the others hear of it a moment later.
        """
        found: list[Address] = []

        def named() -> bool:
            found.extend(one for one in self.watched().values() if one not in (None, old))
            return bool(found)

        self.until(
            "a Sentinel names another primary",
            named,
            self.facts.down_after_seconds + self.facts.election_seconds + SWITCH_SECONDS,
        )
        return found[0]

    def until_writers_resume(self, seconds: float = RESUME_SECONDS) -> None:
        """Wait until each writer has a turn acknowledged from now on, and write a little more."""
        now = time.monotonic()
        self.until("every writer writes", lambda: not self.ledger.behind(now), seconds)
        self.pause(WARM_UP_SECONDS)

    def close(self) -> None:
        """Close every link."""
        self.access.close()


MANAGED: Final = Facts(0.0, 0, 0.0, coordinated=False, supervised=True, managed=True)
"""Of a store whose servers a service runs: it says none of the others."""


def read_facts(connection: Connection) -> Facts:
    """Ask the store for what the bounds depend on. Raises what an unreachable store raises."""
    access = Access(connection)
    try:
        sentinel = connection.sentinels[0]
        with access.borrow(sentinel, Role.ADMIN) as link:
            state = pairs(link.call("SENTINEL", "MASTER", connection.sentinel_service or ""))
        with access.borrow(Address(state["ip"], int(state["port"])), Role.ADMIN) as link:
            limits = pairs(link.call("CONFIG", "GET", "min-replicas-*"))
    finally:
        access.close()
    version = parse_version(connection.engine_version)
    return Facts(
        down_after_seconds=int(state["down-after-milliseconds"]) / 1000,
        min_replicas=int(limits["min-replicas-to-write"]),
        max_lag_seconds=float(limits["min-replicas-max-lag"]),
        election_seconds=_RETRY_FACTOR * int(state["failover-timeout"]) / 1000,
        coordinated=connection.engine == "valkey" and version >= (9,),
    )
