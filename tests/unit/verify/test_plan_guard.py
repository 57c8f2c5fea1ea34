from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from holdfast.verify.plan import Plan, Step, parse_plan
from holdfast.verify.plan_guard import Verdict, judge
from holdfast.verify.plan_rules import Harm, amount, value_at
from holdfast.verify.plan_table import HOLDERS

PLANS = Path(__file__).parent / "plans"
SERVER = "holdfast:index:ServerProcess"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
STORE = "holdfast:index:SentinelSessionStore"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
USER = "aws:elasticache/user:User"
GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"


def recorded(name: str, **options: Any) -> Verdict:  # noqa: ANN401 - as judge takes them
    return judge(parse_plan((PLANS / f"{name}.json").read_text()), **options)


def harms(verdict: Verdict) -> dict[str, Harm]:
    return {finding.name: finding.harm for finding in verdict.refused}


def step(
    kind: str,
    op: str,
    old: object = None,
    new: object = None,
    *,
    replaced_by: tuple[str, ...] = (),
    retained: bool = False,
) -> Step:
    before, after = cast("dict[str, Any]", old or {}), cast("dict[str, Any]", new or {})
    urn = f"urn:pulumi:prod::shop::{kind}::it"
    return Step(op, urn, before, after, replaced_by, retained)


def change(kind: str, old: object, new: object, *, used_bytes: int | None = None) -> list[Harm]:
    verdict = judge(Plan((step(kind, "update", old, new),)), used_bytes=used_bytes)
    return [finding.harm for finding in verdict.refused]


@pytest.mark.parametrize(
    "name",
    [
        "unchanged",
        "maxmemory-raised",
        "replicas-raised",
        "keep-data-on",
        "topology-standalone-to-sentinel",
        # On the test cluster, through the stand-in plugin.
        "kubernetes-storage-raised",
        "kubernetes-storage-raised-again",
        "kubernetes-memory-limit-raised",
    ],
)
def test_a_recorded_plan_that_harms_nothing_passes(name: str) -> None:
    assert recorded(name).ok


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("app", {"store": Harm.EMPTY}),
        ("buckets", {"store": Harm.EMPTY}),
        (
            "data-dir",
            {"store": Harm.EMPTY, **{f"store-server-{n}": Harm.REPLACE for n in range(3)}},
        ),
        (
            "data-dir-data-kept",
            {"store": Harm.EMPTY, **{f"store-server-{n}": Harm.EMPTY for n in range(4)}},
        ),
        ("removed", {f"store-server-{n}": Harm.DELETE for n in range(3)}),
        ("destroy", {f"store-server-{n}": Harm.DELETE for n in range(3)}),
        ("replicas-lowered", {"store-server-3": Harm.DELETE}),
        (
            "cluster-removed",
            {"store-cluster": Harm.DELETE, **{f"store-server-{n}": Harm.DELETE for n in range(6)}},
        ),
    ],
)
def test_a_recorded_plan_that_harms_is_refused_by_name(name: str, refused: dict[str, Harm]) -> None:
    assert harms(recorded(name)) == refused


def test_a_first_deployment_passes() -> None:
    assert judge(Plan((step(SERVER, "create", None, {"kind": "server"}),))).ok


def test_a_lower_maxmemory_is_compared_with_what_is_stored() -> None:
    unknown = recorded("maxmemory-lowered")
    assert unknown.ok
    assert "give --connection" in unknown.notes[0]
    fits = recorded("maxmemory-lowered", used_bytes=100 * 1024**2)
    assert fits.ok
    assert "it fits" in fits.notes[0]
    full = recorded("maxmemory-lowered", used_bytes=200 * 1024**2)
    assert set(harms(full).values()) == {Harm.SHRINK}
    assert "209715200 bytes are in use" in full.refused[0].what


def test_a_higher_maxmemory_passes_however_full_the_store_is() -> None:
    assert recorded("maxmemory-raised", used_bytes=10**12).ok


