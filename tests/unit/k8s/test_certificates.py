from __future__ import annotations

import pytest

from config.kubernetes_settings import Issuer
from holdfast.roles import Place
from k8s.certificates import certificate
from k8s.names import selector
from tests.unit.k8s.specs import spec


@pytest.mark.parametrize("place", list(Place))
def test_a_certificate_is_ordered_with_names_issuer_and_time_to_renew(place: Place) -> None:
    store = spec()
    made = certificate(store, place, ["localhost", "a.test"], Issuer("Issuer", "store-ca"))
    assert (made["apiVersion"], made["kind"]) == ("cert-manager.io/v1", "Certificate")
    assert made["metadata"]["name"] == made["spec"]["secretName"] == store.names.tls(place)
    assert made["metadata"]["namespace"] == store.names.namespace
    assert made["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Ready"}
    ordered = made["spec"]
    assert ordered["issuerRef"] == {
        "group": "cert-manager.io",
        "kind": "Issuer",
        "name": "store-ca",
    }
    assert ordered["dnsNames"] == ["localhost", "a.test"]
    assert ordered["ipAddresses"] == ["127.0.0.1"]
    assert ordered["usages"] == ["server auth", "client auth"]
    assert ordered["privateKey"] == {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"}
    assert int(ordered["renewBefore"].removesuffix("h")) < int(
        ordered["duration"].removesuffix("h")
    )
    labels = ordered["secretTemplate"]["labels"]
    assert selector(store.names, place).items() <= labels.items()
