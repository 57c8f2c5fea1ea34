"""The pods that signal processes: where they are made, what they are asked, that they go."""

from __future__ import annotations

import pytest

from holdfast.cluster import waiting
from holdfast.cluster.errors import Forbidden
from holdfast.cluster.exec_stream import Finished
from holdfast.cluster.resources import NAMESPACES, PODS, Object
from holdfast.errors import HoldfastError, VerificationFailed
from holdfast.verify.drills.node_hand import LABEL, NodeHands, Signal
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
def hands(api: FakeApi) -> NodeHands:
    return NodeHands(api, "valkey:1", "agents.store")


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


def test_closing_removes_all_hands_of_the_store_and_none_of_another(
    api: FakeApi, hands: NodeHands
) -> None:
    other = NodeHands(api, "valkey:1", "agents.store-2")
    killed = NodeHands(api, "valkey:1", "agents.store")
    for one in (other, killed, hands):
        one.prepare(frozenset({"node-0"}))
    hands.close()
    (left,) = api.select(NAMESPACES)
    assert left["metadata"]["labels"][LABEL] == "agents.store-2"
    assert made(api) == ["hand-node-0"]
    hands.send(Signal.KILL, "node-0", CONTAINER)
    assert len(namespaces(api)) == 2


def test_only_hands_that_somebody_else_made_are_left_behind(api: FakeApi, hands: NodeHands) -> None:
    hands.prepare(frozenset({"node-0"}))
    assert not hands.left()
    next_one = NodeHands(api, "valkey:1", "agents.store")
    assert next_one.left()
    assert not NodeHands(api, "valkey:1", "agents.store-2").left()
    (namespace,) = namespaces(api)
    api.seen(NAMESPACES, namespace)["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    assert not next_one.left()


def test_hands_that_do_not_start_are_a_failure_and_do_not_stay(
    api: FakeApi, hands: NodeHands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "time", Clock())
    api.created = lambda _: None
    with pytest.raises(HoldfastError, match="signal processes runs on node-0"):
        hands.prepare(frozenset({"node-0"}))
    assert api.objects == {}


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