def test_kept_data_makes_a_smaller_store_a_note_and_not_a_refusal() -> None:
    verdict = recorded("replicas-lowered-data-kept")
    assert verdict.ok
    assert verdict.notes == ("server store-server-3 stops; its data is kept where it is",)


def test_giving_up_kept_data_is_noted() -> None:
    verdict = recorded("keep-data-off")
    assert verdict.ok
    assert any("keepData true -> false" in note for note in verdict.notes)


def test_only_the_named_resource_is_accepted() -> None:
    all_refused = recorded("removed").refused
    urns = [finding.urn for finding in all_refused]
    some = recorded("removed", allowed=urns[:1])
    assert not some.ok
    assert [finding.urn for finding in some.refused] == urns[1:]
    every = recorded("removed", allowed=urns)
    assert every.ok
    assert all(finding.accepted for finding in every.findings)


def test_an_accepted_urn_that_nothing_has_is_told() -> None:
    verdict = recorded("unchanged", allowed=["urn:pulumi:test::holdfast::a:b:C::typo"])
    assert verdict.ok
    assert verdict.unused == ("urn:pulumi:test::holdfast::a:b:C::typo",)


def test_a_sentinel_may_go() -> None:
    assert judge(Plan((step(SERVER, "delete", {"kind": "sentinel"}),))).ok


def test_an_operation_that_nobody_knows_is_refused() -> None:
    assert not judge(Plan((step(SERVER, "melt", {"kind": "server"}),))).ok


def test_a_resource_that_the_engine_only_forgets_is_noted() -> None:
    verdict = judge(Plan((step(CLAIM, "delete", {}, retained=True),)))
    assert verdict.ok
    assert "no longer managed" in verdict.notes[0]


def test_a_replacement_says_what_forces_it() -> None:
    verdict = judge(Plan((step(CLAIM, "replace", {}, {}, replaced_by=("spec.accessModes",)),)))
    assert "spec.accessModes" in verdict.refused[0].what


SAFE_DIRECTIVES = {
    "appendonly": "yes",
    "maxmemory": "268435456",
    "maxmemory-policy": "volatile-lru",
    "tls-replication": "yes",
    "tls-cluster": "yes",
    "tls-protocols": "TLSv1.2 TLSv1.3",
}
SAFE_SERVER = {
    "kind": "server",
    "acl": "[secret]",
    "tlsCertificatePem": "pem",
    "tlsCaPem": "pem",
    "directives": SAFE_DIRECTIVES,
}


@pytest.mark.parametrize(
    ("path", "value", "harm"),
    [
        (("acl",), None, Harm.ACCESS),
        (("acl",), "", Harm.ACCESS),
        (("tlsCertificatePem",), "", Harm.ENCRYPTION),
        (("tlsCaPem",), None, Harm.ENCRYPTION),
        (("directives", "tls-replication"), "no", Harm.ENCRYPTION),
        (("directives", "tls-replication"), None, Harm.ENCRYPTION),
        (("directives", "tls-cluster"), None, Harm.ENCRYPTION),
        (("directives", "tls-protocols"), "TLSv1.1 TLSv1.2", Harm.ENCRYPTION),
        (("directives", "port"), "6379", Harm.ENCRYPTION),
        (("directives", "protected-mode"), "no", Harm.ACCESS),
        (("directives", "appendonly"), "no", Harm.DURABILITY),
        (("directives", "maxmemory-policy"), "allkeys-lru", Harm.DURABILITY),
        (("directives", "maxmemory"), "unknown", Harm.SHRINK),
    ],
)
def test_a_local_server_may_not_lose_a_protection(
    path: tuple[str, ...], value: object, harm: Harm
) -> None:
    changed: dict[str, Any] = {**SAFE_SERVER, "directives": dict(SAFE_DIRECTIVES)}
    place = changed if len(path) == 1 else changed["directives"]
    place[path[-1]] = value
    assert change(SERVER, SAFE_SERVER, changed) == [harm]
    # To gain it back, or to keep living without it, is no harm.
    assert change(SERVER, changed, SAFE_SERVER) == []
    assert change(SERVER, changed, changed) == []


