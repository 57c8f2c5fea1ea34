from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.standin.kubernetes.cluster import Options
from tests.standin.kubernetes.errors import ClusterUnreachable
from tests.standin.kubernetes.kubeconfig import address, load
from tests.standin.kubernetes.package import KubernetesPackage


def document(server: str = "https://192.0.2.1:6443", **context: object) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "one",
            "clusters": [
                {"name": "c", "cluster": {"server": server}},
                {"name": "d", "cluster": {"server": "https://192.0.2.2:6443"}},
            ],
            "users": [{"name": "u", "user": {"token": "a-token-of-somebody"}}],
            "contexts": [
                {"name": "one", "context": {"cluster": "c", "user": "u", **context}},
                {"name": "two", "context": {"cluster": "d", "user": "u", "namespace": "second"}},
            ],
        }
    )


def test_a_path_and_its_contents_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(document())
    for given in (str(path), document()):
        access = load({"kubeconfig": given})
        assert access.client.configuration.host == "https://192.0.2.1:6443"
        assert access.namespace == "default"


def test_without_one_the_usual_place_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config"
    path.write_text(document())
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'none'}:{path}")
    assert load({}).client.configuration.host == "https://192.0.2.1:6443"


def test_context_cluster_and_namespace_can_be_chosen() -> None:
    given = document(namespace="first")
    assert load({"kubeconfig": given}).namespace == "first"
    second = load({"kubeconfig": given, "context": "two"})
    assert (second.client.configuration.host, second.namespace) == (
        "https://192.0.2.2:6443",
        "second",
    )
    assert load({"kubeconfig": given, "namespace": "third"}).namespace == "third"
    other = load({"kubeconfig": given, "cluster": "d"})
    assert other.client.configuration.host == "https://192.0.2.2:6443"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"kubeconfig": "/none/such"}, "neither the path of a file that is there"),
        ({"kubeconfig": document(), "context": "none"}, 'context "none" does not exist'),
        ({"kubeconfig": document(cluster="none")}, "none"),
        ({"kubeconfig": "a: b: [a-token-of-somebody"}, "failed to parse kubeconfig"),
    ],
)
def test_one_that_cannot_be_used_says_why_and_shows_no_secret(
    config: dict[str, Any], told: str
) -> None:
    with pytest.raises(ClusterUnreachable, match=told) as error:
        load(config)
    assert "a-token-of-somebody" not in str(error.value)


def test_options_come_from_the_configuration_else_from_the_environment() -> None:
    environment = {"PULUMI_K8S_ENABLE_SECRET_MUTABLE": "true"}
    assert Options.read({}, environment).mutable_secrets
    assert not Options.read({"enableSecretMutable": "false"}, environment).mutable_secrets
    assert not Options.read({}, {}).mutable_secrets
    assert Options.read({"upsertExistingObjects": True}, {}).upsert


def test_another_cluster_replaces_everything_and_another_way_to_it_nothing() -> None:
    package = KubernetesPackage("1.0.0")
    one, two = {"kubeconfig": document()}, {"kubeconfig": document(server="https://192.0.2.3")}
    assert address(one) == "https://192.0.2.1:6443"
    assert package.replaced_settings(one, two) == ("kubeconfig",)
    assert package.replaced_settings(one, {**one, "namespace": "x"}) == ()
    same = package.replaced_settings(
        {**one, "clusterIdentifier": "a"}, {**two, "clusterIdentifier": "a"}
    )
    assert same == ()
    other = package.replaced_settings(
        {**one, "clusterIdentifier": "a"}, {**one, "clusterIdentifier": "b"}
    )
    assert other == ("clusterIdentifier",)
