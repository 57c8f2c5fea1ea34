"""The hands of a drill on a test's own processes, without an engine that brings them back."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Final

from holdfast.connection import Address, Connection
from holdfast.verify.drills.means import Action, Process, State
from tests.records import strict
from tests.servers import HOST, Node, Servers

SLACK_SECONDS: Final = 5 if strict() else 60
"""For drills beside other work on the machine; what may be lost is not relaxed."""


class GroupMeans:
    """Kill, freeze and start the processes of :mod:`tests.servers`."""

    def __init__(self, group: Servers) -> None:
        self.group = group

    def actions(self) -> frozenset[Action]:
        return frozenset({Action.KILL, Action.FREEZE, Action.START})

    def supervised(self) -> bool:
        return False

    def prepare(self, needed: frozenset[Action]) -> None:
        """Nothing."""

    def processes(self) -> Sequence[Process]:
        nodes = [*self.group.servers, *self.group.sentinels]
        return [
            Process(n.name, Address(HOST, n.port), n.kind == "sentinel", _state(n)) for n in nodes
        ]

    def kill(self, name: str) -> None:
        self.group.kill(name)

    def freeze(self, name: str) -> None:
        self.group.pause(name)

    def thaw(self, name: str) -> None:
        self.group.resume(name)

    def start(self, name: str) -> None:
        self.group.start(name)

    def empty(self, name: str) -> None:
        raise AssertionError(name)

    def run(self, command: Sequence[str]) -> None:
        subprocess.run(command, check=True)

    def connection(self) -> Connection:
        raise AssertionError("no command of these tests changes it")

    def put_back(self) -> None:
        for node in self.group.nodes.values():
            if node.paused:
                self.group.resume(node.name)
            if not node.running:
                self.group.start(node.name)

    def left_behind(self) -> Sequence[str]:
        return ()


def _state(node: Node) -> State:
    if not node.running:
        return State.DOWN
    return State.FROZEN if node.paused else State.RUNNING
