"""The checkout's own stack in a cluster, under the real engine, in a namespace of its own."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from holdfast.verify.drills.node_hand import LABEL
from tests.cluster.rig.cluster import Cluster, wait_until
from tests.cluster.rig.rig import Rig
from tests.deployed import DeployedStack
from tests.engine import Engine
from tests.records import VARIABLE, repeat, strict

DEPLOY_SECONDS: Final = 420.0
COMMAND_SECONDS: Final = 600.0
WHERE: Final = "test cluster on one machine, stand-in for the kubernetes plugin"
_STORE: Final = "store"
_OF_DRILLS: Final = f"{LABEL}-"
"""What drills make outside of the namespace begins like this."""

_BUSY_SLACK_SECONDS: Final = 15
_BUSY_HAND_OVER_SLACK_SECONDS: Final = {"planned-failover": 4, "pod-deleted": 5}
"""Less, so that a hand-over that became a failover is seen."""

_SINGLE_RUN_SLACK_SECONDS: Final = 1
"""The bounds are promises of medians: one run alone may be over by some tenths of a second."""


@dataclass
class ClusterStack(DeployedStack):
    """A stack of target kubernetes; nothing is deployed until :meth:`up`.

    Attributes:
        engine: the copy of the checkout.
        cluster: where it is deployed to.
        namespace: made and deleted with the stack.
    """

    target = "kubernetes"
    deploy_seconds = DEPLOY_SECONDS

    cluster: Cluster
    namespace: str

    @classmethod
    def prepare(cls, folder: Path, cluster: Cluster, **settings: str) -> ClusterStack:
        """Copy the checkout and initialise its stack.

        Args:
            folder: an empty folder.
            cluster: where to.
            settings: keys without their namespace, in place of the defaults.
        """
        engine = Engine.of_checkout(folder)
        engine.use_cluster(cluster.kubeconfig)
        namespace = f"hf-{secrets.token_hex(3)}"
        given = {
            "target": "kubernetes",
            "namespace": namespace,
            "createNamespace": "true",
            "maxmemory": "64mb",
            "expectedSessions": "100",
            "serverCpu": "50m",
            **settings,
        }
        for key, value in given.items():
            engine.set_config(f"holdfast:{key}", value)
        return cls(engine, cluster, given["namespace"])

    def destroy(self) -> None:
        """Delete the stack, its volumes and its namespace, and see that nothing is left.

        Raises:
            RigError: something of the store or of a drill outlived it.
        """
        self._timed("destroy", "destroy", "--yes", "--skip-preview")
        wait_until("the store is gone", 120, lambda: not self._left())

    def _left(self) -> list[str]:
        """What is still there of the store, or of a drill that it was put through."""
        found = [
            f"{item['kind']} {item['metadata']['name']}"
            for item in self.cluster.get("namespaces,persistentvolumes")["items"]
            if item["metadata"]["name"].startswith((self.namespace, _OF_DRILLS))
            or item.get("spec", {}).get("claimRef", {}).get("namespace") == self.namespace
        ]
        policies = self.cluster.get("-n", "kube-system", "networkpolicies")["items"]
        nodes = self.cluster.get("nodes")["items"]
        names = [item["metadata"]["name"] for item in policies]
        found += [f"policy {name}" for name in names if name.startswith(_OF_DRILLS)]
        # In a cluster that is not ours somebody else may have cordoned a node.
        cordoned = [item for item in nodes if item["spec"].get("unschedulable")]
        if self.cluster.has_faults:
            found += [f"cordon of {item['metadata']['name']}" for item in cordoned]
        return found

    def run(self, name: str, *arguments: str, fails: bool = False) -> str:
        """Run a script to its end; what it printed on stdout.

        Fails the test, everything shown, where it does not end as expected.
        """
        done = self._finish(
            name,
            *arguments,
            seconds=COMMAND_SECONDS * repeat(),
            wanted=lambda ended: (ended != 0) == fails,
        )
        return done.stdout

    def drill(self, *arguments: str, fails: bool = False) -> list[dict[str, Any]]:
        """Run drills; their results as the command prints them.

        What they show is kept where ``HOLDFAST_RECORDS`` names a file, and each is then run
        ``HOLDFAST_REPEAT`` times. The bounds are those of the catalogue where it is more than
        once, with a little on top for a single run of a whole run, and with more for a machine
        that is busy with other things.
        """
        more: list[str] = []
        if not fails and "--while" not in arguments:
            more += ["--slack-seconds", str(_slack_seconds(arguments[0]))]
            if records := os.environ.get(VARIABLE):
                more += ["--record", records, "--where", WHERE, "--repeat", str(repeat())]
        if self.cluster.has_faults:
            more += ["--node-command", node_command(self.cluster)]
        printed = self.run("drill", *arguments, *more, "--json", fails=fails)
        found: list[dict[str, Any]] = json.loads(printed)["drills"]
        return found

    def get(self, *arguments: str) -> dict[str, Any]:
        """Objects of the namespace."""
        return self.cluster.get("-n", self.namespace, *arguments)

    def pod_ids(self) -> Mapping[str, str]:
        """The uid of every pod of the store by its name."""
        pods = self.get("pods", "-l", f"app.kubernetes.io/instance={_STORE}")["items"]
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in pods}

    def until_ready(self, seconds: float = 180.0) -> None:
        """Wait until every pod of both StatefulSets is ready."""
        for kind in ("sentinel", "server"):
            self.cluster.kubectl(
                *("-n", self.namespace, "rollout", "status", f"statefulset/{_STORE}-{kind}"),
                f"--timeout={seconds:g}s",
                seconds=seconds + 10,
            )


def _slack_seconds(drill: str) -> int:
    if not strict():
        return _BUSY_HAND_OVER_SLACK_SECONDS.get(drill, _BUSY_SLACK_SECONDS)
    return _SINGLE_RUN_SLACK_SECONDS if repeat() == 1 else 0


def node_command(cluster: Cluster) -> str:
    """What cuts nodes off and switches them, as ``--node-command`` takes it."""
    name = cluster.layout.name if isinstance(cluster, Rig) else ""
    return f"{sys.executable} -m tests.cluster.rig node --name {name}"


@contextmanager
def deployed(folder: Path, cluster: Cluster, **settings: str) -> Iterator[ClusterStack]:
    """A stack that is up; destroyed at the end, whatever happens."""
    stack = ClusterStack.prepare(folder, cluster, **settings)
    try:
        stack.up()
        yield stack
    finally:
        stack.destroy()
