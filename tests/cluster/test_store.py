"""A store in a real cluster, through the real engine: up, proved, unchanged, hurt, gone.

One stack for all. Drills that only a whole run has time for carry the mark ``whole``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.verify.drills.catalogue import DRILLS
from holdfast.verify.record import Kind
from tests.cluster.rig.cluster import Cluster
from tests.cluster.rig.rig import Rig
from tests.cluster.stack import WHERE, ClusterStack
from tests.records import keep, repeat, strict

pytestmark = pytest.mark.timeout(900 * repeat())

QUICK = (
    "planned-failover",
    "kill-primary",
    "pod-deleted",
    "every-pod-deleted",
    "node-cut",
)
UP_SECONDS = 90.0
AGENT_MILLICORES = 15.0
AGENT_MEBIBYTES = 15.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[ClusterStack]:
    prepared = ClusterStack.prepare(tmp_path_factory.mktemp("store"), cluster)
    began = time.monotonic()
    try:
        prepared.up()
        prepared.run("smoke")
        took = time.monotonic() - began
        sys.stderr.write(f"from nothing to a passed smoke: {took:.1f} s\n")
        if strict():
            assert took < UP_SECONDS
        figures = {"duration_seconds": took}
        keep(prepared.connection, Kind.CHANGE, "from nothing to proven", figures, where=WHERE)
        yield prepared
    finally:
        prepared.destroy()


def test_a_second_deployment_and_a_refresh_change_nothing(stack: ClusterStack) -> None:
    stack.engine.up_unchanged()
    stack.engine.refresh("--expect-no-changes")
    stack.engine.preview("--expect-no-changes")


def test_no_secret_stands_in_plain_state_or_in_a_pod(stack: ClusterStack) -> None:
    passwords = [user.password for user in stack.connection.users.values() if user.password]
    assert len(passwords) > 5
    state = str(stack.engine.export())
    objects = str(stack.get("pods,configmaps,statefulsets,services"))
    for password in passwords:
        assert password not in state
        assert password not in objects


def test_a_pod_without_the_label_gets_no_connection_and_one_with_it_does(
    stack: ClusterStack,
) -> None:
    address = stack.get("service", "store-server-0")["spec"]["clusterIP"]
    image = stack.get("statefulset", "store-server")["spec"]["template"]["spec"]["containers"][0][
        "image"
    ]
    # The policies know a pod a moment after it has begun; a packet that is dropped is not answered.
    ask = f"timeout 4 valkey-cli -h {address} --tls --insecure PING 2>&1"
    script = (
        f"for n in 1 2 3 4; do said=$({ask}); "
        'case $said in *NOAUTH*|*PONG*) break;; esac; done; echo "said: $said"; sleep 600'
    )
    pods = [
        _pod(f"client-{kind}", image, script, labels)
        for kind, labels in (("labelled", {"holdfast-access": "store"}), ("other", {}))
    ]
    stack.cluster.apply(pods, stack.namespace)
    try:
        said = {name: _first_line(stack, name) for name in ("client-labelled", "client-other")}
    finally:
        for pod in pods:
            stack.cluster.kubectl(
                *("-n", stack.namespace, "delete", "pod", pod["metadata"]["name"], "--now")
            )
    assert all(words.startswith("said:") for words in said.values())
    assert "NOAUTH" in said["client-labelled"]
    assert "NOAUTH" not in said["client-other"]
    assert "PONG" not in said["client-other"]


def _pod(name: str, image: str, script: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 999,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "client",
                    "image": image,
                    "command": ["sh", "-c", script],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def _first_line(stack: ClusterStack, pod: str) -> str:
    deadline = time.monotonic() + 60
    while True:
        phase = stack.get("pod", pod)["status"].get("phase")
        log = (
            stack.cluster.kubectl("-n", stack.namespace, "logs", pod) if phase == "Running" else ""
        )
        if log.strip() or time.monotonic() > deadline:
            return log
        time.sleep(0.5)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(drill.name, marks=[] if drill.name in QUICK else pytest.mark.whole)
        for drill in DRILLS
        if not drill.needs & frozenset({"start", "empty"})
    ],
)
def test_the_store_holds_through(name: str, stack: ClusterStack) -> None:
    drill = next(drill for drill in DRILLS if drill.name == name)
    if "nodes" in drill.needs and not stack.cluster.has_faults:
        pytest.skip("nodes are not cut off or switched off in a cluster that is not ours")
    for result in stack.drill(name):
        assert result["ok"], result["failures"]


@pytest.mark.whole
def test_the_agent_costs_next_to_nothing(stack: ClusterStack, rig: Rig) -> None:
    span_seconds = 30.0
    before = {n: rig.usage(f"store-server-{n}", "agent", stack.namespace) for n in range(3)}
    time.sleep(span_seconds)
    costs: dict[str, list[float]] = {"millicores": [], "mebibytes": []}
    for number, first in before.items():
        now = rig.usage(f"store-server-{number}", "agent", stack.namespace)
        millicores = 1000 * (now.cpu_seconds - first.cpu_seconds) / span_seconds
        mebibytes = now.memory_bytes / 2**20
        sys.stderr.write(f"agent {number}: {millicores:.1f} millicores, {mebibytes:.1f} MiB\n")
        assert millicores < AGENT_MILLICORES
        assert mebibytes < AGENT_MEBIBYTES
        costs["millicores"].append(millicores)
        costs["mebibytes"].append(mebibytes)
    most = {name: max(of_pods) for name, of_pods in costs.items()}
    keep(stack.connection, Kind.CHANGE, "agent at rest", most, where=WHERE)


def test_the_store_is_whole_after_all_that(stack: ClusterStack) -> None:
    stack.run("smoke")
    stack.engine.up_unchanged("--refresh")
