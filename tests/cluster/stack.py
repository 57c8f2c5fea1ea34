"""The checkout's own stack in a cluster, under the real engine, in a namespace of its own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from holdfast.connection import Connection
from tests.cluster.rig.cluster import Cluster, wait_until
from tests.cluster.rig.rig import Rig
from tests.engine import PROJECT, Engine, Run
from tests.records import VARIABLE, repeat

DEPLOY_SECONDS: Final = 420.0
COMMAND_SECONDS: Final = 600.0
WHERE: Final = "test cluster on one machine, stand-in for the kubernetes plugin"
_STORE: Final = "store"
_SLACK: Final = ("--slack-seconds", "4")


@dataclass
class ClusterStack:
    """A stack of target kubernetes; nothing is deployed until :meth:`up`.

    Attributes:
        engine: the copy of the checkout.
        cluster: where it is deployed to.
        namespace: made and deleted with the stack.
    """

    engine: Engine
    cluster: Cluster
    namespace: str
    _connection: Connection | None = field(default=None, repr=False)

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

    def set(self, **settings: str) -> None:
        """Change settings; the next deployment sees them."""
        for key, value in settings.items():
            self.engine.set_config(f"holdfast:{key}", value)

    def up(self, *arguments: str) -> Run:
        """Deploy; the time it took is printed, not asserted."""
        self.forget()
        return self._timed("up", "up", "--yes", "--skip-preview", *arguments)

    def destroy(self) -> None:
        """Delete the stack, its volumes and its namespace."""
        self._timed("destroy", "destroy", "--yes", "--skip-preview")
        wait_until(
            f"the namespace {self.namespace} is gone",
            120,
            lambda: self.namespace not in self.cluster.kubectl("get", "namespaces", "-o", "name"),
        )

    def _timed(self, what: str, *arguments: str) -> Run:
        begin = time.monotonic()
        run = self.engine.run(*arguments, deadline_seconds=DEPLOY_SECONDS)
        sys.stderr.write(f"kubernetes {what}: {time.monotonic() - begin:.1f} s\n")
        return run

    @property
    def connection(self) -> Connection:
        """The operator's Connection, as the stack exported it after the last ``up``."""
        if self._connection is None:
            self._connection = Connection.from_json(self.engine.outputs()["connection"])
        return self._connection

    def forget(self) -> None:
        """The stack was deployed by somebody else: its Connection may be another one."""
        self._connection = None

    def command(self, name: str, *arguments: str) -> list[str]:
        """The command line of a script, on this stack."""
        script = str(PROJECT / "scripts" / f"{name}.py")
        return [sys.executable, script, *arguments, "--stack", self.engine.stack]

    def run(self, name: str, *arguments: str, fails: bool = False) -> str:
        """Run a script to its end; what it printed on stdout.

        Fails the test, everything shown, where it does not end as expected.
        """
        done = subprocess.run(
            self.command(name, *arguments),
            cwd=self.engine.project,
            env=self.engine.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS * repeat(),
            check=False,
        )
        if (done.returncode != 0) != fails:
            shown = f"{' '.join(done.args[1:])}: exit code {done.returncode}"
            pytest.fail(f"{shown}\n{done.stdout}\n{done.stderr}", pytrace=False)
        return done.stdout

    def drill(self, *arguments: str, fails: bool = False) -> list[dict[str, Any]]:
        """Run drills; their results as the command prints them.

        What they show is kept where ``HOLDFAST_RECORDS`` names a file; the bounds are then those
        of the catalogue, and each is run ``HOLDFAST_REPEAT`` times. Otherwise a busy machine is
        given some time on top.
        """
        records = os.environ.get(VARIABLE)
        kept = ["--record", str(records), "--where", WHERE, "--repeat", str(repeat())]
        more = kept if records else list(_SLACK)
        more = [] if fails or "--while" in arguments else more
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
