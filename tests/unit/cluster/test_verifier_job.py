from __future__ import annotations

import json

import pytest

from holdfast.cluster.store import StoreName
from holdfast.cluster.verifier_job import ACCESS_LABEL, VerifierSpec, default_image, verifier_job
from holdfast.errors import ConfigError
from k8s.names import ACCESS_LABEL as OPENED_BY_POLICIES

_STORE = StoreName("store", "agents", "svc.cluster.local")


def _spec(pull_secrets: tuple[str, ...] = (), avoid_nodes: tuple[str, ...] = ()) -> VerifierSpec:
    return VerifierSpec(
        _STORE, "holdfast-verify-1", "registry.example/verify:1", pull_secrets, avoid_nodes
    )


def test_the_pod_carries_the_label_that_the_stores_policies_let_in() -> None:
    job = verifier_job(_spec())
    assert ACCESS_LABEL == OPENED_BY_POLICIES
    assert job["spec"]["template"]["metadata"]["labels"][ACCESS_LABEL] == "store"


def test_the_pod_keeps_to_pod_security_restricted() -> None:
    pod = verifier_job(_spec())["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert set(container["resources"]) == {"requests", "limits"}


def test_nothing_outlives_a_caller_that_was_killed() -> None:
    spec = verifier_job(_spec())["spec"]
    assert spec["activeDeadlineSeconds"] > 0
    assert spec["ttlSecondsAfterFinished"] >= 0
    assert spec["backoffLimit"] == 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_the_job_says_nothing_of_the_store_but_its_name() -> None:
    """The Connection goes over the channel: not into an object, its arguments or environment."""
    job = verifier_job(_spec())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "holdfast.cluster.idle"]
    assert [entry["name"] for entry in container["env"]] == ["PYTHONUNBUFFERED"]
    assert "password" not in json.dumps(job).lower()


def test_pull_secrets_and_nodes_to_avoid_are_in_it_when_given() -> None:
    bare = verifier_job(_spec())["spec"]["template"]["spec"]
    assert not {"imagePullSecrets", "affinity"} & set(bare)
    pod = verifier_job(_spec(pull_secrets=("a",), avoid_nodes=("node-1",)))["spec"]["template"]
    assert pod["spec"]["imagePullSecrets"] == [{"name": "a"}]
    assert '"NotIn", "values": ["node-1"]' in json.dumps(pod["spec"]["affinity"])


@pytest.mark.parametrize("image", ["", "a b"])
def test_an_image_without_a_name_is_refused(image: str) -> None:
    with pytest.raises(ConfigError, match="--image"):
        VerifierSpec(_STORE, "x", image)


def test_the_default_image_is_of_this_version() -> None:
    assert default_image().startswith("holdfast/verify:")
