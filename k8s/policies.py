"""Who may connect to whom: nothing, and then what each kind of pod needs.

A cluster whose network plugin enforces no NetworkPolicy accepts these and does nothing; TLS and
ACLs hold all the same.
"""

from __future__ import annotations

from typing import Final

from holdfast.roles import Place
from k8s.metadata import metadata
from k8s.names import ACCESS_LABEL, selector, store_selector
from k8s.spec import Object, StoreSpec
from k8s.templates import PORTS

_NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"


def deny_policy(spec: StoreSpec) -> Object:
    """Close every pod of the store in both directions."""
    return _policy(
        spec,
        spec.names.deny_policy(),
        {
            "podSelector": {"matchLabels": store_selector(spec.names)},
            "policyTypes": ["Ingress", "Egress"],
        },
    )


def traffic_policy(spec: StoreSpec, place: Place) -> Object:
    """Open one kind of pod: to the store itself, to labelled clients, and out to the DNS."""
    members = [_pods(selector(spec.names, kind)) for kind in Place]
    return _policy(
        spec,
        spec.names.allow_policy(place),
        {
            "podSelector": {"matchLabels": selector(spec.names, place)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [*members, *_clients(spec)], "ports": [_tcp(PORTS[place])]}],
            "egress": [
                *(
                    {"to": [_pods(selector(spec.names, kind))], "ports": [_tcp(PORTS[kind])]}
                    for kind in Place
                ),
                _dns(spec),
            ],
        },
        place,
    )


def _policy(spec: StoreSpec, name: str, body: Object, place: Place | None = None) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(spec, name, place),
        "spec": body,
    }


def _clients(spec: StoreSpec) -> list[Object]:
    access = _pods({ACCESS_LABEL: spec.names.store})
    elsewhere = [
        {"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: namespace}}, **access}
        for namespace in spec.client_namespaces
    ]
    return [access, *elsewhere]


def _dns(spec: StoreSpec) -> Object:
    """Both protocols: answers that do not fit a datagram come over TCP."""
    return {
        "to": [{"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: spec.dns_namespace}}}],
        "ports": [
            {"protocol": protocol, "port": port}
            for port in spec.dns_ports
            for protocol in ("UDP", "TCP")
        ],
    }


def _pods(labels: dict[str, str]) -> Object:
    return {"podSelector": {"matchLabels": labels}}


def _tcp(port: int) -> Object:
    return {"protocol": "TCP", "port": port}
