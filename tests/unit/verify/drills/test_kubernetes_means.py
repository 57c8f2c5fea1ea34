"""The hands on a store in a cluster: what they change there, and that all of it is put back."""

from __future__ import annotations

import copy
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.cluster import waiting
from holdfast.cluster.errors import ClusterUnavailable, EvictionRefused, Forbidden
from holdfast.cluster.exec_stream import Finished
from holdfast.cluster.resources import (
    CLAIMS,
    CONFIG_MAPS,
    NAMESPACES,
    NETWORK_POLICIES,
    NODES,
    PODS,
    STATEFUL_SETS,
    Object,
    Resource,
)
from holdfast.cluster.store import StoreName
from holdfast.connection import Address
from holdfast.errors import ConfigError, VerificationFailed
from holdfast.verify.drills import kubernetes_means
from holdfast.verify.drills.kubernetes_means import KubernetesMeans
from holdfast.verify.drills.means import Action, State
from tests.unit.cluster.fake_api import FakeApi
from tests.unit.verify.drills.clock import Clock
from tests.unit.verify.fakes import connection

STORE = StoreName("store", "agents", "svc.cluster.local")
NOT_HERE = frozenset({Action.START, Action.EMPTY})
NODE_NAMES = ("node-0", "node-1", "node-2")
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
UNREADY = {"conditions": [{"type": "Ready", "status": "False"}]}


class Cluster:
    """Three nodes with a server and a Sentinel each, and what takes orders for the nodes."""

    def __init__(self, folder: Path) -> None:
        self.api = FakeApi()
        self.clock = Clock()
        self.orders = folder / "orders"
        self.orders.touch()
        self.command = folder / "node"
        self.command.write_text(f'#!/bin/sh\necho "$*" >>{self.orders}\n')
        self.command.chmod(self.command.stat().st_mode | stat.S_IXUSR)
        for name in NODE_NAMES:
            body: Object = {"metadata": {"name": name}, "spec": {}, "status": READY}
            self.api.put(NODES, copy.deepcopy(body))
        for kind, port in (("server", 6379), ("sentinel", 26379)):
            self._workload(kind, port)
        self.api.created = self._started
        self.api.answers = Finished(0, b"4711\n", b"")

    def means(self, *, nodes: bool = True) -> KubernetesMeans:
        command = [str(self.command)] if nodes else []
        return KubernetesMeans(self.api, STORE, command, connection)

    def asked(self) -> list[str]:
        """What the nodes' command was told."""
        return self.orders.read_text().splitlines()

    def pod(self, name: str) -> Object:
        return self.api.seen(PODS, name, "agents")

    def node(self, name: str) -> Object:
        return self.api.seen(NODES, name)

    def note(self) -> list[str]:
        """What is noted to be undone."""
        found = self.api.find(CONFIG_MAPS, "store-drill", "agents")
        return [] if found is None else list(json.loads(found["data"]["done"]))

    def things(self) -> dict[Any, Object]:
        """Everything, to be compared."""
        return copy.deepcopy(self.api.objects)

    def _workload(self, kind: str, port: int) -> None:
        container = {"image": "valkey:1", "ports": [{"containerPort": port}]}
        status = {"observedGeneration": 1, "currentRevision": "a", "updateRevision": "a"}
        counts = dict.fromkeys(("updatedReplicas", "readyReplicas", "availableReplicas"), 3)
        self.api.put(
            STATEFUL_SETS,
            {
                "metadata": {"name": f"store-{kind}", "generation": 1},
                "spec": {"replicas": 3, "template": {"spec": {"containers": [container]}}},
                "status": {**status, **counts},
            },
            "agents",
        )
        self.api.put(
            NETWORK_POLICIES,
            {
                "metadata": {"name": f"store-{kind}-traffic"},
                "spec": {"podSelector": {"matchLabels": {"kind": kind}}},
            },
            "agents",
        )
        for number, node in enumerate(NODE_NAMES):
            self._pod(f"store-{kind}-{number}", node)

    def _pod(self, name: str, node: str) -> None:
        container = {"name": "main", "containerID": f"containerd://id-of-{name}", "restartCount": 1}
        beside = {"name": "agent", "containerID": "containerd://agent", "restartCount": 2}
        body: Object = {
            "metadata": {"name": name, "uid": f"uid-of-{name}", "labels": STORE.labels},
            "spec": {"nodeName": node, "containers": [{"name": "main"}, {"name": "agent"}]},
            "status": {**copy.deepcopy(READY), "containerStatuses": [beside, container]},
        }
        self.api.put(PODS, body, "agents")
        claim = {"metadata": {"name": f"data-{name}"}, "spec": {"volumeName": f"volume-{name}"}}
        self.api.put(CLAIMS, claim, "agents")

    def _started(self, body: Object) -> None:
        if body["kind"] == "Pod":
            body["status"] = {"phase": "Running"}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster(tmp_path)
    monkeypatch.setattr(kubernetes_means, "time", found.clock)
    monkeypatch.setattr(waiting, "time", found.clock)
    return found


