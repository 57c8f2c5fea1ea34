from __future__ import annotations

import pytest

from holdfast.errors import ConfigError
from tests.standin.kubernetes.objects import Kind, TypeToken, identity, parse_identity


@pytest.mark.parametrize(
    ("token", "kind", "is_patch"),
    [
        ("kubernetes:core/v1:Service", Kind("", "v1", "Service"), False),
        ("kubernetes:apps/v1:StatefulSet", Kind("apps", "v1", "StatefulSet"), False),
        (
            "kubernetes:networking.k8s.io/v1:NetworkPolicy",
            Kind("networking.k8s.io", "v1", "NetworkPolicy"),
            False,
        ),
        (
            "kubernetes:core/v1:PersistentVolumeClaimPatch",
            Kind("", "v1", "PersistentVolumeClaim"),
            True,
        ),
    ],
)
def test_a_type_token_names_a_kind(token: str, kind: Kind, is_patch: bool) -> None:
    assert TypeToken.parse(token) == TypeToken(kind, is_patch)


@pytest.mark.parametrize(
    "token", ["kubernetes:helm.sh/v3:Release", "kubernetes:yaml:ConfigFile", "aws:s3/v1:Bucket"]
)
def test_other_resources_of_the_official_plugin_are_refused(token: str) -> None:
    with pytest.raises(ConfigError, match="stand-in"):
        TypeToken.parse(token)


def test_an_id_is_the_namespace_and_the_name() -> None:
    item = {"metadata": {"name": "a", "namespace": "n"}}
    assert identity(item) == "n/a"
    assert parse_identity("n/a") == ("n", "a")
    assert identity({"metadata": {"name": "a"}}) == "a"
    assert parse_identity("a") == ("", "a")


def test_an_object_says_what_it_is() -> None:
    assert Kind.of({"apiVersion": "v1", "kind": "Pod"}) == Kind("", "v1", "Pod")
    assert str(Kind.of({"apiVersion": "apps/v1", "kind": "Deployment"})) == "apps/v1/Deployment"
