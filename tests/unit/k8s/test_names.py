from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError
from holdfast.roles import APPLICATION_ROLES, Place
from k8s.names import MAX_STORE_NAME, Names, content_digest, labels, selector, store_selector

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")
STORES = st.from_regex(re.compile(r"[a-z]([-a-z0-9]{0,34}[a-z0-9])?\Z"), fullmatch=True)
SUFFIXES = ["server", "sentinel", "server-0", "connection", "deny", "scripts", "pods", "0", "a"]
# Names made of the suffixes themselves: the ones most likely to meet.
AWKWARD = st.lists(st.sampled_from(SUFFIXES), min_size=1, max_size=4).map(
    lambda parts: ("s-" + "-".join(parts))[:MAX_STORE_NAME].rstrip("-")
)


def every_name(store: str, namespace: str = "prod", pods: int = 7) -> list[str]:
    names = Names(store, namespace)
    data = {"file": "content"}
    found = [names.connection(role) for role in APPLICATION_ROLES]
    found += [names.deny_policy(), names.scripts(data)]
    for place in Place:
        found += [names.workload(place), names.governing(place), names.acl(place)]
        found += [names.tls(place), names.passwords(place), names.allow_policy(place)]
        found.append(names.conf(place, data))
        found += [names.pod(place, ordinal) for ordinal in range(pods)]
    return found


@given(STORES)
def test_every_name_is_a_dns_label_and_no_two_are_the_same(store: str) -> None:
    names = every_name(store)
    assert all(DNS_LABEL.match(name) for name in names)
    assert len(set(names)) == len(names)


@given(AWKWARD | STORES, AWKWARD | STORES)
def test_two_stores_in_one_namespace_never_meet(one: str, other: str) -> None:
    if one != other:
        assert not set(every_name(one)) & set(every_name(other))
        assert Names(one, "prod").service != Names(other, "prod").service
        assert store_selector(Names(one, "prod")) != store_selector(Names(other, "prod"))


def test_the_name_of_a_pods_revision_fits_a_label() -> None:
    # The controller appends a hash of 10 characters and a hyphen, and refuses what is then longer.
    name = Names("a" * MAX_STORE_NAME, "prod").workload(Place.SENTINEL)
    assert len(name) + 11 <= 63


@pytest.mark.parametrize("store", ["", "A", "1a", "a-", "-a", "a_b", "a.b", "a" * 37, "a\n"])
def test_a_store_that_kubernetes_cannot_name_is_refused(store: str) -> None:
    with pytest.raises(ConfigError, match=r"^name: got"):
        Names(store, "prod")


@pytest.mark.parametrize("namespace", ["", "Prod", "a-", "a.b", "n" * 64])
def test_a_namespace_that_cannot_be_is_refused(namespace: str) -> None:
    with pytest.raises(ConfigError, match=r"^namespace: got"):
        Names("agents", namespace)


def test_a_namespace_may_begin_with_a_digit() -> None:
    assert Names("agents", "7up").fqdn(Place.SERVER, 0) == ("agents-server-0.7up.svc.cluster.local")


def test_a_cluster_domain_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^cluster_domain: got"):
        Names("agents", "prod", cluster_domain="cluster.local.")


def test_a_certificate_is_good_for_every_way_to_say_a_pods_name() -> None:
    assert set(Names("a", "n", "c.d").dns_names(Place.SENTINEL, 2)) == {
        "localhost",
        "a-sentinel-0",
        "a-sentinel-0.n",
        "a-sentinel-0.n.svc",
        "a-sentinel-0.n.svc.c.d",
        "a-sentinel-1",
        "a-sentinel-1.n",
        "a-sentinel-1.n.svc",
        "a-sentinel-1.n.svc.c.d",
        "*.a-sentinel-pods.n.svc.c.d",
    }


def test_ids_of_sentinels_are_forty_hex_digits_and_differ_by_pod_store_and_namespace() -> None:
    ids = [
        Names(store, namespace).sentinel_id(ordinal)
        for store in ("a", "b")
        for namespace in ("n", "m")
        for ordinal in range(3)
    ]
    assert all(re.fullmatch("[0-9a-f]{40}", found) for found in ids)
    assert len(set(ids)) == len(ids)
    assert Names("a", "n").sentinel_id(0) == ids[0]


@given(
    st.dictionaries(st.text(), st.text(), max_size=3),
    st.dictionaries(st.text(), st.text(), max_size=3),
)
def test_the_digest_tells_contents_apart(one: dict[str, str], other: dict[str, str]) -> None:
    assert (content_digest(one) == content_digest(other)) == (one == other)


def test_the_digest_does_not_depend_on_the_order_of_files() -> None:
    assert content_digest({"a": "1", "b": "2"}) == content_digest({"b": "2", "a": "1"})
    assert content_digest({"a": "1b", "c": ""}) != content_digest({"a": "1", "bc": ""})


def test_selectors_are_part_of_the_labels_and_hold_nothing_that_changes() -> None:
    names = Names("agents", "prod")
    for place in Place:
        assert selector(names, place) == {
            "app.kubernetes.io/part-of": "holdfast",
            "app.kubernetes.io/instance": "agents",
            "app.kubernetes.io/component": place.value,
        }
        assert selector(names, place).items() <= labels(names, engine="redis", place=place).items()
    assert labels(names, engine="valkey") == {
        "app.kubernetes.io/part-of": "holdfast",
        "app.kubernetes.io/instance": "agents",
        "app.kubernetes.io/name": "valkey",
        "app.kubernetes.io/managed-by": "pulumi",
    }
