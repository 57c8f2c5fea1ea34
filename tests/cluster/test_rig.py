"""The test cluster keeps what the tests of everything else take for granted.

It runs beside the one that other tests share: it is cut, switched off, killed and taken down.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.rig.cleanup import leftovers, take_down
from tests.cluster.rig.cluster import wait_until
from tests.cluster.rig.errors import RigError
from tests.cluster.rig.layout import CONTROL_PLANE, run_folder
from tests.cluster.rig.namespaces import recorded, strays
from tests.cluster.rig.provisioner import CLASS
from tests.cluster.rig.rig import Rig, attach_or_none
from tests.cluster.rig.testing import build_or_skip, up_or_skip
from tests.records import strict
from toolchain.paths import PROJECT

NAME = "selftest"
NAMESPACE = "selftest"
SERVER = "valkey/valkey:9.1.2"
READY_SECONDS = 60.0
POLICY_SECONDS = 15.0
FAULT_SECONDS = 90.0


@pytest.fixture(scope="module")
def own(pytestconfig: pytest.Config) -> Iterator[Rig]:
    """An instance of this module's own, with two servers on different nodes in it."""
    rig = up_or_skip(pytestconfig, nodes=3, name=NAME)
    try:
        rig.kubectl("create", "namespace", NAMESPACE)
        rig.apply(
            [*_server("one", "node-1"), *_server("two", "node-2"), _service("one")], NAMESPACE
        )
        for pod in ("one", "two"):
            _await_ready(rig, pod)
        yield rig
    finally:
        rig.down()


def _claim(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }


def _server(name: str, node: str) -> list[dict[str, Any]]:
    """A server with a volume, as strict as the standard of restricted pods wants it."""
    container = {
        "name": "server",
        "image": SERVER,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "valkey-server",
            "--dir",
            "/data",
            "--appendonly",
            "yes",
            "--protected-mode",
            "no",
        ],
        "ports": [{"name": "store", "containerPort": 6379}],
        "readinessProbe": {"exec": {"command": ["valkey-cli", "ping"]}, "periodSeconds": 1},
        "securityContext": {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    user = {"runAsNonRoot": True, "runAsUser": 999, "runAsGroup": 999, "fsGroup": 999}
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "nodeSelector": {"kubernetes.io/hostname": node},
            "securityContext": {**user, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
        },
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "serviceName": name,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
        },
    }
    return [_claim(name), deployment]


def _service(app: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": app},
        "spec": {"selector": {"app": app}, "ports": [{"port": 6379, "targetPort": "store"}]},
    }


