"""The pods that signal processes: where they are made, what they are asked, that they go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.cluster import waiting
from holdfast.cluster.errors import Forbidden
from holdfast.cluster.exec_stream import Finished
from holdfast.cluster.resources import CONFIG_MAPS, NAMESPACES, PODS, Object
from holdfast.errors import HoldfastError, VerificationFailed
from holdfast.verify.drills.cluster_journal import ClusterJournal
from holdfast.verify.drills.node_hand import NodeHands, Signal
from tests.unit.cluster.fake_api import FakeApi
from tests.unit.verify.drills.clock import Clock

CONTAINER = "0123456789abcdef"


def starting(api: FakeApi) -> FakeApi:
    """Every pod runs as soon as it is made."""

    def started(body: Object) -> None:
        body["status"] = {"phase": "Running"}

    api.created = started
    api.answers = Finished(0, b"4711\n", b"")
    return api


@pytest.fixture
def api() -> FakeApi:
    return starting(FakeApi())


@pytest.fixture
def journal(api: FakeApi) -> Iterator[ClusterJournal]:
    found = ClusterJournal(api, "agents", "store-drill")
    yield found
    found.clear()  # its thread ends with it


@pytest.fixture
def hands(api: FakeApi, journal: ClusterJournal) -> NodeHands:
    return NodeHands(api, "valkey:1", "agents.store", journal)


@pytest.fixture
def others(api: FakeApi) -> Iterator[NodeHands]:
    """Those of another store."""
    note = ClusterJournal(api, "agents", "store-2-drill")
    yield NodeHands(api, "valkey:1", "agents.store-2", note)
    note.clear()


def made(api: FakeApi) -> list[str]:
    """Names of the pods that are there."""
    return sorted(name for kind, _, name in api.objects if kind == PODS)


def namespaces(api: FakeApi) -> list[str]:
    return [one["metadata"]["name"] for one in api.select(NAMESPACES)]


def test_each_node_gets_one_hand_however_often_it_is_prepared(
    api: FakeApi, hands: NodeHands
) -> None:
    hands.prepare(frozenset({"node-0", "node-1"}))
    hands.prepare(frozenset({"node-1", "node-2"}))
    assert made(api) == ["hand-node-0", "hand-node-1", "hand-node-2"]
    assert len(namespaces(api)) == 1
    assert sum(call.startswith("create pods") for call in api.calls) == 3


def test_nothing_is_made_for_no_node(api: FakeApi, hands: NodeHands) -> None:
    hands.prepare(frozenset())
    assert api.calls == []


def test_a_hand_runs_on_its_node_though_that_is_closed_and_sees_its_processes(
    api: FakeApi, hands: NodeHands
) -> None:
    hands.prepare(frozenset({"node-1"}))
    (namespace,) = namespaces(api)
    spec = api.seen(PODS, "hand-node-1", namespace)["spec"]
    assert spec["nodeName"] == "node-1"
    assert spec["hostPID"] is True
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["containers"][0]["image"] == "valkey:1"
    assert spec["containers"][0]["securityContext"]["privileged"] is True
    labels = api.seen(NAMESPACES, namespace)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"


def test_a_hand_that_is_forgotten_ends_by_itself(api: FakeApi, hands: NodeHands) -> None:
    hands.prepare(frozenset({"node-1"}))
    (namespace,) = namespaces(api)
    spec = api.seen(PODS, "hand-node-1", namespace)["spec"]
    assert 0 < spec["activeDeadlineSeconds"] <= 3600
    assert spec["restartPolicy"] == "Never"


@pytest.mark.parametrize("signal", list(Signal))
def test_a_signal_goes_to_the_container_on_its_own_node(
    api: FakeApi, hands: NodeHands, signal: Signal
) -> None:
    hands.prepare(frozenset({"node-0", "node-1"}))
    hands.send(signal, "node-1", CONTAINER)
    (namespace,) = namespaces(api)
    assert api.calls[-1] == f"run pods {namespace}/hand-node-1 hand {CONTAINER} {signal}"


def test_a_signal_makes_the_hand_that_it_needs(api: FakeApi, hands: NodeHands) -> None:
    hands.send(Signal.KILL, "node-3", CONTAINER)
    assert made(api) == ["hand-node-3"]


def test_a_signal_that_reached_no_server_is_a_failure(api: FakeApi, hands: NodeHands) -> None:
    api.answers = Finished(0, b" \n", b"kill: no such process\n")
    with pytest.raises(VerificationFailed, match=r"0123456789ab on node-1 .*no such process"):
        hands.send(Signal.STOP, "node-1", CONTAINER)


def test_a_node_that_was_off_gets_a_new_hand(api: FakeApi, hands: NodeHands) -> None:
    hands.prepare(frozenset({"node-0", "node-1"}))
    hands.forget("node-1")
    assert made(api) == ["hand-node-0"]
    assert api.calls[-1].endswith("hand-node-1 grace=0")
    hands.send(Signal.CONT, "node-1", CONTAINER)
    assert made(api) == ["hand-node-0", "hand-node-1"]


def test_a_node_without_a_hand_is_nothing_to_forget(api: FakeApi, hands: NodeHands) -> None:
    hands.forget("node-1")
    assert api.calls == []


def test_hands_are_noted_before_they_are_made(
    api: FakeApi, hands: NodeHands, journal: ClusterJournal
) -> None:
    hands.prepare(frozenset({"node-0"}))
    (namespace,) = namespaces(api)
    assert journal.entries == (f"hands {namespace}",)
    calls = [call.partition(" agents/")[0] for call in api.calls]
    assert calls.index("patch configmaps") < calls.index(f"create namespaces {namespace}")


def test_hands_that_are_removed_are_made_anew_when_they_are_needed_again(
    api: FakeApi, hands: NodeHands
) -> None:
    hands.prepare(frozenset({"node-0"}))
    (first,) = namespaces(api)
    hands.remove(first)
    assert [kind for kind, _, _ in api.objects] == [CONFIG_MAPS]
    hands.send(Signal.KILL, "node-0", CONTAINER)
    (second,) = namespaces(api)
    assert second != first
    assert made(api) == ["hand-node-0"]


def test_no_namespace_is_removed_but_those_with_hands_of_this_store(
    api: FakeApi, hands: NodeHands, others: NodeHands
) -> None:
    others.prepare(frozenset({"node-0"}))
    api.put(NAMESPACES, {"metadata": {"name": "kube-system"}})
    before = namespaces(api)
    for namespace in before:
        hands.remove(namespace)
    assert namespaces(api) == before
    assert made(api) == ["hand-node-0"]


def test_hands_are_there_whoever_made_them_until_they_go(
    api: FakeApi, hands: NodeHands, others: NodeHands
) -> None:
    hands.prepare(frozenset({"node-0"}))
    (namespace,) = namespaces(api)
    next_one = NodeHands(api, "valkey:1", "agents.store", ClusterJournal(api, "agents", "x"))
    assert hands.there() == next_one.there() == (namespace,)
    assert others.there() == ()
    api.seen(NAMESPACES, namespace)["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    assert next_one.there() == ()


def test_hands_that_do_not_start_are_a_failure_and_do_not_stay(
    api: FakeApi, hands: NodeHands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "time", Clock())
    api.created = lambda _: None
    with pytest.raises(HoldfastError, match="signal processes runs on node-0"):
        hands.prepare(frozenset({"node-0"}))
    assert [kind for kind, _, _ in api.objects] == [CONFIG_MAPS]


def test_hands_that_are_refused_do_not_leave_their_namespace(
    api: FakeApi, hands: NodeHands
) -> None:
    def refuse(body: Object) -> None:
        if body["kind"] == "Pod":
            raise Forbidden("pods is forbidden", status=403)

    api.created = refuse
    with pytest.raises(Forbidden):
        hands.prepare(frozenset({"node-0"}))
    assert namespaces(api) == []
