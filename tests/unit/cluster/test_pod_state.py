from __future__ import annotations

from typing import Any

import pytest

from holdfast.cluster.pod_state import describe, describe_events, running, trouble, unscheduled


def _pod(*states: dict[str, Any], phase: str = "Pending", **status: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "metadata": {"name": "p"},
        "spec": {"containers": [{}], "nodeName": "node-0"},
        "status": {
            "phase": phase,
            "containerStatuses": [
                {"state": state, "ready": "running" in state, "restartCount": 2} for state in states
            ],
            **status,
        },
    }


def _waiting(reason: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": "what the node says"}}


@pytest.mark.parametrize(
    "reason", ["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"]
)
def test_an_image_that_cannot_be_had_is_seen_at_once(reason: str) -> None:
    found = trouble(_pod(_waiting(reason)))
    assert found is not None
    assert (found.image, found.reason, found.message) == (True, reason, "what the node says")


def test_a_container_that_cannot_start_is_seen_and_is_not_the_images_fault() -> None:
    found = trouble(_pod(_waiting("CreateContainerConfigError")))
    assert found is not None
    assert not found.image


@pytest.mark.parametrize("state", [_waiting("ContainerCreating"), {}, {"running": {}}])
def test_a_pod_that_may_yet_run_is_in_no_trouble(state: dict[str, Any]) -> None:
    assert trouble(_pod(state)) is None


def test_a_container_that_ended_is_told_with_its_code() -> None:
    found = trouble(_pod({"terminated": {"reason": "OOMKilled", "exitCode": 137}}))
    assert found is not None
    assert found.reason == "OOMKilled"
    assert "137" in found.message


def test_a_pod_runs_when_its_containers_do_and_it_is_not_on_its_way_out() -> None:
    pod = _pod({"running": {}}, phase="Running")
    assert running(pod)
    pod["metadata"]["deletionTimestamp"] = "now"
    assert not running(pod)
    assert not running(_pod(phase="Running"))


def test_a_pod_that_no_node_takes_says_why() -> None:
    pod = _pod(
        conditions=[{"type": "PodScheduled", "status": "False", "message": "0/3 nodes available"}]
    )
    assert unscheduled(pod) == "0/3 nodes available"
    assert "0/3 nodes available" in describe(pod)


def test_a_pod_is_described_in_one_line() -> None:
    pod = _pod({"running": {}}, phase="Running")
    assert describe(pod) == "p  Running  1/1 ready  on node-0  2 restarts"


def test_events_are_a_line_each_with_warnings_marked() -> None:
    lines = describe_events(
        [
            {"type": "Normal", "reason": "Pulled", "message": "there"},
            {"type": "Warning", "reason": "Unhealthy", "message": "no\nanswer\n", "count": 3},
        ]
    )
    assert lines == ["  Pulled: there", "! Unhealthy: no answer (x3)"]
