"""Signals to processes in containers, from a privileged pod on their node.

From inside its own namespaces a container's first process can neither be killed nor stopped; a
pod that shares the node's process ids can do both.
"""

from __future__ import annotations

import contextlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Final

from holdfast.cluster.api import ClusterApi
from holdfast.cluster.resources import NAMESPACES, PODS, Object
from holdfast.cluster.waiting import until
from holdfast.errors import HoldfastError, VerificationFailed
from holdfast.verify.drills.cluster_journal import ClusterJournal

LABEL: Final = "holdfast-drill"
_START_SECONDS: Final = 60.0
_ALIVE_SECONDS: Final = 3600
_SCRIPT: Final = r"""
for file in /proc/[0-9]*/cgroup; do
    grep -q "$1" "$file" 2>/dev/null || continue
    pid=${file#/proc/} pid=${pid%/cgroup}
    IFS= read -r name <"/proc/$pid/comm" || continue
    case $name in *-server | *-sentinel) kill "-$2" "$pid" && echo "$pid" ;; esac
done
"""


class Signal(StrEnum):
    """What is sent."""

    KILL = "KILL"
    STOP = "STOP"
    CONT = "CONT"


class NodeHands:
    """One hand a node, in a namespace of their own that goes with them.

    Args:
        api: the cluster.
        image: one that the nodes have, with a shell and grep.
        owner: ``<namespace>.<store>``, noted on the namespace.
        journal: what is to be undone.
    """

    def __init__(self, api: ClusterApi, image: str, owner: str, journal: ClusterJournal) -> None:
        self._api = api
        self._image = image
        self._owner = owner
        self._journal = journal
        self._namespace = ""
        self._ready: set[str] = set()

    def prepare(self, nodes: frozenset[str]) -> None:
        """Make those that are missing; a signal then takes no longer than a request.

        Raises:
            ClusterUnavailable: a hand does not start; none is left then.
        """
        missing = nodes - self._ready
        if not missing:
            return
        if not self._namespace:
            namespace = f"holdfast-drill-{secrets.token_hex(4)}"
            # To thaw what is frozen takes hands.
            self._journal.add(f"hands {namespace}", undone_last=True)
            self._api.create(NAMESPACES, _namespace(namespace, self._owner))
            self._namespace = namespace
        try:
            with ThreadPoolExecutor(len(missing)) as pool:
                list(pool.map(self._start, sorted(missing)))
        except HoldfastError:
            # No drill begins without them. What stays all the same is noted.
            with contextlib.suppress(HoldfastError):
                self.remove(self._namespace)
            raise
        self._ready |= missing

    def send(self, signal: Signal, node: str, container_id: str) -> None:
        """Signal the server of a container.

        Raises:
            VerificationFailed: no server runs in it.
        """
        self.prepare(frozenset({node}))
        done = self._api.run(
            _name(node),
            self._namespace,
            ["/bin/sh", "-c", _SCRIPT, "hand", container_id, signal.value],
        )
        if not done.stdout.strip():
            raise VerificationFailed(
                f"no server in the container {container_id[:12]} on {node} to send SIG{signal}: "
                f"{done.stderr.decode(errors='replace').strip() or 'none found'}"
            )

    def forget(self, node: str) -> None:
        """The node was switched off: its hand is gone too."""
        if node in self._ready:
            self._ready.discard(node)
            self._api.delete(PODS, _name(node), self._namespace, grace_seconds=0)

    def remove(self, namespace: str) -> None:
        """Remove the hands in a namespace, and it; only what is there for this store's drills."""
        if namespace in self.there():
            for pod in self._api.select(PODS, namespace):
                self._api.delete(PODS, pod["metadata"]["name"], namespace, grace_seconds=0)
            self._api.delete(NAMESPACES, namespace)
        if namespace == self._namespace:
            self._namespace = ""
            self._ready.clear()

    def there(self) -> tuple[str, ...]:
        """The namespaces with hands of this store, whoever made them, but for those that go."""
        return tuple(
            found["metadata"]["name"]
            for found in self._api.select(NAMESPACES, labels={LABEL: self._owner})
            if not found["metadata"].get("deletionTimestamp")
        )

    def _start(self, node: str) -> None:
        self._api.create(PODS, _pod(node, self._image), self._namespace)

        def running() -> bool | None:
            state = self._api.get(PODS, _name(node), self._namespace).get("status", {})
            return True if state.get("phase") == "Running" else None

        until(f"a pod that can signal processes runs on {node}", running, seconds=_START_SECONDS)


def _name(node: str) -> str:
    return f"hand-{node}"


def _namespace(name: str, owner: str) -> Object:
    labels = {LABEL: owner, "pod-security.kubernetes.io/enforce": "privileged"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }


def _pod(node: str, image: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _name(node)},
        "spec": {
            # Not by the scheduler: the node may be closed, or full.
            "nodeName": node,
            "hostPID": True,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": _ALIVE_SECONDS,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [
                {
                    "name": "hand",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["/bin/sh", "-c", f"sleep {_ALIVE_SECONDS}"],
                    "securityContext": {"privileged": True, "runAsUser": 0},
                    "resources": {"limits": {"memory": "32Mi"}, "requests": {"cpu": "1m"}},
                }
            ],
        },
    }