def _policy(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def _pod_is_ready(rig: Rig, pod: str) -> bool:
    found = rig.get("pod", f"{pod}-0", "-n", NAMESPACE)
    if "deletionTimestamp" in found["metadata"]:
        return False
    conditions = found["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _await_ready(rig: Rig, pod: str, seconds: float = READY_SECONDS) -> None:
    wait_until(f"pod {pod} ready", seconds, lambda: _pod_is_ready(rig, pod))


def _ask(rig: Rig, pod: str, *command: str) -> str:
    """What a program prints in a pod."""
    return rig.kubectl("exec", "-n", NAMESPACE, f"{pod}-0", "--", *command).strip()


def _reaches(rig: Rig, pod: str, host: str) -> bool:
    """Whether a server answers a pod, asked with a time limit: a dropped packet has no answer."""
    try:
        return _ask(rig, pod, "timeout", "2", "valkey-cli", "-h", host, "ping") == "PONG"
    except RigError:
        return False


def test_a_service_is_found_by_name_and_by_address_from_another_node(own: Rig) -> None:
    address = own.get("service", "one", "-n", NAMESPACE)["spec"]["clusterIP"]
    names = ("one", f"one.{NAMESPACE}", f"one.{NAMESPACE}.svc.cluster.local")
    for host in (*names, address):
        wait_until(f"answer from {host}", 15, lambda: _reaches(own, "two", host))  # noqa: B023


def test_a_name_that_does_not_exist_is_denied_at_once(own: Rig) -> None:
    def denied() -> bool:
        # A datagram may be lost on a busy machine; a resolver that is silent denies in no try.
        try:
            _ask(own, "two", "timeout", "3", "valkey-cli", "-h", "nobody.example.org", "ping")
        except RigError as error:
            return "Name or service not known" in str(error)
        return False

    wait_until("the name to be denied", 12, denied)


def test_a_program_in_a_pod_gets_input_and_gives_output(own: Rig) -> None:
    argv = ("exec", "-i", "-n", NAMESPACE, "one-0", "--", "sh", "-c", "cat; id -u")
    assert own.kubectl(*argv, stdin="given\n") == "given\n999\n"


def test_each_node_says_in_which_zone_it_stands(own: Rig) -> None:
    nodes = own.get("nodes")["items"]
    zones = [one["metadata"]["labels"]["topology.kubernetes.io/zone"] for one in nodes]
    assert zones == ["zone-a", "zone-b", "zone-c"]


def test_a_policy_denies_everybody_and_then_admits_one_by_label_and_named_port(own: Rig) -> None:
    assert wait_until("reach before", 15, lambda: _reaches(own, "two", "one"))
    closed = {"podSelector": {"matchLabels": {"app": "one"}}, "policyTypes": ["Ingress"]}
    own.apply([_policy("closed", closed)], NAMESPACE)
    wait_until("denial", POLICY_SECONDS, lambda: not _reaches(own, "two", "one"))
    wait_until("probes from the node, which are not judged", 15, lambda: _pod_is_ready(own, "one"))

    by_port = {"ports": [{"port": "store"}]}
    peer = {"podSelector": {"matchLabels": {"app": "two"}}}
    own.apply([_policy("closed", {**closed, "ingress": [{"from": [peer], **by_port}]})], NAMESPACE)
    wait_until("admission", POLICY_SECONDS, lambda: _reaches(own, "two", "one"))
    own.kubectl("delete", "networkpolicy", "closed", "-n", NAMESPACE)


def test_a_policy_cuts_connections_that_are_open(own: Rig) -> None:
    def lag() -> int:
        found = re.search(r"lag=(\d+)", _ask(own, "one", "valkey-cli", "info", "replication"))
        return int(found.group(1)) if found else -1

    _ask(own, "two", "valkey-cli", "replicaof", "one", "6379")
    try:
        wait_until("a replica in step", 30, lambda: lag() in (0, 1))
        closed = {"podSelector": {"matchLabels": {"app": "one"}}, "policyTypes": ["Ingress"]}
        own.apply([_policy("closed", closed)], NAMESPACE)
        wait_until("a replica that is not heard", 20, lambda: lag() >= 5)
    finally:
        own.kubectl("delete", "networkpolicy", "closed", "-n", NAMESPACE, "--ignore-not-found")
        _ask(own, "two", "valkey-cli", "replicaof", "no", "one")


def test_a_policy_on_the_way_out_lets_the_dns_alone(own: Rig) -> None:
    dns = {
        "to": [
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
        ],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }
    two = {"podSelector": {"matchLabels": {"app": "two"}}, "policyTypes": ["Egress"]}
    own.apply([_policy("quiet", {**two, "egress": [dns]})], NAMESPACE)
    try:
        wait_until("denial", POLICY_SECONDS, lambda: not _reaches(own, "two", "one"))
        assert "10.96." in _ask(own, "two", "nslookup", f"one.{NAMESPACE}.svc.cluster.local")
    finally:
        own.kubectl("delete", "networkpolicy", "quiet", "-n", NAMESPACE)
    wait_until("reach again", POLICY_SECONDS, lambda: _reaches(own, "two", "one"))


def test_a_pod_that_may_do_too_much_is_refused_where_the_namespace_says_so(own: Rig) -> None:
    own.kubectl("create", "namespace", "strict")
    own.kubectl("label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted")
    with pytest.raises(RigError, match='violates PodSecurity "restricted'):
        own.kubectl("run", "loose", "-n", "strict", f"--image={SERVER}")


def test_a_claim_gets_a_volume_grows_and_takes_the_volume_along(own: Rig) -> None:
    claim = own.get("pvc", "one", "-n", NAMESPACE)
    volume = claim["spec"]["volumeName"]
    folder = Path(own.get("pv", volume)["spec"]["local"]["path"])
    assert claim["spec"]["storageClassName"] == CLASS
    assert (folder / "appendonlydir").is_dir()

    grown = '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}'
    own.kubectl("patch", "pvc", "one", "-n", NAMESPACE, "-p", grown)

    def sizes() -> tuple[str, str]:
        status = own.get("pvc", "one", "-n", NAMESPACE)["status"]
        spec = own.get("pv", volume)["spec"]
        return status["capacity"]["storage"], spec["capacity"]["storage"]

    wait_until("growth", 20, lambda: sizes() == ("2Gi", "2Gi"))
    assert _reaches(own, "one", "127.0.0.1")

    own.kubectl("delete", "statefulset", "one", "-n", NAMESPACE)
    own.kubectl("delete", "pvc", "one", "-n", NAMESPACE)
    wait_until("volume gone", 30, lambda: volume not in own.kubectl("get", "pv", "-o", "name"))
    assert not folder.exists()
    own.apply(_server("one", "node-1"), NAMESPACE)
    _await_ready(own, "one")


def test_what_a_container_uses_can_be_read(own: Rig) -> None:
    before = own.usage("two-0", "server", NAMESPACE)
    work = "i=0; while [ $i -lt 500000 ]; do i=$((i+1)); done; times"
    printed = re.match(r"(\d+)m([\d.]+)s", _ask(own, "two", "sh", "-c", work))
    assert printed is not None
    worked = int(printed.group(1)) * 60 + float(printed.group(2))
    after = own.usage("two-0", "server", NAMESPACE)
    assert 0.05 < worked <= after.cpu_seconds - before.cpu_seconds + 0.02
    assert 1_000_000 < after.rss_bytes <= after.memory_bytes < 200_000_000


def test_a_container_is_frozen_and_killed_from_outside(own: Rig) -> None:
    assert wait_until("reach before", 15, lambda: _reaches(own, "one", "127.0.0.1"))
    own.signal("one-0", "server", signal.SIGSTOP, NAMESPACE)
    assert not _reaches(own, "one", "127.0.0.1")
    own.signal("one-0", "server", signal.SIGCONT, NAMESPACE)
    wait_until("thaw", 15, lambda: _reaches(own, "one", "127.0.0.1"))

    def restarts() -> int:
        status = own.get("pod", "one-0", "-n", NAMESPACE)["status"]
        return int(status["containerStatuses"][0]["restartCount"])

    before = restarts()
    own.signal("one-0", "server", signal.SIGKILL, NAMESPACE)
    wait_until("restart", 30, lambda: restarts() == before + 1)
    _await_ready(own, "one")


def test_a_node_that_is_cut_off_is_noticed_and_comes_back(own: Rig) -> None:
    own.cut("node-2")
    try:
        assert not _reaches(own, "one", _address(own, "two"))
        wait_until("node missed", FAULT_SECONDS, lambda: not own.node_ready("node-2"))
        assert own.runs("node-2")
    finally:
        own.heal("node-2")
    wait_until("node back", FAULT_SECONDS, lambda: own.node_ready("node-2"))
    _await_ready(own, "two", FAULT_SECONDS)
    wait_until("reach again", 20, lambda: _reaches(own, "one", _address(own, "two")))


def test_a_node_that_was_switched_off_comes_back_with_its_disk(own: Rig) -> None:
    _ask(own, "two", "valkey-cli", "set", "kept", "yes")
    wait_until(
        "on disk", 5, lambda: "aof_pending_bio_fsync:0" in _ask(own, "two", "valkey-cli", "info")
    )
    own.power_off("node-2")
    assert not own.runs("node-2")
    wait_until("node missed", FAULT_SECONDS, lambda: not own.node_ready("node-2"))
    own.power_on("node-2")
    wait_until("node back", FAULT_SECONDS, lambda: own.node_ready("node-2"))
    _await_ready(own, "two", FAULT_SECONDS)
    assert _ask(own, "two", "valkey-cli", "get", "kept") == "yes"


def test_the_volume_of_a_claim_goes_even_while_its_node_is_off(own: Rig) -> None:
    volume = own.get("pvc", "two", "-n", NAMESPACE)["spec"]["volumeName"]
    own.power_off("node-2")
    try:
        own.kubectl("delete", "statefulset", "two", "-n", NAMESPACE)
        own.kubectl("delete", "pod", "two-0", "-n", NAMESPACE, "--force", "--ignore-not-found")
        own.kubectl("delete", "pvc", "two", "-n", NAMESPACE, "--timeout=30s")
        wait_until("volume gone", 30, lambda: volume not in own.kubectl("get", "pv", "-o", "name"))
    finally:
        own.power_on("node-2")
    wait_until("node back", FAULT_SECONDS, lambda: own.node_ready("node-2"))
    own.apply(_server("two", "node-2"), NAMESPACE)
    _await_ready(own, "two", FAULT_SECONDS)


def test_a_component_that_is_killed_is_started_again(own: Rig) -> None:
    pid = _pid_of("kube-apiserver", own)
    os.kill(pid, signal.SIGKILL)
    wait_until("API server again", 60, lambda: _pid_of("kube-apiserver", own) not in (0, pid))
    wait_until("answers", 60, lambda: own.kubectl("get", "--raw=/readyz") == "ok")


def test_a_wrong_node_is_refused_by_name(own: Rig) -> None:
    with pytest.raises(RigError, match="node: got 'node-7', need one of node-0, node-1, node-2"):
        own.cut("node-7")


def test_up_of_what_is_up_changes_nothing_and_another_size_is_refused(own: Rig) -> None:
    before = recorded(own.layout.root)
    assert Rig.up(nodes=3, name=NAME).kubeconfig == own.kubeconfig
    assert recorded(own.layout.root) == before
    with pytest.raises(RigError, match="is up with 3 nodes"):
        Rig.up(nodes=1, name=NAME)


def test_nothing_is_left_after_down(pytestconfig: pytest.Config) -> None:
    for _ in range(2 if strict() else 1):
        rig = up_or_skip(pytestconfig, nodes=1, name="selftest-once")
        kept = set(recorded(rig.layout.root))
        assert kept == {CONTROL_PLANE, "node-0"}
        assert leftovers("selftest-once"), "what is up has to show, or this test could not fail"
        rig.down()
        assert leftovers("selftest-once") == []


def test_what_a_killed_runner_left_is_cleared_by_the_next_up(pytestconfig: pytest.Config) -> None:
    name = "selftest-crash"
    build_or_skip(pytestconfig)
    _kill_while_coming_up(name, signal.SIGKILL)
    assert list(strays(run_folder(name))), "the runner was killed too early or too late"
    assert attach_or_none(name) is None
    try:
        rig = up_or_skip(pytestconfig, nodes=1, name=name)
        assert rig.node_ready("node-0")
    finally:
        take_down(name)
    assert leftovers(name) == []


def test_an_interrupted_up_leaves_nothing(pytestconfig: pytest.Config) -> None:
    name = "selftest-interrupt"
    build_or_skip(pytestconfig)
    assert _kill_while_coming_up(name, signal.SIGINT) == 130
    assert leftovers(name) == []


def _kill_while_coming_up(name: str, number: signal.Signals) -> int:
    """Start ``up`` in a process of its own and signal it once the control plane's guest runs."""
    argv = [sys.executable, "-m", "tests.cluster.rig", "up", "--nodes", "1", "--name", name]
    with subprocess.Popen(argv, cwd=PROJECT, stderr=subprocess.DEVNULL) as runner:
        wait_until("first guest", 60, lambda: CONTROL_PLANE in recorded(run_folder(name)))
        runner.send_signal(number)
        return runner.wait(60)


def _address(rig: Rig, pod: str) -> str:
    return str(rig.get("pod", f"{pod}-0", "-n", NAMESPACE)["status"]["podIP"])


def _pid_of(program: str, rig: Rig) -> int:
    """The number of a component's process, told from others of its name by the files it uses."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if Path(words[0]).name == program and any(f"{rig.layout.root}/" in one for one in words):
            return int(entry.name)
    return 0
