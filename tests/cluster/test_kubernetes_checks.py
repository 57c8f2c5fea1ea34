"""What the program finds out about a real cluster before it makes anything."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.cluster_facts import ClusterFacts, look_at, open_cluster
from components.cluster_rights import needed_rights
from components.cluster_rules import check_cluster
from components.kubernetes_args import SentinelSessionStoreArgs
from components.kubernetes_spec import KubernetesSpec
from holdfast.errors import ConfigError
from tests.cluster.rig.cluster import Cluster


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    name = f"hf-checks-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def spec(namespace: str, **changes: object) -> KubernetesSpec:
    args: SentinelSessionStoreArgs = {"namespace": namespace}
    return KubernetesSpec.from_args(
        "chat",
        {**args, **changes},  # type: ignore[typeddict-item]  # the test says what it changes
    )


def facts(kubeconfig: Path, wanted: KubernetesSpec) -> ClusterFacts:
    api = open_cluster(kubeconfig, None)
    try:
        return look_at(api, wanted)
    finally:
        api.close()


def restricted(cluster: Cluster, namespace: str, folder: Path, *rules: dict[str, object]) -> Path:
    """The kubeconfig of a service account that may do what the rules say, in the namespace."""
    name = f"account-{secrets.token_hex(4)}"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    metadata = {"name": name, "namespace": namespace}
    objects = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": list(rules),
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "subjects": [subject],
            "roleRef": role,
        },
    ]
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    cluster.kubectl("apply", "-f", "-", stdin=document)
    token = cluster.kubectl("-n", namespace, "create", "token", name).strip()
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    current = next(c for c in config["contexts"] if c["name"] == config["current-context"])
    current["context"]["user"] = name
    config["users"] = [{"name": name, "user": {"token": token}}]
    path = folder / name
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    return path


def test_a_cluster_with_everything_is_taken(cluster: Cluster, namespace: str) -> None:
    wanted = spec(namespace)
    found = facts(cluster.kubeconfig, wanted)
    check_cluster(wanted, found)
    assert found.cluster_id
    assert found.classes
    assert (found.missing, found.claims, found.owners) == ((), {}, {})


def test_what_is_not_there_is_refused(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(ConfigError, match="kubectl create namespace hf-nowhere"):
        check_cluster(wanted := spec("hf-nowhere"), facts(cluster.kubeconfig, wanted))
    wanted = spec(namespace, storage_class="hf-none")
    with pytest.raises(ConfigError, match="storage_class: got 'hf-none'"):
        check_cluster(wanted, facts(cluster.kubeconfig, wanted))
    wanted = spec(namespace, create_namespace=True, owner="holdfast/test")
    with pytest.raises(ConfigError, match="would be deleted with the stack"):
        check_cluster(wanted, facts(cluster.kubeconfig, wanted))


def test_a_login_that_may_not_do_it_is_told_verb_and_resource(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    path = restricted(
        cluster, namespace, tmp_path, {"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}
    )
    wanted = spec(namespace)
    found = facts(path, wanted)
    assert "create statefulsets.apps" in found.missing
    assert not any(right.endswith((" secrets", " services")) for right in found.missing)
    with pytest.raises(ConfigError, match=r"create statefulsets\.apps") as caught:
        check_cluster(wanted, found)
    assert str(caught.value.value).startswith(f"system:serviceaccount:{namespace}:")


def test_the_rights_that_are_asked_for_are_enough_to_pass(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    wanted = spec(namespace)
    rules: list[dict[str, object]] = [
        {
            "apiGroups": [right.resource.group],
            "resources": [right.resource.plural],
            "verbs": [right.verb],
        }
        for right in needed_rights(wanted)
    ]
    found = facts(restricted(cluster, namespace, tmp_path, *rules), wanted)
    assert found.missing == ()
    # It sees neither classes nor nodes, and nothing is held against the cluster for that.
    assert (found.classes, found.zones, found.cluster_id) == (None, None, None)
    check_cluster(wanted, found)


def test_a_store_of_another_stack_keeps_its_name(cluster: Cluster, namespace: str) -> None:
    labels = {"app": "foreign"}
    document = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            "name": "chat-server",
            "namespace": namespace,
            "annotations": {"holdfast-stack": "holdfast/other"},
        },
        "spec": {
            "replicas": 0,
            "serviceName": "none",
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "none:0"}]},
            },
        },
    }
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(document))
    try:
        wanted = spec(namespace, owner="holdfast/test")
        with pytest.raises(ConfigError, match="belongs to holdfast/other"):
            check_cluster(wanted, facts(cluster.kubeconfig, wanted))
        other = spec(namespace, owner="holdfast/test", store="chat2")
        check_cluster(other, facts(cluster.kubeconfig, other))
    finally:
        cluster.kubectl("-n", namespace, "delete", "statefulset", "chat-server")
