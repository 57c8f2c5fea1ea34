"""The hands of a drill on a store in a cluster, through its API."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from holdfast.cluster.api import ClusterApi
from holdfast.cluster.errors import EvictionRefused, NotFound
from holdfast.cluster.resources import (
    CLAIMS,
    PODS,
    STATEFUL_SETS,
    Object,
    Right,
)
from holdfast.cluster.store import StoreName
from holdfast.connection import Address, Connection
from holdfast.errors import ConfigError, VerificationFailed
from holdfast.verify.drills.cluster_journal import ClusterJournal
from holdfast.verify.drills.cluster_needs import needs
from holdfast.verify.drills.cluster_nodes import ClusterNodes, condition, wait_for
from holdfast.verify.drills.cluster_policies import ClusterPolicies
from holdfast.verify.drills.command import run_command
from holdfast.verify.drills.means import Action, Process, State
from holdfast.verify.drills.node_hand import NodeHands, Signal

BACK_SECONDS: Final = 240.0
"""For pods that were taken, a node that was off, and the readiness of all."""

EVICT_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.5
_ROLLED: Final = "holdfast-rolled-at"


class KubernetesMeans:
    """One store's pods.

    Args:
        api: the cluster.
        store: which store.
        node_command: cuts nodes off and switches them; empty where there is none.
        connect: reads the stack's Connection again.

    Raises:
        ConfigError: there is no such store in the cluster.
    """

    def __init__(
        self,
        api: ClusterApi,
        store: StoreName,
        node_command: Sequence[str],
        connect: Callable[[], Connection],
    ) -> None:
        self._connect = connect
        self._api = api
        self._store = store
        self._journal = ClusterJournal(api, store.namespace, f"{store.name}-drill")
        self._nodes = ClusterNodes(api, self._journal, node_command)
        self._policies = ClusterPolicies(api, store, self._journal)
        self._frozen: set[str] = set()
        image = self._containers(self._set(sentinel=False))[0]["image"]
        self._hands = NodeHands(api, image, f"{store.namespace}.{store.name}", self._journal)
        self._allowed = self._permitted(needs(self._policies.dns_namespace))

    def actions(self) -> frozenset[Action]:
        """What the login may do, and the nodes' command can."""
        return self._allowed if self._nodes.switchable else self._allowed - {Action.NODES}

    def supervised(self) -> bool:
        """Yes: a kubelet starts a container again at once."""
        return True

    def prepare(self, needed: frozenset[Action]) -> None:
        """Have what signals processes ready on every node of the store."""
        if needed & {Action.KILL, Action.FREEZE}:
            self._hands.prepare(frozenset(filter(None, map(_node, self._pods().values()))))

    def processes(self) -> Sequence[Process]:
        """Every pod that there should be, servers first."""
        pods = self._pods()
        found = []
        for sentinel in (False, True):
            workload = self._set(sentinel=sentinel)
            port = int(self._containers(workload)[0]["ports"][0]["containerPort"])
            for ordinal in range(int(workload["spec"]["replicas"])):
                name = f"{workload['metadata']['name']}-{ordinal}"
                address = Address(self._store.fqdn(name), port)
                found.append(Process(name, address, sentinel, self._state(name, pods.get(name))))
        return found

    def kill(self, name: str) -> None:
        """SIGKILL to the server in a pod; its kubelet starts it again."""
        self._signal(name, Signal.KILL)

    def freeze(self, name: str) -> None:
        """SIGSTOP to the server in a pod."""
        self._journal.add(f"frozen {name}")
        self._signal(name, Signal.STOP)
        self._frozen.add(name)

    def thaw(self, name: str) -> None:
        """SIGCONT to it."""
        self._signal(name, Signal.CONT)
        self._frozen.discard(name)

    def start(self, name: str) -> None:
        """Not here: a kubelet starts what is down."""
        raise VerificationFailed(f"{name} is started by its node alone")

    def empty(self, name: str) -> None:
        """Not here: see :meth:`lose_volume`."""
        raise VerificationFailed(f"the volume of {name} goes with its claim")

    def run(self, command: Sequence[str]) -> None:
        """Run a command on this machine."""
        run_command(command)

    def connection(self) -> Connection:
        """As the stack has it now."""
        return self._connect()

    def node_of(self, pod: str) -> str:
        """The node of a pod of the store's namespace; empty while it has none."""
        found = self._api.find(PODS, pod, self._store.namespace)
        return "" if found is None else _node(found)

    def uids(self) -> dict[str, str]:
        """Which pod each name means now."""
        return {name: str(pod["metadata"]["uid"]) for name, pod in self._pods().items()}

    def restarts(self) -> dict[str, int]:
        """How often the containers of each pod were started again."""
        return {
            name: sum(
                int(status.get("restartCount", 0))
                for status in pod.get("status", {}).get("containerStatuses") or ()
            )
            for name, pod in self._pods().items()
        }

    def delete_pods(self, names: Sequence[str]) -> None:
        """Delete pods, each with its own grace period."""
        for name in names:
            self._api.delete(PODS, name, self._store.namespace)

    def drain(self, node: str) -> None:
        """Close a node, and evict the store's pods on it as the budgets allow."""
        self._nodes.cordon(node)
        deadline = time.monotonic() + EVICT_SECONDS
        waiting = [name for name, pod in self._pods().items() if _node(pod) == node]
        while waiting:
            if time.monotonic() > deadline:
                raise VerificationFailed(f"the budgets did not let go: {', '.join(waiting)}")
            for name in tuple(waiting):
                # Somebody else's pod is away; the budget opens when it is back.
                with contextlib.suppress(EvictionRefused):
                    # One that is gone already needs no eviction.
                    with contextlib.suppress(NotFound):
                        self._api.evict(name, self._store.namespace)
                    waiting.remove(name)
            time.sleep(_POLL_SECONDS)

    def roll(self, *, sentinel: bool) -> None:
        """Change the template of one kind of pod, so that each is replaced."""
        annotations = {_ROLLED: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        self._api.patch(
            STATEFUL_SETS,
            self._store.workload(sentinel=sentinel),
            {"spec": {"template": {"metadata": {"annotations": annotations}}}},
            self._store.namespace,
        )

    def rolled(self) -> bool:
        """Whether every pod is of the newest template, and ready for long enough."""
        return all(_is_rolled(self._set(sentinel=sentinel)) for sentinel in (False, True))

    def lose_volume(self, name: str) -> None:
        """Delete a pod's claim, and the pod; without its grace where its node is gone."""
        namespace = self._store.namespace
        pod = self._api.find(PODS, name, namespace)
        self._api.delete(CLAIMS, f"data-{name}", namespace)
        if pod is not None:
            lost = not self._nodes.is_ready(_node(pod))
            self._api.delete(PODS, name, namespace, grace_seconds=0 if lost else None)

    def volume_of(self, name: str) -> str:
        """Name of the volume behind a pod's claim; empty while there is none."""
        claim = self._api.find(CLAIMS, f"data-{name}", self._store.namespace)
        if claim is None or claim["metadata"].get("deletionTimestamp"):
            return ""
        return str(claim["spec"].get("volumeName", ""))

    def cut_off(self, name: str) -> None:
        """Let no packet through to or from a pod, probes excepted."""
        self._policies.cut_off(name)

    def silence_dns(self) -> None:
        """Let the cluster's DNS hear nothing."""
        self._policies.silence_dns()

    def cut_node(self, node: str) -> None:
        """Take a node off the network."""
        self._nodes.cut(node)

    def heal_node(self, node: str) -> None:
        """Put it back."""
        self._nodes.heal(node)

    def switch_off(self, node: str) -> None:
        """End a node at once."""
        self._nodes.switch_off(node)

    def give_up(self, node: str) -> None:
        """Tell the cluster that a node does not come back, once it has noticed that it is gone."""
        self._nodes.give_up(node)

    def put_back(self) -> None:
        """Undo what was done, the last first, and wait until every pod is ready.

        Raises:
            VerificationFailed: something cannot be undone, and stays noted; or a pod does not
                become ready.
        """
        self._journal.undo(self._undo)
        wait_for("every pod is ready", self._well, BACK_SECONDS)
        self._journal.clear()

    def left_behind(self) -> Sequence[str]:
        """What a drill did that is no more; what one did that still runs is left to it."""
        # Without these rights hands cannot be looked for; those that are noted are found anyway.
        hands = self._hands.there() if Action.KILL in self._allowed else ()
        return self._journal.adopt([f"hands {namespace}" for namespace in hands])

    def _undo(self, entry: str) -> None:
        what, _, subject = entry.partition(" ")
        match what:
            case "frozen":
                # Its container may have been replaced since.
                with contextlib.suppress(VerificationFailed, NotFound):
                    self.thaw(subject)
                self._frozen.discard(subject)
            case "cut":
                self._nodes.heal(subject)
            case "off":
                self._nodes.switch_on(subject)
                self._hands.forget(subject)
            case "cordoned":
                self._nodes.uncordon(subject)
            case "closed":
                self._policies.reopen(subject)
            case "silenced":
                self._policies.unsilence_dns(subject)
            case "hands":
                self._hands.remove(subject)

    def _permitted(self, wanted: Mapping[Action, Sequence[Right]]) -> frozenset[Action]:
        """The actions for which the login has every right; each right is asked about once."""
        rights = dict.fromkeys(right for asked in wanted.values() for right in asked)
        missing = frozenset(self._api.missing(rights, self._store.namespace))
        return frozenset(action for action, asked in wanted.items() if missing.isdisjoint(asked))

    def _well(self) -> bool:
        return all(process.state is State.RUNNING for process in self.processes())

    def _set(self, *, sentinel: bool) -> Object:
        name = self._store.workload(sentinel=sentinel)
        found = self._api.find(STATEFUL_SETS, name, self._store.namespace)
        if found is None:
            raise ConfigError(
                "connection",
                f"{self._store.namespace}/{name}",
                "a StatefulSet of the cluster that the kubeconfig names",
                "see --kubeconfig and --context, or deploy the store",
            )
        return found

    @staticmethod
    def _containers(workload: Object) -> list[Any]:
        return list(workload["spec"]["template"]["spec"]["containers"])

    def _pods(self) -> dict[str, Object]:
        found = self._api.pods(self._store.namespace, self._store.labels)
        return {pod["metadata"]["name"]: pod for pod in found}

    def _state(self, name: str, pod: Object | None) -> State:
        if name in self._frozen:
            return State.FROZEN
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return State.DOWN
        return State.RUNNING if condition(pod, "Ready") == "True" else State.DOWN

    def _signal(self, name: str, signal: Signal) -> None:
        pod = self._api.get(PODS, name, self._store.namespace)
        statuses = pod.get("status", {}).get("containerStatuses") or ()
        main = pod["spec"]["containers"][0]["name"]
        ids = [one.get("containerID", "") for one in statuses if one["name"] == main]
        if not ids or not ids[0]:
            raise VerificationFailed(f"{name} has no container that runs")
        self._hands.send(signal, _node(pod), ids[0].rpartition("/")[2])


def _node(pod: Object) -> str:
    return str(pod["spec"].get("nodeName", ""))


def _is_rolled(workload: Object) -> bool:
    wanted, status = int(workload["spec"]["replicas"]), workload.get("status", {})
    counts = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return (
        status.get("observedGeneration") == workload["metadata"]["generation"]
        and status.get("currentRevision") == status.get("updateRevision")
        and all(status.get(count) == wanted for count in counts)
    )
