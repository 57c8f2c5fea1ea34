"""What a target gives the drills: ways to hurt its processes, and to put everything back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from holdfast.connection import Address, Connection


class State(StrEnum):
    """How a process is."""

    RUNNING = "running"
    FROZEN = "frozen"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Process:
    """A server or a Sentinel as its target shows it.

    Attributes:
        name: its name on the target.
        address: where it listens.
        sentinel: whether it is a Sentinel.
        state: how it is.
    """

    name: str
    address: Address
    sentinel: bool
    state: State


class Action(StrEnum):
    """What a drill may need a target to be able to do."""

    KILL = "kill"
    FREEZE = "freeze"
    START = "start"
    EMPTY = "empty"
    PODS = "pods"
    """Delete pods, roll them, and take a volume from one: :class:`ClusterMeans`."""
    DRAIN = "drain"
    POLICY = "policy"
    """Cut a pod off, or silence the DNS, by a NetworkPolicy that is enforced."""
    NODES = "nodes"
    """Cut a node off, and switch it off."""


class Means(Protocol):
    """The hands of a drill on one target. Every method names processes of :meth:`processes`."""

    def actions(self) -> frozenset[Action]:
        """What this target can do."""
        ...

    def supervised(self) -> bool:
        """Whether something on the target starts a process again as soon as it is gone."""
        ...

    def prepare(self, needed: frozenset[Action]) -> None:
        """Get ready for these, so that doing them takes no time of its own."""
        ...

    def processes(self) -> Sequence[Process]:
        """Every process of the store, servers first."""
        ...

    def kill(self, name: str) -> None:
        """End a process at once (SIGKILL)."""
        ...

    def freeze(self, name: str) -> None:
        """Stop a process where it stands (SIGSTOP); it keeps its connections."""
        ...

    def thaw(self, name: str) -> None:
        """Let a frozen process go on."""
        ...

    def start(self, name: str) -> None:
        """Start a process that is down, by itself, with the files that it has."""
        ...

    def empty(self, name: str) -> None:
        """Take the data away from a server that is down."""
        ...

    def run(self, command: Sequence[str]) -> None:
        """Run a command on the machine of whoever started the drill.

        Raises:
            VerificationFailed: it failed; its last lines are in the message.
        """
        ...

    def connection(self) -> Connection:
        """The store's Connection as it is now: a command may have changed it."""
        ...

    def put_back(self) -> None:
        """Thaw what is frozen and bring back what is down, as the target's own tools do it.

        Raises:
            HoldfastError: something could not be put back; says what.
        """
        ...

    def left_behind(self) -> Sequence[str]:
        """What a drill that was killed did and did not undo, in words; empty if nothing.

        What a drill did that still runs does not count: it is not this one's to put back.
        """
        ...


class ClusterMeans(Means, Protocol):
    """What a cluster offers beyond that. Names of pods are those of :meth:`processes`."""

    def node_of(self, pod: str) -> str:
        """The node that a pod of the store's namespace runs on."""
        ...

    def uids(self) -> dict[str, str]:
        """The uid of each pod of the store that there is: another one is another pod."""
        ...

    def restarts(self) -> dict[str, int]:
        """How often the containers of each pod were started again."""
        ...

    def delete_pods(self, names: Sequence[str]) -> None:
        """Delete pods, all at once, each with its grace period."""
        ...

    def drain(self, node: str) -> None:
        """Close a node and evict the store's pods on it, as their disruption budgets allow."""
        ...

    def roll(self, *, sentinel: bool) -> None:
        """Replace every pod of one kind, as a change of their template does."""
        ...

    def rolled(self) -> bool:
        """Whether every pod is of the newest template, and ready."""
        ...

    def lose_volume(self, name: str) -> None:
        """Take the claim of a pod away, with the pod."""
        ...

    def volume_of(self, name: str) -> str:
        """Which volume a pod's claim has now; empty while it has none."""
        ...

    def cut_off(self, name: str) -> None:
        """Let no packet through to or from a pod, probes excepted."""
        ...

    def silence_dns(self) -> None:
        """Let the cluster's DNS hear nothing: whoever asks waits in vain."""
        ...

    def cut_node(self, node: str) -> None:
        """Take a node off the network; what runs on it goes on running."""
        ...

    def heal_node(self, node: str) -> None:
        """Put it back on the network."""
        ...

    def switch_off(self, node: str) -> None:
        """End a node as a power cut does."""
        ...

    def give_up(self, node: str) -> None:
        """Tell the cluster that a node that was switched off does not come back."""
        ...
