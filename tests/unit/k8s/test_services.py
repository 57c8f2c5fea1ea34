from __future__ import annotations

import pytest

from holdfast.roles import Place
from k8s.services import governing_service, host_aliases, pod_service
from tests.unit.k8s.specs import spec

STORE = spec()


@pytest.mark.parametrize(("place", "port"), [(Place.SERVER, 6379), (Place.SENTINEL, 26379)])
def test_each_pod_has_a_service_with_an_address_of_its_own(place: Place, port: int) -> None:
    made = pod_service(STORE, place, 1)
    name = f"agents-{place}-1"
    assert (made["apiVersion"], made["kind"]) == ("v1", "Service")
    assert (made["metadata"]["name"], made["metadata"]["namespace"]) == (name, "prod")
    assert made["spec"]["selector"]["statefulset.kubernetes.io/pod-name"] == name
    assert "clusterIP" not in made["spec"]
    assert made["spec"]["type"] == "ClusterIP"
    assert made["spec"]["ipFamilyPolicy"] == "SingleStack"
    assert made["spec"]["ports"] == [
        {"name": place.value, "port": port, "targetPort": place.value, "protocol": "TCP"}
    ]


@pytest.mark.parametrize("place", list(Place))
def test_no_service_with_an_address_has_several_pods_behind_it(place: Place) -> None:
    governing = governing_service(STORE, place)
    assert governing["spec"]["clusterIP"] == "None"
    assert "statefulset.kubernetes.io/pod-name" not in governing["spec"]["selector"]
    assert governing["metadata"]["name"] == f"agents-{place}-pods"


@pytest.mark.parametrize("place", list(Place))
def test_pods_are_found_before_they_are_ready_and_nobody_waits_for_them(place: Place) -> None:
    # The pods need the Services' addresses: a Service that waited for pods would wait for ever.
    for made in (governing_service(STORE, place), pod_service(STORE, place, 0)):
        assert made["spec"]["publishNotReadyAddresses"] is True
        assert made["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}


def test_every_announced_name_stands_in_the_hosts_file_once() -> None:
    addresses = [f"10.0.0.{number}" for number in range(6)]
    found = host_aliases(STORE, addresses)
    assert [alias["ip"] for alias in found] == addresses
    assert [alias["hostnames"] for alias in found] == [
        [f"agents-{place}-{ordinal}.prod.svc.cluster.local"]
        for place in ("server", "sentinel")
        for ordinal in range(3)
    ]


def test_a_missing_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        host_aliases(STORE, ["10.0.0.1"])
