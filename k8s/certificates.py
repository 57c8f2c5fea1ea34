"""Certificates that cert-manager is to issue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from config.kubernetes_settings import Issuer
from config.rules import LOOPBACK
from holdfast.roles import Place
from k8s.metadata import metadata
from k8s.spec import Object, StoreSpec

API_VERSION: Final = "cert-manager.io/v1"
CERTIFICATE: Final = "tls.crt"
CA: Final = "ca.crt"
_DURATION: Final = "2160h"
_RENEW_BEFORE: Final = "720h"


def certificate(spec: StoreSpec, place: Place, dns_names: Sequence[str], issuer: Issuer) -> Object:
    """The certificate of one kind of pod, into the Secret that the pods mount.

    It is good for 90 days and renewed 30 days before that, which is the time that Sentinels have:
    they read theirs at their start only.

    Args:
        spec: the store.
        place: servers or Sentinels.
        dns_names: what it is to be good for, beside 127.0.0.1.
        issuer: who signs.
    """
    name = spec.names.tls(place)
    head = metadata(spec, name, place)
    return {
        "apiVersion": API_VERSION,
        "kind": "Certificate",
        # Pulumi takes a custom resource for done as soon as it is written.
        "metadata": {**head, "annotations": {"pulumi.com/waitFor": "condition=Ready"}},
        "spec": {
            "secretName": name,
            "secretTemplate": {"labels": head["labels"]},
            "issuerRef": {"group": "cert-manager.io", "kind": issuer.kind, "name": issuer.name},
            "dnsNames": list(dns_names),
            "ipAddresses": [LOOPBACK],
            "duration": _DURATION,
            "renewBefore": _RENEW_BEFORE,
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            # Nodes are each other's clients.
            "usages": ["server auth", "client auth"],
        },
    }
