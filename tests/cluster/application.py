"""An application beside a store: a pod that mounts its Connection, as the documentation says.

Its writers are those of the ledger. They read the Connection from the mounted file, which the
kubelet writes anew when the Secret changes: a rotation has to reach them by itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.cluster.rig.cluster import Cluster, wait_until
from tests.cluster.stack import ClusterStack

_NAME: Final = "application"
_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 90.0
_PROGRAM: Final = """
import json, pathlib, sys, threading, time
import holdfast

CONNECTION = pathlib.Path("/connection/connection.json")
STOP, DONE = pathlib.Path("/tmp/stop"), pathlib.Path("/tmp/done.json")
failures, turns, stored, pauses, lock = [], [0], [0], [0.0], threading.Lock()


def write():
    with holdfast.connect(CONNECTION, tenant="application") as store:
        last = time.monotonic()
        head = store.create(ttl=holdfast.Ttl.chat(), history_limit=10000).head
        count = 0
        while not STOP.exists():
            try:
                head = store.append(head, [{"n": count}]).head
            except holdfast.HoldfastError as error:
                with lock:
                    failures.append(f"{type(error).__name__}: {error}"[:300])
                time.sleep(0.2)
                continue
            count += 1
            now = time.monotonic()
            with lock:
                turns[0] += 1
                pauses[0] = max(pauses[0], now - last)
            last = now
            time.sleep(0.02)
        with lock:
            stored[0] += store.load(head.session_id).seq


writers = [threading.Thread(target=write) for _ in range(4)]
for writer in writers:
    writer.start()
while any(writer.is_alive() for writer in writers):
    print(json.dumps({"turns": turns[0], "failures": len(failures)}), flush=True)
    time.sleep(1)
DONE.write_text(json.dumps({
    "turns": turns[0], "stored": stored[0], "failures": failures, "longest_pause": pauses[0],
}))
time.sleep(600)
"""


@dataclass(frozen=True)
class Outcome:
    """What the application saw.

    Attributes:
        turns: that were acknowledged.
        stored: that the store has in the end.
        failures: requests that failed, in words.
        longest_pause_seconds: between two turns of a writer.
    """

    turns: int
    stored: int
    failures: tuple[str, ...]
    longest_pause_seconds: float


class Application:
    """One pod; use :func:`running`."""

    def __init__(self, stack: ClusterStack, image: str) -> None:
        self._stack = stack
        self._image = image
        self.outcome: Outcome | None = None

    @property
    def _cluster(self) -> Cluster:
        return self._stack.cluster

    def start(self) -> None:
        """Make the pod and wait until it writes."""
        self._cluster.apply([_program(), _pod(self._image)], self._stack.namespace)
        wait_until("the application writes", _START_SECONDS, lambda: self.turns() > 0)

    def turns(self) -> int:
        """How many turns were acknowledged so far."""
        lines = self._kubectl("logs", _NAME, "--tail=1").splitlines()
        return int(json.loads(lines[-1])["turns"]) if lines else 0

    def stop(self) -> Outcome:
        """Let the writers end; what they saw."""
        self._kubectl("exec", _NAME, "--", "python", "-c", "open('/tmp/stop', 'w')")
        script = "import pathlib; print(pathlib.Path('/tmp/done.json').read_text())"
        found: dict[str, Any] = wait_until(
            "the application ends",
            _END_SECONDS,
            lambda: json.loads(self._kubectl("exec", _NAME, "--", "python", "-c", script)),
        )
        return Outcome(
            found["turns"], found["stored"], tuple(found["failures"]), found["longest_pause"]
        )

    def remove(self) -> None:
        """Delete the pod."""
        self._kubectl("delete", "pod", _NAME, "--grace-period=0", "--ignore-not-found")

    def _kubectl(self, *arguments: str) -> str:
        return self._cluster.kubectl("-n", self._stack.namespace, *arguments)


@contextmanager
def running(stack: ClusterStack, image: str) -> Iterator[Application]:
    """An application that writes during the block; afterwards ``outcome`` says what it saw."""
    application = Application(stack, image)
    try:
        application.start()
        yield application
        # What is still under way, such as a password that is about to arrive, shows now.
        time.sleep(1)
        application.outcome = application.stop()
    finally:
        application.remove()


def _program() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _NAME},
        "data": {"application.py": _PROGRAM},
    }


def _pod(image: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _NAME, "labels": {"holdfast-access": "store"}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "application",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["python", "/program/application.py"],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [
                        {"name": "program", "mountPath": "/program"},
                        {"name": "connection", "mountPath": "/connection"},
                        {"name": "tmp", "mountPath": "/tmp"},
                    ],
                }
            ],
            "volumes": [
                {"name": "program", "configMap": {"name": _NAME}},
                {"name": "connection", "secret": {"secretName": "store-connection-svc"}},
                {"name": "tmp", "emptyDir": {}},
            ],
        },
    }
