"""Services: a governing one for each StatefulSet, and one for each pod.

No Service has several pods behind it: a client that writes through one would meet replicas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from holdfast.roles import Place
from k8s.metadata import metadata
from k8s.names import selector
from k8s.spec import Object, StoreSpec
from k8s.templates import PORTS

# A Service's address is needed for the pods: waiting for its pods first would never end.
_NO_WAIT: Final = {"pulumi.com/skipAwait": "true"}
POD_NAME_LABEL: Final = "statefulset.kubernetes.io/pod-name"


def governing_service(spec: StoreSpec, place: Place) -> Object:
    """The headless Service that a StatefulSet needs for its pods' names."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            **metadata(spec, spec.names.governing(place), place),
            "annotations": dict(_NO_WAIT),
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": selector(spec.names, place),
            "ports": [_port(place)],
        },
    }


def pod_service(spec: StoreSpec, place: Place, ordinal: int) -> Object:
    """The Service of one pod: a name and an address that stay when the pod does not."""
    pod = spec.names.pod(place, ordinal)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**metadata(spec, pod, place), "annotations": dict(_NO_WAIT)},
        "spec": {
            "type": "ClusterIP",
            "ipFamilyPolicy": "SingleStack",
            # The others have to reach a server that loads, or it never becomes ready.
            "publishNotReadyAddresses": True,
            "selector": {**selector(spec.names, place), POD_NAME_LABEL: pod},
            "ports": [_port(place)],
        },
    }


def host_aliases(spec: StoreSpec, cluster_ips: Sequence[object]) -> list[Object]:
    """Lines of /etc/hosts: no announced name is ever asked of the DNS.

    A DNS that is silent would freeze servers, and keep Sentinels from failing over.

    Args:
        spec: the store.
        cluster_ips: of the pods' Services, servers first; plain or known later.
    """
    return [
        {"ip": address, "hostnames": [name]}
        for address, name in zip(cluster_ips, spec.all_fqdns, strict=True)
    ]


def _port(place: Place) -> Object:
    return {"name": place.value, "port": PORTS[place], "targetPort": place.value, "protocol": "TCP"}
