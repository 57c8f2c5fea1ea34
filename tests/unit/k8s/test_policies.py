from __future__ import annotations

from typing import Any

import pytest

from holdfast.roles import Place
from k8s.disruption import disruption_budget
from k8s.names import selector, store_selector
from k8s.policies import deny_policy, traffic_policy
from tests.unit.k8s.specs import spec

STORE = spec()
PORT = {Place.SERVER: 6379, Place.SENTINEL: 26379}


def pods(labels: dict[str, str]) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": labels}}


def test_every_pod_of_the_store_is_closed_both_ways() -> None:
    made = deny_policy(STORE)
    assert made["spec"] == {
        "podSelector": {"matchLabels": store_selector(STORE.names)},
        "policyTypes": ["Ingress", "Egress"],
    }


@pytest.mark.parametrize("place", list(Place))
def test_only_the_store_and_labelled_pods_come_in_and_only_on_the_tls_port(place: Place) -> None:
    made = traffic_policy(STORE, place)["spec"]
    assert made["podSelector"] == {"matchLabels": selector(STORE.names, place)}
    assert made["ingress"] == [
        {
            "from": [
                pods(selector(STORE.names, Place.SERVER)),
                pods(selector(STORE.names, Place.SENTINEL)),
                pods({"holdfast-access": "agents"}),
            ],
            "ports": [{"protocol": "TCP", "port": PORT[place]}],
        }
    ]


@pytest.mark.parametrize("place", list(Place))
def test_pods_reach_each_other_and_the_dns_over_both_protocols(place: Place) -> None:
    made = traffic_policy(spec(dns_ports=(53, 5353), dns_namespace="dns"), place)["spec"]
    *store, dns = made["egress"]
    assert store == [
        {
            "to": [pods(selector(STORE.names, kind))],
            "ports": [{"protocol": "TCP", "port": PORT[kind]}],
        }
        for kind in Place
    ]
    assert dns == {
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "dns"}}}],
        "ports": [
            {"protocol": "UDP", "port": 53},
            {"protocol": "TCP", "port": 53},
            {"protocol": "UDP", "port": 5353},
            {"protocol": "TCP", "port": 5353},
        ],
    }


def test_another_namespace_is_let_in_by_name_and_label_together() -> None:
    (rule,) = traffic_policy(spec(client_namespaces=("apps",)), Place.SERVER)["spec"]["ingress"]
    # In one entry both must hold; in two, either would do.
    assert rule["from"][-1] == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "apps"}},
        "podSelector": {"matchLabels": {"holdfast-access": "agents"}},
    }


def test_no_policy_names_an_address_or_lets_everybody_in() -> None:
    for made in (deny_policy(STORE), *(traffic_policy(STORE, place) for place in Place)):
        assert "ipBlock" not in repr(made)
        for rule in made["spec"].get("ingress", []):
            assert rule["from"]
            assert all(peer["podSelector"]["matchLabels"] for peer in rule["from"])
        for rule in made["spec"].get("egress", []):
            assert rule["to"]
            assert rule["ports"]


@pytest.mark.parametrize("place", list(Place))
def test_a_drain_takes_one_pod_of_a_kind_and_is_not_held_up_by_a_broken_one(place: Place) -> None:
    made = disruption_budget(STORE, place)
    assert (made["apiVersion"], made["kind"]) == ("policy/v1", "PodDisruptionBudget")
    assert made["metadata"]["name"] == f"agents-{place}"
    assert made["spec"] == {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": selector(STORE.names, place)},
    }