def test_values_that_may_be_secret_are_not_quoted() -> None:
    before, after = {"kind": "server", "acl": "user svc on >hunter2"}, {"kind": "server", "acl": ""}
    verdict = judge(Plan((step(SERVER, "update", before, after),)))
    assert "hunter2" not in verdict.refused[0].what


def claim(storage: str) -> dict[str, Any]:
    return {"spec": {"resources": {"requests": {"storage": storage}}}}


def stateful_set(replicas: int, memory: str = "1Gi", component: str = "server") -> dict[str, Any]:
    limits = {"resources": {"limits": {"memory": memory}}}
    return {
        "metadata": {"labels": {"app.kubernetes.io/component": component}},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [limits]}}},
    }


@pytest.mark.parametrize(
    ("kind", "old", "new", "expected"),
    [
        (STORE, {"namespace": "a", "store": "s"}, {"namespace": "b", "store": "s"}, [Harm.EMPTY]),
        (STORE, {"app": "a", "buckets": 64}, {"app": "b", "buckets": 128}, [Harm.EMPTY] * 2),
        (STORE, {}, {"app": "a", "buckets": 64}, []),
        (STORE, {"maxmemory": 1024**3}, {"maxmemory": 400 * 1024**2}, [Harm.SHRINK]),
        (STORE, {"maxmemory": 1024**3}, {"maxmemory": 600 * 1024**2}, []),
        # Made before the store said it.
        (STORE, {"app": "a"}, {"app": "a", "maxmemory": 1024**2}, []),
        (CLAIM, claim("10Gi"), claim("8Gi"), [Harm.SHRINK]),
        (CLAIM, claim("10Gi"), claim("10G"), [Harm.SHRINK]),
        (CLAIM, claim("10Gi"), claim("20Gi"), []),
        (STATEFUL_SET, stateful_set(3), stateful_set(2), [Harm.SHRINK]),
        (STATEFUL_SET, stateful_set(3), stateful_set(5), []),
        (STATEFUL_SET, stateful_set(3, "1Gi"), stateful_set(3, "400Mi"), [Harm.SHRINK]),
        (STATEFUL_SET, stateful_set(3, "1Gi"), stateful_set(3, "900Mi"), []),
        (
            STATEFUL_SET,
            stateful_set(5, component="sentinel"),
            stateful_set(3, component="sentinel"),
            [],
        ),
        (
            STATEFUL_SET,
            stateful_set(3),
            {
                "spec": {
                    "replicas": 3,
                    "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"},
                }
            },
            [Harm.DURABILITY],
        ),
        (
            GROUP,
            {"transitEncryptionEnabled": True},
            {"transitEncryptionEnabled": False},
            [Harm.ENCRYPTION],
        ),
        (GROUP, {"transitEncryptionEnabled": True}, {}, [Harm.ENCRYPTION]),
        (GROUP, {"userGroupIds": ["g"]}, {"userGroupIds": []}, [Harm.ACCESS]),
        (GROUP, {"numNodeGroups": 3}, {"numNodeGroups": 2}, [Harm.SHRINK]),
        (GROUP, {"numNodeGroups": 3}, {"numNodeGroups": 4}, []),
        (
            USER,
            {"authenticationMode": {"type": "password"}},
            {"authenticationMode": {"type": "no-password-required"}},
            [Harm.ACCESS],
        ),
    ],
)
def test_other_targets_are_held_to_the_same_table(
    kind: str, old: object, new: object, expected: list[Harm]
) -> None:
    assert change(kind, old, new, used_bytes=500 * 1024**2) == expected


