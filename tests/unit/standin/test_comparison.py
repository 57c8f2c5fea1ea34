"""Which change replaces an object, as the official plugin has it."""

from __future__ import annotations

import pytest

from provider.diffs import DiffKind, DiffResult
from provider.values import UNKNOWN
from tests.standin.kubernetes.comparison import compare
from tests.standin.kubernetes.objects import AUTONAMED, Object
from tests.standin.kubernetes.replacements import replacing_fields


def an(kind: str, metadata: Object | None = None, **fields: object) -> Object:
    version = {
        "StatefulSet": "apps/v1",
        "Deployment": "apps/v1",
        "Job": "batch/v1",
        "PodDisruptionBudget": "policy/v1",
        "NetworkPolicy": "networking.k8s.io/v1",
        "RoleBinding": "rbac.authorization.k8s.io/v1",
    }.get(kind, "v1")
    head = {"name": "a", "namespace": "n", **(metadata or {})}
    return {"apiVersion": version, "kind": kind, "metadata": head, **fields}


def change(
    old: Object, new: Object, *, is_patch: bool = False, mutable: bool = False
) -> DiffResult:
    replacing = replacing_fields(
        new, is_patch=is_patch, mutable_secrets=mutable, mutable_config_maps=mutable
    )
    return compare(old, new, replacing=replacing)


STATEFUL_SET_SPEC = {
    "replicas": 3,
    "serviceName": "s",
    "podManagementPolicy": "Parallel",
    "revisionHistoryLimit": 10,
    "selector": {"matchLabels": {"app": "x"}},
    "template": {"spec": {"containers": [{"name": "c", "image": "i:1"}]}},
    "volumeClaimTemplates": [{"spec": {"resources": {"requests": {"storage": "1Gi"}}}}],
}


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("serviceName", "t", "spec.serviceName"),
        ("podManagementPolicy", "OrderedReady", "spec.podManagementPolicy"),
        ("revisionHistoryLimit", 3, "spec.revisionHistoryLimit"),
        ("selector", {"matchLabels": {"app": "y"}}, "spec.selector.matchLabels.app"),
        (
            "volumeClaimTemplates",
            [{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}],
            "spec.volumeClaimTemplates[0].spec.resources.requests.storage",
        ),
    ],
)
def test_what_a_stateful_set_cannot_change_replaces_it(
    field: str, value: object, path: str
) -> None:
    old = an("StatefulSet", spec=STATEFUL_SET_SPEC)
    found = change(old, an("StatefulSet", spec={**STATEFUL_SET_SPEC, field: value}))
    assert {name: item.kind for name, item in found.changes.items()} == {
        path: DiffKind.UPDATE_REPLACE
    }
    assert found.delete_before_replace


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("replicas", 5),
        ("template", {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}),
        ("minReadySeconds", 15),
        ("updateStrategy", {"type": "OnDelete"}),
    ],
)
def test_what_a_stateful_set_can_change_is_an_update(field: str, value: object) -> None:
    old = an("StatefulSet", spec=STATEFUL_SET_SPEC)
    found = change(old, an("StatefulSet", spec={**STATEFUL_SET_SPEC, field: value}))
    assert found
    assert found.replaces == ()


