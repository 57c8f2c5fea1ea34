"""Drills where a service runs the servers: it fails over when it is asked, and takes its own time.

Nothing is bounded in time there: how long the service takes is the service's, and what is measured
on an emulation says nothing about it. What it costs in turns is counted all the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from holdfast.connection import Address, Capability, Connection
from holdfast.errors import Unsupported, VerificationFailed
from holdfast.verify.access import Access
from holdfast.verify.drills.command import run_command
from holdfast.verify.drills.means import Action, Means, Process
from holdfast.verify.nodes import discover

if TYPE_CHECKING:
    from holdfast.verify.drills.stage import Stage

FAILOVER_SECONDS: Final = 900.0
"""A failover of the service that has not come by then does not come; they take minutes at most."""

SETTLE_SECONDS: Final = 1800.0
"""Afterwards the service makes a node in place of the one that it took away."""


class ManagedMeans(ABC):
    """The hands of a drill on a store whose servers a service runs: it can be asked, no more.

    Args:
        connect: reads the store's Connection again.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect

    @property
    @abstractmethod
    def shard(self) -> str:
        """The part of the store whose primary is replaced."""

    @abstractmethod
    def primary(self) -> str:
        """The node that is its primary now; empty while that is not to be told."""

    @abstractmethod
    def fail_over(self) -> None:
        """Ask for a failover; returns when the service has begun.

        Raises:
            VerificationFailed: it does not do it now.
        """

    @abstractmethod
    def problem(self) -> str:
        """Why the service does not call the store well; empty where it does."""

    @abstractmethod
    def where(self) -> str:
        """What the store runs on, for the record, where it is not the service itself."""

    def actions(self) -> frozenset[Action]:
        """Nothing can be done to its processes."""
        return frozenset()

    def supervised(self) -> bool:
        """The service starts anew what ends."""
        return True

    def prepare(self, needed: frozenset[Action]) -> None:  # noqa: ARG002 - as the others have it
        """Nothing to get ready."""
        return

    def processes(self) -> Sequence[Process]:
        """None that anybody sees."""
        return ()

    def kill(self, name: str) -> None:
        """Not to be done."""
        raise _out_of_reach(name)

    def freeze(self, name: str) -> None:
        """Not to be done."""
        raise _out_of_reach(name)

    def thaw(self, name: str) -> None:
        """Not to be done."""
        raise _out_of_reach(name)

    def start(self, name: str) -> None:
        """Not to be done."""
        raise _out_of_reach(name)

    def empty(self, name: str) -> None:
        """Not to be done."""
        raise _out_of_reach(name)

    def run(self, command: Sequence[str]) -> None:
        """Run a command here."""
        run_command(command)

    def connection(self) -> Connection:
        """As it is now."""
        return self._connect()

    def put_back(self) -> None:
        """The service does that by itself."""
        return

    def left_behind(self) -> Sequence[str]:
        """Nothing that would have to be undone."""
        return ()


def _out_of_reach(name: str) -> Unsupported:
    return Unsupported(
        "drill", name, "a target whose processes can be treated so", "choose another drill (--list)"
    )


def managed_of(means: Means | ManagedMeans) -> ManagedMeans | None:
    """These means, where a service runs the servers."""
    return means if isinstance(means, ManagedMeans) else None


def fail_over(stage: Stage, means: ManagedMeans) -> None:
    """Have the service replace a primary while everybody writes."""
    old = means.primary()
    if not old:
        raise VerificationFailed(f"the service names no primary of shard {means.shard}")
    stage.fault(f"ask the service to fail shard {means.shard} over; its primary is {old}")
    means.fail_over()
    stage.until(
        "the service names another primary",
        lambda: means.primary() not in ("", old),
        FAILOVER_SECONDS,
    )
    stage.tell(f"the primary is {means.primary()}")
    stage.until_writers_resume(FAILOVER_SECONDS)


def look(
    connection: Connection,
    means: ManagedMeans,
    checked: Callable[[Access], str],
    written: Callable[[int], tuple[str, Address | None]],
) -> tuple[str, str]:
    """What service, servers and clients agree on, and what is wrong; one of the two is empty.

    Args:
        connection: the store.
        means: asks the service.
        checked: makes the checks of smoke on how the nodes stand; what is wrong, or empty.
        written: writes as a client does and waits for so many replicas; what is wrong, or empty.
    """
    problem = means.problem()
    if problem:
        return "", problem
    access = Access(connection)
    try:
        nodes = discover(access)
        problem = checked(access)
    finally:
        access.close()
    follows = any(nodes.replicas_of(primary) for primary in nodes.primaries)
    can_wait = Capability.WAIT in connection.capabilities
    problem = problem or written(int(follows and can_wait))[0]
    if problem:
        return "", problem
    return f"the service, {len(nodes.servers)} names and the clients agree", ""
