"""When objects count as ready: the table of each kind, over objects as the server has them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.standin.kubernetes.awaits import await_of, skips_deletion
from tests.standin.kubernetes.awaits.services import service
from tests.standin.kubernetes.awaits.storage import claim, volume
from tests.standin.kubernetes.awaits.workloads import (
    daemon_set,
    deployment,
    job,
    pod,
    stateful_set,
)
from tests.standin.kubernetes.objects import Kind, Object


def a_set(generation: int = 1, strategy: str = "RollingUpdate", **status: object) -> Object:
    whole = {
        "observedGeneration": generation,
        "replicas": 3,
        "readyReplicas": 3,
        "currentReplicas": 3,
        "currentRevision": "r1",
        "updateRevision": "r1",
        **status,
    }
    return {
        "metadata": {"name": "set", "namespace": "n", "generation": generation},
        "spec": {"replicas": 3, "updateStrategy": {"type": strategy}},
        "status": {key: value for key, value in whole.items() if value is not None},
    }


def a_pod(**status: object) -> Object:
    return {"metadata": {"name": "set-0", "namespace": "n"}, "status": status}


def test_a_set_is_ready_when_all_replicas_are_and_all_are_of_one_revision() -> None:
    assert stateful_set(a_set(), ()).done


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ({"readyReplicas": 2}, "2 out of 3 replicas succeeded readiness checks"),
        ({"replicas": 2}, "replicas succeeded readiness checks"),
        ({"currentReplicas": None}, "replicas succeeded readiness checks"),
        ({"updateRevision": "r2", "updatedReplicas": 1}, 'revision "r1" to revision "r2"'),
        ({"currentRevision": None}, "failed to advance"),
    ],
)
def test_a_set_is_not_ready_while_anything_of_it_is_missing(
    status: dict[str, Any], problem: str
) -> None:
    found = stateful_set(a_set(**status), ())
    assert not found.done
    assert problem in " ".join(found.problems)


def test_a_status_from_before_the_change_counts_for_nothing() -> None:
    stale = a_set(generation=2, observedGeneration=1)
    assert not stateful_set(stale, ()).done
    assert stateful_set(a_set(generation=2), ()).done


def test_a_set_that_a_person_rolls_is_ready_by_its_number_of_pods() -> None:
    rolled = a_set(generation=2, strategy="OnDelete", updateRevision="r2", currentReplicas=None)
    assert stateful_set(rolled, ()).done
    assert not stateful_set({**rolled, "status": {**rolled["status"], "readyReplicas": 2}}, ()).done


def test_pods_of_the_old_revision_do_not_count_as_progress_of_a_roll() -> None:
    rolling = a_set(generation=2, updateRevision="r2", currentReplicas=2, updatedReplicas=1)
    assert "(1/3 Pods ready)" in stateful_set(rolling, ()).status


def test_what_is_wrong_with_pods_is_told() -> None:
    pods = [
        a_pod(
            conditions=[
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                 "message": "0/3 nodes are available"}
            ]
        ),
        a_pod(
            containerStatuses=[
                {"name": "c", "state": {"waiting": {"reason": "ImagePullBackOff",
                                                    "message": "no such image"}}},
                {"name": "d", "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                 "lastState": {"terminated": {"exitCode": 7, "reason": "Error"}}},
                {"name": "e", "state": {"waiting": {"reason": "ContainerCreating"}}},
            ]
        ),
    ]  # fmt: skip
    text = "\n".join(stateful_set(a_set(readyReplicas=0), pods).problems)
    assert "[Pod n/set-0]: Unschedulable: 0/3 nodes are available" in text
    assert "container c: ImagePullBackOff: no such image" in text
    assert "container d: CrashLoopBackOff\n" in text
    assert "container d: Error: ended with exit code 7" in text
    assert "ContainerCreating" not in text


def conditions(**held: tuple[str, str]) -> list[Object]:
    return [
        {"type": name, "status": status, "reason": reason, "message": f"{name} says so"}
        for name, (status, reason) in held.items()
    ]


def a_deployment(progressing: tuple[str, str], **status: object) -> Object:
    return {
        "metadata": {"name": "d", "generation": 1},
        "spec": {"replicas": 2},
        "status": {
            "observedGeneration": 1,
            "replicas": 2,
            "updatedReplicas": 2,
            "readyReplicas": 2,
            "conditions": conditions(
                Available=("True", "MinimumReplicasAvailable"), Progressing=progressing
            ),
            **status,
        },
    }


def test_a_deployment_is_ready_when_its_new_replica_set_is() -> None:
    available = ("True", "NewReplicaSetAvailable")
    assert deployment(a_deployment(available), ()).done
    assert not deployment(a_deployment(available, observedGeneration=0), ()).done
    assert not deployment(a_deployment(available, updatedReplicas=1), ()).done
    assert not deployment(a_deployment(("True", "ReplicaSetUpdated")), ()).done
    late = deployment(a_deployment(("False", "ProgressDeadlineExceeded")), ())
    assert "[ProgressDeadlineExceeded] Progressing says so" in late.problems


def test_a_daemon_set_is_ready_when_every_node_has_the_new_pod() -> None:
    status = {
        "observedGeneration": 1,
        "desiredNumberScheduled": 3,
        "numberAvailable": 3,
        "updatedNumberScheduled": 3,
    }
    item: Object = {"metadata": {"generation": 1}, "spec": {}, "status": status}
    assert daemon_set(item, ()).done
    assert not daemon_set({**item, "status": {**status, "numberAvailable": 2}}, ()).done
    assert not daemon_set({**item, "status": {**status, "updatedNumberScheduled": 2}}, ()).done


def test_a_job_is_ready_when_it_is_complete_and_over_when_it_failed() -> None:
    started = {"startTime": "2026-01-01T00:00:00Z"}
    complete = conditions(Complete=("True", ""))
    assert job({"status": {**started, "conditions": complete}}, ()).done
    assert not job({"status": {"conditions": complete}}, ()).done
    running = job({"status": started}, ())
    assert not running.done
    assert not running.failed
    lost = job({"status": {"conditions": conditions(Failed=("True", "BackoffLimitExceeded"))}}, ())
    assert lost.failed
    assert lost.problems == ("[BackoffLimitExceeded] Failed says so",)


def test_a_pod_is_ready_when_it_says_so_or_is_over_and_successful() -> None:
    assert pod(a_pod(phase="Running", conditions=conditions(Ready=("True", ""))), ()).done
    assert pod(a_pod(phase="Succeeded"), ()).done
    assert not pod(a_pod(phase="Running", conditions=conditions(Ready=("False", ""))), ()).done
    assert not pod(a_pod(phase="Failed"), ()).done


ENDPOINTS: Object = {"subsets": [{"addresses": [{"ip": "192.0.2.1"}]}]}


@pytest.mark.parametrize(
    ("spec", "endpoints", "done"),
    [
        ({"type": "ClusterIP"}, [ENDPOINTS], True),
        ({"type": "ClusterIP"}, [{}], False),
        ({"type": "ClusterIP"}, [], False),
        ({}, [], False),
        ({"type": "ClusterIP", "clusterIP": "None"}, [], True),
        ({"type": "ExternalName"}, [], True),
        ({"type": "LoadBalancer"}, [ENDPOINTS], False),
    ],
)
def test_a_service_is_ready_when_it_leads_to_pods(
    spec: Object, endpoints: list[Object], done: bool
) -> None:
    assert service({"spec": spec, "status": {}}, endpoints).done is done


def test_a_load_balancer_needs_an_address_besides() -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}
    assert service({"spec": {"type": "LoadBalancer"}, "status": status}, [ENDPOINTS]).done


def test_pods_of_a_service_have_time_to_come() -> None:
    assert service({"spec": {}}, [ENDPOINTS]).settle_seconds == 10


LATE: Object = {"volumeBindingMode": "WaitForFirstConsumer"}
AT_ONCE: Object = {"volumeBindingMode": "Immediate"}


@pytest.mark.parametrize(
    ("phase", "classes", "done"),
    [
        ("Bound", [AT_ONCE], True),
        ("Pending", [AT_ONCE], False),
        ("Pending", [LATE], True),
        # The official plugin waits for this in vain; see its issue 4179.
        ("Bound", [LATE], False),
        # An update does not ask for the class.
        ("Bound", [], True),
        ("Pending", [], False),
    ],
)
def test_a_claim_is_ready_when_it_is_bound_or_waits_for_its_first_pod(
    phase: str, classes: list[Object], done: bool
) -> None:
    assert claim({"status": {"phase": phase}}, classes).done is done


def test_a_volume_is_ready_when_it_can_be_had_or_was() -> None:
    assert volume({"status": {"phase": "Available"}}, ()).done
    assert volume({"status": {"phase": "Bound"}}, ()).done
    assert not volume({"status": {"phase": "Released"}}, ()).done


def test_kinds_without_a_rule_are_ready_at_once() -> None:
    assert await_of(Kind("", "v1", "ConfigMap")) is None
    assert await_of(Kind("policy", "v1", "PodDisruptionBudget")) is None
    assert await_of(Kind("apps", "v1", "StatefulSet")) is not None


def test_some_kinds_are_not_waited_for_when_they_go_if_they_were_not_when_they_came() -> None:
    assert skips_deletion(Kind("apps", "v1", "StatefulSet"))
    assert not skips_deletion(Kind("", "v1", "Service"))
