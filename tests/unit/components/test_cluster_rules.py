from __future__ import annotations

import pytest

from components.cluster_facts import ClusterFacts, StorageClass
from components.cluster_rules import advice, check_cluster, check_growth
from components.kubernetes_args import SentinelSessionStoreArgs
from components.kubernetes_spec import KubernetesSpec
from config.kubernetes_settings import Issuer
from config.schema import Preset
from holdfast.errors import ConfigError
from k8s.claims import ExistingClaim
from tests.unit.components.clusters import cluster

DIGEST = "valkey/valkey@sha256:" + "a" * 64
GIB = 1024**3
RIGID = {"standard": StorageClass(default=True, expandable=False)}


def spec(**changes: object) -> KubernetesSpec:
    args: SentinelSessionStoreArgs = {"namespace": "agents", "owner": "holdfast/test"}
    return KubernetesSpec.from_args(
        "chat",
        {**args, **changes},  # type: ignore[typeddict-item]  # the test says what it changes
    )


def claims(size_bytes: int, **changes: object) -> dict[str, ExistingClaim]:
    claim = ExistingClaim(size_bytes, **{"storage_class": "standard", **changes})  # type: ignore[arg-type]  # as above
    return {f"data-chat-server-{ordinal}": claim for ordinal in range(3)}


def refusal(facts: ClusterFacts, **changes: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        check_cluster(spec(**changes), facts)
    return caught.value


def test_a_cluster_that_has_everything_is_taken() -> None:
    check_cluster(spec(), cluster())
    check_cluster(spec(create_namespace=True), cluster(namespace_exists=False))
    assert advice(spec(), cluster()) == ()


def test_what_the_login_may_not_see_is_not_held_against_the_cluster() -> None:
    blind = cluster(namespace_exists=None, classes=None, zones=None, issuer=None, cluster_id=None)
    check_cluster(spec(storage_class="fast", issuer=Issuer("Issuer", "ca")), blind)
    assert advice(spec(preset=Preset.PROD, image=DIGEST), blind) == ()


@pytest.mark.parametrize(("version", "good"), [((1, 27), False), ((1, 28), True), ((2, 0), True)])
def test_a_cluster_that_is_too_old_is_refused(version: tuple[int, int], *, good: bool) -> None:
    facts = cluster(version=version)
    if good:
        check_cluster(spec(), facts)
        return
    error = refusal(facts)
    assert error.field == "context"
    assert "1.28" in error.rule


def test_a_namespace_that_is_not_there_is_refused_unless_it_is_to_be_made() -> None:
    error = refusal(cluster(namespace_exists=False))
    assert (error.field, error.value) == ("namespace", "agents")
    assert "kubectl create namespace agents" in error.fix


def test_a_namespace_of_somebody_else_is_not_taken_over() -> None:
    error = refusal(cluster(namespace_owner=""), create_namespace=True)
    assert error.field == "create_namespace"
    check_cluster(spec(create_namespace=True), cluster(namespace_owner="holdfast/test"))


def test_missing_rights_are_named_with_verb_and_resource() -> None:
    error = refusal(cluster(missing=("create secrets", "patch statefulsets.apps")))
    assert (error.field, error.value) == ("context", "somebody")
    assert "create secrets, patch statefulsets.apps" in error.rule


@pytest.mark.parametrize("owner", ["", "holdfast/other"])
def test_a_second_store_of_the_same_name_is_refused(owner: str) -> None:
    error = refusal(cluster(owners={"chat-server": owner}))
    assert (error.field, error.value) == ("name", "chat")
    assert "holdfast-stack=holdfast/test" in error.fix
    check_cluster(spec(), cluster(owners={"chat-server": "holdfast/test"}))


def test_a_storage_class_has_to_exist_and_without_one_a_default() -> None:
    error = refusal(cluster(), storage_class="fast")
    assert (error.field, error.value) == ("storage_class", "fast")
    assert "standard" in error.rule
    error = refusal(cluster(classes={"slow": StorageClass(default=False, expandable=False)}))
    assert (error.field, error.value) == ("storage_class", "nothing")
    assert "slow" in error.rule


def test_an_issuer_has_to_exist() -> None:
    error = refusal(cluster(issuer=False), issuer=Issuer("ClusterIssuer", "internal"))
    assert (error.field, error.value) == ("issuer", "ClusterIssuer/internal")
    check_cluster(spec(issuer=Issuer("Issuer", "ca")), cluster())


def test_a_volume_that_cannot_grow_is_refused_only_if_it_has_to() -> None:
    existing = claims(GIB)
    grown = spec(claims=existing, storage="2gb")
    check_growth(grown, cluster(claims=existing))
    with pytest.raises(ConfigError, match="cannot grow") as caught:
        check_growth(grown, cluster(claims=existing, classes=RIGID))
    assert (caught.value.field, caught.value.value) == ("storage", "2Gi")
    check_growth(grown, cluster(claims=existing, classes=None))
    check_growth(spec(claims=existing, storage="1gb"), cluster(claims=existing, classes=RIGID))
    done = claims(2 * GIB, grown=True)
    check_growth(spec(claims=done, storage="2gb"), cluster(claims=done, classes=RIGID))


def test_fewer_nodes_than_pods_are_advised_on() -> None:
    few = cluster(zones=("a", "b"))
    texts = advice(spec(), few)
    assert len(texts) == 2
    assert all("2 nodes" in text and "pending" in text for text in texts)
    assert advice(spec(share_nodes=True), few) == ()


@pytest.mark.parametrize(("zones", "word"), [(("", "", ""), "no node"), (("a", "b", "b"), "zones")])
def test_production_is_advised_on_zones(zones: tuple[str, ...], word: str) -> None:
    (text,) = advice(spec(preset=Preset.PROD, image=DIGEST), cluster(zones=zones))
    assert word in text


def test_claims_that_stay_in_another_storage_class_are_told_of() -> None:
    existing = claims(GIB)
    facts = cluster(claims=existing)
    assert len(advice(spec(storage_class="fast", claims=existing), facts)) == 3
    assert advice(spec(storage_class="standard", claims=existing), facts) == ()