@pytest.mark.parametrize(
    ("old", "new", "replaced"),
    [
        (an("Service", spec={"clusterIP": "a"}), an("Service", spec={"clusterIP": "b"}), True),
        (an("Service", spec={"clusterIP": "a"}), an("Service", spec={}), True),
        (an("Service", spec={"ports": [1]}), an("Service", spec={"ports": [2]}), False),
        (an("Job", spec={"template": {"a": 1}}), an("Job", spec={"template": {"a": 2}}), True),
        (an("Job", spec={"backoffLimit": 1}), an("Job", spec={"backoffLimit": 2}), False),
        (
            an("Deployment", spec={"selector": {"matchLabels": {"a": "1"}}}),
            an("Deployment", spec={"selector": {"matchLabels": {"a": "2"}}}),
            True,
        ),
        (
            an("Pod", spec={"containers": [{"image": "1"}]}),
            an("Pod", spec={"containers": [{"image": "2"}]}),
            True,
        ),
        (an("Pod", metadata={"labels": {"a": "1"}}), an("Pod", metadata={"labels": {}}), False),
        (
            an("PersistentVolumeClaim", spec={"storageClassName": "a"}),
            an("PersistentVolumeClaim", spec={"storageClassName": "b"}),
            True,
        ),
        (
            an("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "1Gi"}}}),
            an("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "2Gi"}}}),
            False,
        ),
        (
            an("PodDisruptionBudget", spec={"maxUnavailable": 1}),
            an("PodDisruptionBudget", spec={"maxUnavailable": 2}),
            False,
        ),
        (an("RoleBinding", roleRef={"name": "a"}), an("RoleBinding", roleRef={"name": "b"}), True),
        (
            an("NetworkPolicy", spec={"podSelector": {}}),
            an("NetworkPolicy", spec={"podSelector": {"matchLabels": {"a": "1"}}}),
            False,
        ),
    ],
)
def test_other_kinds_are_replaced_for_these_fields(
    old: Object, new: Object, replaced: bool
) -> None:
    found = change(old, new)
    assert found
    assert bool(found.replaces) is replaced


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_new_data_replaces_by_default_and_not_where_it_may_change(kind: str) -> None:
    old, new = an(kind, data={"a": "1"}), an(kind, data={"a": "2"})
    assert change(old, new).replaces == ("data.a",)
    assert change(old, new, mutable=True).replaces == ()
    frozen = {**old, "immutable": True}, {**new, "immutable": True}
    assert change(*frozen, mutable=True).replaces == ("data.a",)


def test_a_secret_of_another_type_is_another_secret_in_any_case() -> None:
    old, new = an("Secret", type="Opaque"), an("Secret", type="kubernetes.io/tls")
    assert change(old, new, mutable=True).replaces == ("type",)


def test_a_patch_is_replaced_only_with_the_object_that_it_patches() -> None:
    old, new = an("Secret", data={"a": "1"}), an("Secret", data={"a": "2"})
    assert change(old, new, is_patch=True).replaces == ()
    other = {**new, "metadata": {"name": "b", "namespace": "n"}}
    assert change(old, other, is_patch=True).replaces == ("metadata.name",)


def test_an_object_of_another_name_or_with_a_made_up_one_can_come_before_the_old_one_goes() -> None:
    old = an("Service", spec={"clusterIP": "a"})
    fixed = an("Service", spec={"clusterIP": "b"})
    assert change(old, fixed).delete_before_replace
    assert not change(old, an("Service", metadata={"name": "b"})).delete_before_replace
    assert not change(old, an("Service", metadata={"namespace": "m"})).delete_before_replace
    autonamed = an("Service", metadata={"annotations": {AUTONAMED: "true"}}, spec={})
    assert not change(old, autonamed).delete_before_replace


def test_what_is_not_known_yet_counts_as_changed() -> None:
    old = an("Secret", data={"a": "1"})
    assert change(old, an("Secret", data={"a": UNKNOWN})).changes["data.a"].kind is (
        DiffKind.UPDATE_REPLACE
    )


def test_fields_that_the_user_ignores_are_ignored_with_all_inside() -> None:
    old = an("StatefulSet", spec=STATEFUL_SET_SPEC)
    claims = [{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}]
    new = an("StatefulSet", spec={**STATEFUL_SET_SPEC, "volumeClaimTemplates": claims})
    replacing = replacing_fields(new)
    ignored = ["spec.volumeClaimTemplates"]
    assert not compare(old, new, replacing=replacing, ignored=ignored)
    assert compare(old, new, replacing=replacing, ignored=["spec.volumeClaim"])


def test_keys_with_dots_are_quoted_in_paths() -> None:
    new = an("Service", metadata={"annotations": {"a.b/c": "1"}})
    old = an("Service", metadata={"annotations": {}})
    assert list(change(old, new).changes) == ['metadata.annotations["a.b/c"]']


def test_true_is_not_one() -> None:
    assert change(an("Service", spec={"a": 1}), an("Service", spec={"a": True}))
    assert not change(an("Service", spec={"a": 1}), an("Service", spec={"a": 1.0}))
