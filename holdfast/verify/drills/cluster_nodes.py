"""What a drill does to the nodes of a cluster.

What only a machine's owner can do (cut a node off, switch it off) is done by a command that the
caller names: ``<command> cut|heal|off|on <node>``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from typing import Final

from holdfast.cluster.api import ClusterApi
from holdfast.cluster.resources import NODES, Object
from holdfast.cluster.waiting import until
from holdfast.errors import ConfigError, VerificationFailed
from holdfast.verify.drills.cluster_journal import ClusterJournal

NOT_READY_SECONDS: Final = 120.0
_COMMAND_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.5
_OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"


class ClusterNodes:
    """The nodes of one cluster; whatever is done to them is noted before it is done.

    Args:
        api: the cluster.
        journal: what is to be undone.
        command: cuts nodes off and switches them; empty where there is none.
    """

    def __init__(self, api: ClusterApi, journal: ClusterJournal, command: Sequence[str]) -> None:
        self._api = api
        self._journal = journal
        self._command = tuple(command)

    @property
    def switchable(self) -> bool:
        """Whether there is a command for what the API cannot do."""
        return bool(self._command)

    def cordon(self, node: str) -> None:
        """Close a node to new pods. One that somebody else closed is not opened at the end."""
        if self._api.get(NODES, node)["spec"].get("unschedulable"):
            return
        self._journal.add(f"cordoned {node}")
        self._api.patch(NODES, node, {"spec": {"unschedulable": True}})

    def uncordon(self, node: str) -> None:
        """Open it again."""
        self._api.patch(NODES, node, {"spec": {"unschedulable": None}})

    def cut(self, node: str) -> None:
        """Take a node off the network."""
        self._journal.add(f"cut {node}")
        self._ask("cut", node)

    def heal(self, node: str) -> None:
        """Put it back."""
        self._ask("heal", node)

    def switch_off(self, node: str) -> None:
        """End a node at once."""
        self._journal.add(f"off {node}")
        self._ask("off", node)

    def switch_on(self, node: str) -> None:
        """Start it, and wait until the cluster has it back."""
        self._ask("on", node)
        taints = self._api.get(NODES, node)["spec"].get("taints") or []
        kept = [taint for taint in taints if taint["key"] != _OUT_OF_SERVICE]
        self._api.patch(NODES, node, {"spec": {"taints": kept or None}})
        wait_for(f"{node} is ready", lambda: self.is_ready(node), NOT_READY_SECONDS)

    def give_up(self, node: str) -> None:
        """Tell the cluster that a node does not come back, once it has noticed that it is gone."""
        wait_for(f"{node} is not ready", lambda: not self.is_ready(node), NOT_READY_SECONDS)
        taints = self._api.get(NODES, node)["spec"].get("taints") or []
        gone = {"key": _OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"}
        self._api.patch(NODES, node, {"spec": {"taints": [*taints, gone]}})

    def is_ready(self, node: str) -> bool:
        """Whether the cluster takes a node for ready."""
        found = self._api.find(NODES, node)
        return found is not None and condition(found, "Ready") == "True"

    def _ask(self, what: str, node: str) -> None:
        if not self._command:
            raise ConfigError(
                "--node-command", "nothing", "a command that can switch nodes", "name one"
            )
        command = [*self._command, what, node]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_COMMAND_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VerificationFailed(f"{' '.join(command)}: {error}") from None
        if done.returncode != 0:
            raise VerificationFailed(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")


def wait_for(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Wait for a state of the cluster.

    Raises:
        VerificationFailed: it did not come about.
    """
    until(
        what,
        lambda: holds() or None,
        seconds=seconds,
        poll_seconds=_POLL_SECONDS,
        error=VerificationFailed,
    )


def condition(found: Object, kind: str) -> str:
    """One condition of a pod or a node: True, False or Unknown."""
    conditions = found.get("status", {}).get("conditions") or ()
    return next((str(one["status"]) for one in conditions if one["type"] == kind), "Unknown")