@pytest.fixture
def means(cluster: Cluster) -> Iterator[KubernetesMeans]:
    found = cluster.means()
    yield found
    found._journal.clear()  # its thread ends with it


def states(means: KubernetesMeans) -> dict[str, State]:
    return {process.name: process.state for process in means.processes()}


def test_a_store_that_is_not_in_this_cluster_is_refused(cluster: Cluster) -> None:
    with pytest.raises(ConfigError, match=r"agents/other-server.*--kubeconfig"):
        KubernetesMeans(cluster.api, StoreName("other", "agents", "x"), (), connection)


def test_every_pod_that_there_should_be_is_a_process_servers_first(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    del cluster.api.objects[PODS, "agents", "store-server-2"]
    cluster.pod("store-server-1")["status"] = UNREADY
    cluster.pod("store-sentinel-0")["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    found = means.processes()
    assert [(p.name, p.sentinel) for p in found] == [
        *((f"store-server-{n}", False) for n in range(3)),
        *((f"store-sentinel-{n}", True) for n in range(3)),
    ]
    assert found[0].address == Address("store-server-0.agents.svc.cluster.local", 6379)
    assert found[3].address == Address("store-sentinel-0.agents.svc.cluster.local", 26379)
    down = {name for name, state in states(means).items() if state is State.DOWN}
    assert down == {"store-server-1", "store-server-2", "store-sentinel-0"}


def test_all_is_possible_for_a_login_that_may_do_all_but_start_and_empty(cluster: Cluster) -> None:
    assert cluster.means().actions() == frozenset(Action) - NOT_HERE
    assert Action.NODES not in cluster.means(nodes=False).actions()


@pytest.mark.parametrize(
    ("denied", "lost"),
    [
        ("create pods/exec", {Action.KILL, Action.FREEZE}),
        ("get pods/exec in every namespace", {Action.KILL, Action.FREEZE}),
        ("create namespaces", {Action.KILL, Action.FREEZE}),
        ("list namespaces", {Action.KILL, Action.FREEZE}),
        ("delete namespaces", {Action.KILL, Action.FREEZE}),
        # Hands live in no namespace that is there already.
        ("create pods in every namespace", {Action.KILL, Action.FREEZE}),
        ("create pods in agents", set()),
        ("patch networkpolicies.networking.k8s.io", {Action.POLICY}),
        ("patch networkpolicies.networking.k8s.io in agents", {Action.POLICY}),
        ("create networkpolicies.networking.k8s.io in kube-system", {Action.POLICY}),
        ("delete networkpolicies.networking.k8s.io in kube-system", {Action.POLICY}),
        ("create networkpolicies.networking.k8s.io in agents", set()),
        ("patch nodes", {Action.DRAIN, Action.NODES}),
        ("create pods/eviction", {Action.DRAIN}),
        ("delete persistentvolumeclaims", {Action.PODS}),
        ("delete pods in agents", {Action.PODS}),
        # Without a note nothing is done that has to be undone.
        ("patch configmaps in agents", set(Action) - {Action.PODS, *NOT_HERE}),
        ("delete configmaps in agents", set(Action) - {Action.PODS, *NOT_HERE}),
        ("list pods in agents", set(Action) - NOT_HERE),
    ],
)
def test_what_the_login_may_not_do_is_not_offered(
    cluster: Cluster, denied: str, lost: set[Action]
) -> None:
    everything = cluster.means().actions()
    cluster.api.denied = {denied}
    assert everything - cluster.means().actions() == lost


def test_hands_are_made_only_for_drills_that_signal_and_on_every_node(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    means.prepare(frozenset({Action.PODS, Action.POLICY}))
    assert cluster.api.calls == []
    means.prepare(frozenset({Action.FREEZE}))
    made = {name for kind, _, name in cluster.api.objects if kind == PODS and "hand" in name}
    assert made == {f"hand-{node}" for node in NODE_NAMES}


def test_a_kill_hits_the_server_in_the_pods_first_container(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    means.kill("store-server-1")
    assert cluster.api.calls[-1].endswith("/hand-node-1 hand id-of-store-server-1 KILL")


def test_a_pod_whose_container_does_not_run_yet_cannot_be_signalled(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    del cluster.pod("store-server-1")["status"]["containerStatuses"]
    with pytest.raises(VerificationFailed, match="store-server-1 has no container that runs"):
        means.kill("store-server-1")


def test_what_is_frozen_is_noted_before_and_shown_until_it_is_thawed(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    means.freeze("store-server-1")
    noted, stopped = (
        next(n for n, call in enumerate(cluster.api.calls) if part in call)
        for part in ("patch configmaps", " STOP")
    )
    assert noted < stopped
    assert states(means)["store-server-1"] is State.FROZEN
    means.thaw("store-server-1")
    assert cluster.api.calls[-1].endswith("id-of-store-server-1 CONT")
    assert states(means)["store-server-1"] is State.RUNNING


def test_what_only_a_kubelet_does_is_refused(means: KubernetesMeans) -> None:
    assert means.supervised()
    with pytest.raises(VerificationFailed):
        means.start("store-server-1")
    with pytest.raises(VerificationFailed):
        means.empty("store-server-1")


def test_restarts_are_those_of_all_containers_of_a_pod(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    cluster.pod("store-server-0")["status"] = {}
    found = means.restarts()
    assert found["store-server-0"] == 0
    assert found["store-server-1"] == 3
    assert len(found) == 6


def test_a_pod_that_is_nowhere_has_no_node(cluster: Cluster, means: KubernetesMeans) -> None:
    assert means.node_of("store-server-2") == "node-2"
    assert means.node_of("no-such-pod") == ""
    del cluster.pod("store-server-2")["spec"]["nodeName"]
    assert means.node_of("store-server-2") == ""


def test_pods_are_deleted_with_their_own_grace(cluster: Cluster, means: KubernetesMeans) -> None:
    means.delete_pods(["store-server-0", "store-sentinel-1"])
    assert cluster.api.calls == [
        "delete pods agents/store-server-0",
        "delete pods agents/store-sentinel-1",
    ]


def test_a_drain_closes_the_node_first_and_waits_for_the_budgets(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    refusals = ["store-server-1", "store-server-1"]

    def budget(pod: str) -> None:
        if pod in refusals:
            refusals.remove(pod)
            raise EvictionRefused("eviction: the budget is 0", status=429)

    cluster.api.evicting = budget
    means.drain("node-1")
    assert cluster.node("node-1")["spec"] == {"unschedulable": True}
    assert [call for call in cluster.api.calls if "configmaps" not in call] == [
        "patch nodes node-1",
        "evict pods agents/store-sentinel-1",
        "evict pods agents/store-server-1",
    ]
    assert cluster.note() == ["cordoned node-1"]


def test_a_drain_that_no_budget_lets_go_on_is_told_with_the_pods(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    def closed(pod: str) -> None:
        if pod == "store-server-1":
            raise EvictionRefused("eviction: the budget is 0", status=429)

    cluster.api.evicting = closed
    began = cluster.clock.now
    with pytest.raises(VerificationFailed, match=r"did not let go: store-server-1\Z"):
        means.drain("node-1")
    assert cluster.clock.now - began > kubernetes_means.EVICT_SECONDS


def test_a_roll_changes_the_template_of_one_kind_and_nothing_else(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    before = cluster.things()
    means.roll(sentinel=True)
    after = cluster.things()
    changed = [key for key in after if after[key] != before[key]]
    assert changed == [(STATEFUL_SETS, "agents", "store-sentinel")]
    template = cluster.api.seen(STATEFUL_SETS, "store-sentinel", "agents")["spec"]["template"]
    assert len(template["metadata"]["annotations"]) == 1
    assert template["spec"]["containers"][0]["image"] == "valkey:1"


@pytest.mark.parametrize("kind", ["server", "sentinel"])
@pytest.mark.parametrize(
    "behind",
    [
        {"observedGeneration": 0},
        {"updateRevision": "b"},
        {"updatedReplicas": 2},
        {"readyReplicas": 2},
        {"availableReplicas": 2},
        {"availableReplicas": None},
    ],
)
def test_pods_are_rolled_once_every_one_of_both_kinds_is_new_and_available(
    cluster: Cluster, means: KubernetesMeans, kind: str, behind: dict[str, object]
) -> None:
    assert means.rolled()
    cluster.api.seen(STATEFUL_SETS, f"store-{kind}", "agents")["status"].update(behind)
    assert not means.rolled()


@pytest.mark.parametrize(
    ("status", "grace"), [(READY, ""), (UNREADY, " grace=0"), ({}, " grace=0")]
)
def test_a_volume_goes_with_its_claim_and_pod_at_once_only_where_the_node_is_gone(
    cluster: Cluster, means: KubernetesMeans, status: Object, grace: str
) -> None:
    cluster.node("node-1")["status"] = status
    means.lose_volume("store-server-1")
    assert cluster.api.calls == [
        "delete persistentvolumeclaims agents/data-store-server-1",
        f"delete pods agents/store-server-1{grace}",
    ]


def test_a_pod_that_is_gone_already_loses_its_claim(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    del cluster.api.objects[PODS, "agents", "store-server-1"]
    means.lose_volume("store-server-1")
    assert cluster.api.calls == ["delete persistentvolumeclaims agents/data-store-server-1"]


def test_a_claim_that_goes_has_no_volume_and_one_that_waits_has_none_yet(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    assert means.volume_of("store-server-1") == "volume-store-server-1"
    claim = cluster.api.seen(CLAIMS, "data-store-server-1", "agents")
    claim["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    assert means.volume_of("store-server-1") == ""
    claim["metadata"].pop("deletionTimestamp")
    del claim["spec"]["volumeName"]
    assert means.volume_of("store-server-1") == ""
    assert means.volume_of("store-server-9") == ""


def test_a_pod_is_cut_off_by_its_own_kinds_policy_alone_and_opened_again(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    before = cluster.things()
    means.cut_off("store-sentinel-1")
    policy = cluster.api.seen(NETWORK_POLICIES, "store-sentinel-traffic", "agents")
    (term,) = policy["spec"]["podSelector"]["matchExpressions"]
    assert (term["operator"], term["values"]) == ("NotIn", ["store-sentinel-1"])
    assert policy["spec"]["podSelector"]["matchLabels"] == {"kind": "sentinel"}
    means.put_back()
    assert cluster.things() == before


def test_the_dns_is_silenced_for_everybody_and_heard_again(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    before = cluster.things()
    means.silence_dns()
    ((_, namespace, name),) = {
        key for key in cluster.things() if key[0] == NETWORK_POLICIES
    } - before.keys()
    spec = cluster.api.seen(NETWORK_POLICIES, name, namespace)["spec"]
    assert namespace == "kube-system"
    assert spec["policyTypes"] == ["Ingress"]
    assert "ingress" not in spec
    means.put_back()
    assert cluster.things() == before


def test_the_dns_is_silenced_where_the_store_asks_it(cluster: Cluster) -> None:
    policy = cluster.api.seen(NETWORK_POLICIES, "store-server-traffic", "agents")
    inside = {"podSelector": {"matchLabels": {"kind": "server"}}}
    dns = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "dns"}}}
    policy["spec"]["egress"] = [{"to": [inside]}, {"to": [dns]}]
    cluster.api.denied = {"create networkpolicies.networking.k8s.io in dns"}
    assert Action.POLICY not in cluster.means().actions()
    cluster.api.denied = set()
    before = cluster.things()
    means = cluster.means()
    means.silence_dns()
    assert [key[1] for key in cluster.things() if key not in before and key[0] != CONFIG_MAPS] == [
        "dns"
    ]
    means.put_back()
    assert cluster.things() == before


def test_a_login_that_may_not_see_policies_can_still_do_the_rest(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = cluster.api.find

    def forbid(resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        if resource == NETWORK_POLICIES:
            raise Forbidden("networkpolicies is forbidden", status=403)
        return find(resource, name, namespace)

    monkeypatch.setattr(cluster.api, "find", forbid)
    cluster.api.denied = {"get networkpolicies.networking.k8s.io"}
    assert cluster.means().actions() == frozenset(Action) - {Action.POLICY, *NOT_HERE}


def test_a_node_is_given_up_only_once_the_cluster_has_noticed(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    cluster.node("node-1")["spec"]["taints"] = [{"key": "own", "effect": "NoSchedule"}]

    def noticed() -> None:
        assert [taint["key"] for taint in cluster.node("node-1")["spec"]["taints"]] == ["own"]
        cluster.node("node-1")["status"] = UNREADY

    cluster.clock.slept = noticed
    means.give_up("node-1")
    taints = cluster.node("node-1")["spec"]["taints"]
    assert [(taint["key"], taint["effect"]) for taint in taints] == [
        ("own", "NoSchedule"),
        ("node.kubernetes.io/out-of-service", "NoExecute"),
    ]


def test_a_node_that_goes_on_being_ready_is_not_given_up(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    with pytest.raises(VerificationFailed, match="in vain: node-1 is not ready"):
        means.give_up("node-1")
    assert "taints" not in cluster.node("node-1")["spec"]


def test_all_is_undone_the_last_first_and_each_thing_once(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    before = cluster.things()
    means.cut_node("node-0")
    means.heal_node("node-0")
    means.cut_node("node-0")
    means.drain("node-2")
    cluster.api.objects.update({k: v for k, v in before.items() if k[0] == PODS})
    means.switch_off("node-1")
    cluster.node("node-1")["status"] = UNREADY
    means.give_up("node-1")
    assert cluster.note() == ["cut node-0", "cut node-0", "cordoned node-2", "off node-1"]

    def booted() -> None:
        cluster.node("node-1")["status"] = READY

    cluster.clock.slept = booted
    done = len(cluster.asked())
    means.put_back()
    assert cluster.asked()[done:] == ["on node-1", "heal node-0"]
    assert cluster.things() == before
    assert cluster.note() == []


def test_a_node_that_comes_back_keeps_the_taints_that_it_had(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    cluster.node("node-1")["spec"]["taints"] = [{"key": "own", "effect": "NoSchedule"}]
    before = cluster.things()
    means.switch_off("node-1")
    cluster.node("node-1")["status"] = UNREADY
    means.give_up("node-1")
    cluster.node("node-1")["status"] = copy.deepcopy(READY)
    means.put_back()
    assert cluster.things() == before


def test_putting_back_thaws_what_is_frozen_and_removes_the_hands(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    before = cluster.things()
    means.freeze("store-server-1")
    means.put_back()
    assert any(call.endswith("id-of-store-server-1 CONT") for call in cluster.api.calls)
    assert cluster.things() == before
    assert set(states(means).values()) == {State.RUNNING}


def test_a_container_that_was_replaced_since_is_nothing_to_thaw(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    before = cluster.things()
    means.freeze("store-server-1")
    cluster.api.answers = Finished(0, b"", b"")
    means.put_back()
    assert cluster.things() == before
    assert states(means)["store-server-1"] is State.RUNNING


def test_putting_back_waits_for_every_pod_and_keeps_the_note_until_then(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    means.cut_node("node-1")
    cluster.pod("store-server-1")["status"].update(UNREADY)
    with pytest.raises(VerificationFailed, match="in vain: every pod is ready"):
        means.put_back()
    assert cluster.note() == []
    assert cluster.api.find(CONFIG_MAPS, "store-drill", "agents") is not None

    def back() -> None:
        cluster.pod("store-server-1")["status"].update(READY)

    cluster.clock.slept = back
    means.put_back()
    assert cluster.api.find(CONFIG_MAPS, "store-drill", "agents") is None
    assert cluster.asked() == ["cut node-1", "heal node-1"]


def test_what_a_drill_that_was_killed_did_is_undone_by_the_next(cluster: Cluster) -> None:
    cluster.node("node-1")["spec"]["unschedulable"] = True
    note = {"done": json.dumps(["cordoned node-1", "cut node-2"]), "renewed": ""}
    cluster.api.put(CONFIG_MAPS, {"metadata": {"name": "store-drill"}, "data": note}, "agents")
    means = cluster.means()
    assert means.left_behind() == ("cordoned node-1", "cut node-2")
    means.put_back()
    assert cluster.node("node-1")["spec"] == {}
    assert cluster.asked() == ["heal node-2"]
    assert cluster.means().left_behind() == ()


@pytest.fixture
def second(cluster: Cluster) -> Iterator[KubernetesMeans]:
    """The hands of another drill on the same store."""
    found = cluster.means()
    yield found
    found._journal.clear()


def kill(cluster: Cluster, means: KubernetesMeans) -> None:
    """End a drill's process: nobody renews its note any more, and that was a while ago."""
    means._journal._ended.set()
    note = cluster.api.seen(CONFIG_MAPS, "store-drill", "agents")
    note["data"]["renewed"] = "2026-01-02T03:04:05+00:00"


def test_hands_and_note_of_a_drill_that_runs_are_left_to_it(
    cluster: Cluster, means: KubernetesMeans, second: KubernetesMeans
) -> None:
    means.prepare(frozenset({Action.FREEZE}))
    means.freeze("store-server-1")
    before = cluster.things()
    assert second.left_behind() == ()
    # As where the far side of the second is lost before it was told that it is one too many.
    second.put_back()
    assert cluster.things() == before
    with pytest.raises(VerificationFailed, match="note of another drill"):
        second.prepare(frozenset({Action.FREEZE}))
    assert cluster.things() == before
    means.put_back()
    assert cluster.api.select(NAMESPACES) == []
    assert cluster.note() == []


def test_hands_of_a_drill_that_begins_meanwhile_are_not_taken_for_nobodys(
    cluster: Cluster,
    means: KubernetesMeans,
    second: KubernetesMeans,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = cluster.api.find

    def begin(resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        monkeypatch.setattr(cluster.api, "find", find)
        found = find(resource, name, namespace)
        means.prepare(frozenset({Action.KILL}))
        return found

    monkeypatch.setattr(cluster.api, "find", begin)
    assert second.left_behind() == ()
    assert len(cluster.api.select(NAMESPACES)) == 1


def test_hands_of_a_drill_that_was_killed_are_removed_by_the_next(
    cluster: Cluster, means: KubernetesMeans, second: KubernetesMeans
) -> None:
    before = cluster.things()
    means.prepare(frozenset({Action.FREEZE}))
    means.freeze("store-server-1")
    (namespace,) = (one["metadata"]["name"] for one in cluster.api.select(NAMESPACES))
    kill(cluster, means)
    assert second.left_behind() == (f"hands {namespace}", "frozen store-server-1")
    second.put_back()
    assert any(call.endswith("id-of-store-server-1 CONT") for call in cluster.api.calls)
    assert second.left_behind() == ()
    assert cluster.things() == before


def test_hands_whose_note_is_lost_are_removed_by_the_next(
    cluster: Cluster, means: KubernetesMeans, second: KubernetesMeans
) -> None:
    before = cluster.things()
    means.prepare(frozenset({Action.KILL}))
    kill(cluster, means)
    cluster.api.delete(CONFIG_MAPS, "store-drill", "agents")
    (found,) = second.left_behind()
    assert found.startswith("hands holdfast-drill-")
    second.put_back()
    assert cluster.things() == before


def test_a_login_that_may_make_no_hands_looks_for_none(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(*_: object, **__: object) -> list[Object]:
        raise Forbidden("namespaces is forbidden", status=403)

    cluster.api.denied = {"list namespaces"}
    monkeypatch.setattr(cluster.api, "select", forbid)
    assert cluster.means().left_behind() == ()


def test_what_cannot_be_undone_keeps_nothing_else_from_it_and_stays_noted(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    before = cluster.things()
    means.prepare(frozenset({Action.FREEZE}))
    means.silence_dns()
    means.cut_off("store-sentinel-1")
    means.freeze("store-server-1")
    means.cut_node("node-2")
    cluster.command.write_text("#!/bin/sh\necho no such switch >&2\nexit 1\n")
    container = "id-of-store-server-1 CONT"
    (namespace,) = (one["metadata"]["name"] for one in cluster.api.select(NAMESPACES))
    lost = ClusterUnavailable("no answer")
    cluster.api.failing = {f"run pods {namespace}/hand-node-1 hand {container}": lost}
    with pytest.raises(VerificationFailed) as caught:
        means.put_back()
    assert "cut node-2 (" in str(caught.value)
    assert "no such switch" in str(caught.value)
    assert "frozen store-server-1 (no answer)" in str(caught.value)
    assert "silenced" not in str(caught.value)
    assert cluster.note() == ["frozen store-server-1", "cut node-2"]
    left = {key: body for key, body in cluster.things().items() if key[0] != CONFIG_MAPS}
    assert left == before

    cluster.command.write_text("#!/bin/sh\n")
    cluster.api.failing = {}
    means.put_back()
    assert cluster.things() == before


def test_a_pod_is_another_one_when_its_uid_is(cluster: Cluster, means: KubernetesMeans) -> None:
    assert len(means.uids()) == 6
    assert means.uids()["store-server-1"] == "uid-of-store-server-1"
    del cluster.api.objects[PODS, "agents", "store-server-1"]
    assert "store-server-1" not in means.uids()


def test_a_nodes_command_that_fails_is_told_with_what_it_said(
    cluster: Cluster, means: KubernetesMeans
) -> None:
    cluster.command.write_text("#!/bin/sh\necho no such switch >&2\nexit 1\n")
    with pytest.raises(VerificationFailed, match="cut node-1: no such switch"):
        means.cut_node("node-1")
    # It may have done half of it.
    assert cluster.note() == ["cut node-1"]


def test_without_a_command_for_nodes_the_option_is_named(cluster: Cluster) -> None:
    with pytest.raises(ConfigError, match="--node-command"):
        cluster.means(nodes=False).heal_node("node-1")


def test_the_connection_is_read_again_each_time(cluster: Cluster) -> None:
    stores = iter([connection(), connection(())])
    means = KubernetesMeans(cluster.api, STORE, (), lambda: next(stores))
    assert means.connection().users
    assert not means.connection().users