@pytest.mark.parametrize("kind", sorted(HOLDERS))
@pytest.mark.parametrize("op", ["delete", "replace"])
def test_what_holds_or_guards_sessions_is_never_deleted_or_replaced_unseen(
    kind: str, op: str
) -> None:
    holder = HOLDERS[kind]
    inputs = {**cluster_object(), "kind": "server"}
    verdict = judge(Plan((step(kind, op, inputs, inputs),)))
    # A user who is replaced is cut off; one who is taken away was to be.
    replaced_user = (kind, op) == (USER, "replace")
    assert verdict.ok is (holder.harm is None and not replaced_user)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7.0),
        ("268435456", 268_435_456.0),
        ("256mb", 256 * 1024**2),
        ("1Gi", 1024**3),
        ("1.5Gi", 1.5 * 1024**3),
        ("500M", 500e6),
        ("1k", 1000.0),
        (True, None),
        ("1 parsec", None),
        ("", None),
        (None, None),
    ],
)
def test_amounts_are_read_in_every_notation_of_the_targets(
    value: object, expected: float | None
) -> None:
    assert amount(value) == expected


def test_a_path_that_leads_nowhere_gives_nothing() -> None:
    inputs = {"spec": [{"a": 1}]}
    assert value_at(inputs, ("spec", 0, "a")) == 1
    assert value_at(inputs, ("spec", 1, "a")) is None
    assert value_at(inputs, ("spec", "a")) is None
    assert value_at(inputs, ("none", 0)) is None


def cluster_object(component: str | None = "server", **more: object) -> dict[str, Any]:
    labels = {"app.kubernetes.io/part-of": "holdfast"}
    if component is not None:
        labels["app.kubernetes.io/component"] = component
    return {"metadata": {"labels": labels}, **more}


GROWTH = "kubernetes:core/v1:PersistentVolumeClaimPatch"
SECRET = "kubernetes:core/v1:Secret"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def test_a_claim_grows_through_its_patch_and_never_shrinks() -> None:
    assert change(GROWTH, claim("1Gi"), claim("2Gi")) == []
    assert change(GROWTH, claim("2Gi"), claim("1Gi")) == [Harm.SHRINK]
    assert judge(Plan((step(GROWTH, "create", None, claim("2Gi")),))).ok
    assert judge(Plan((step(GROWTH, "delete", claim("2Gi"), None, retained=True),))).ok


@pytest.mark.parametrize("kind", [SECRET, POLICY])
@pytest.mark.parametrize("op", ["delete", "replace"])
def test_what_guards_the_pods_does_not_go_unseen(kind: str, op: str) -> None:
    verdict = judge(Plan((step(kind, op, cluster_object(), cluster_object()),)))
    assert [finding.harm for finding in verdict.refused] == [Harm.ACCESS]
    assert judge(Plan((step(kind, "update", cluster_object(), cluster_object(x=1)),))).ok
    assert judge(Plan((step(kind, op, {}, {}),))).ok


def test_a_recorded_growth_that_is_turned_round_is_refused() -> None:
    plan = parse_plan((PLANS / "kubernetes-storage-raised-again.json").read_text())
    turned = [step(s.type, s.op, s.new, s.old) for s in plan.steps]
    assert len(turned) == 3
    for back in turned:
        assert [found.harm for found in judge(Plan((back,))).refused] == [Harm.SHRINK]


def test_a_secret_of_an_application_may_go() -> None:
    assert judge(Plan((step(SECRET, "delete", cluster_object(None)),))).ok


def test_another_ca_is_noted_as_an_outage() -> None:
    own, issued = {"certificates": "kit"}, {"certificates": "Issuer/ca"}
    for old, new in ((own, issued), (issued, own)):
        verdict = judge(Plan((step(STORE, "update", old, new),)))
        assert verdict.ok
        assert "outage" in verdict.notes[0]
    assert judge(Plan((step(STORE, "update", {}, own),))).notes == ()
