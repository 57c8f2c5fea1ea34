"""The objects that make a cluster of the parts: DNS, rights of the stand-ins, the storage class."""

from __future__ import annotations

from typing import Any, Final

from tests.cluster.rig.layout import DNS_ADDRESS
from tests.cluster.rig.provisioner import CLASS, PROVISIONER
from toolchain.cluster.images import COREDNS

Object = dict[str, Any]

_DNS: Final = {"name": "coredns", "namespace": "kube-system"}
_DNS_LABELS: Final = {"k8s-app": "kube-dns"}
_RBAC: Final = "rbac.authorization.k8s.io"

# Short times to live: a pod's new address shows in two seconds. Names of elsewhere do not exist,
# which clients take at once; a refusal they would try again.
_COREFILE: Final = """\
.:53 {
    errors
    health :8080
    ready :8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 2
    }
    cache 2
    template ANY ANY . {
        rcode NXDOMAIN
    }
}
"""


def base_objects() -> list[Object]:
    """Everything that is applied once the API server is up."""
    return [
        *_rights(
            "network-policy",
            {"kind": "User", "name": "network-policy", "apiGroup": _RBAC},
            [
                _read([""], ["pods", "namespaces"]),
                _read(["networking.k8s.io"], ["networkpolicies"]),
            ],
        ),
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _DNS},
        *_rights(
            "coredns",
            {"kind": "ServiceAccount", **_DNS},
            [
                _read([""], ["endpoints", "services", "pods", "namespaces"]),
                _read(["discovery.k8s.io"], ["endpointslices"]),
            ],
        ),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": _DNS,
            "data": {"Corefile": _COREFILE},
        },
        _dns_deployment(),
        _dns_service(),
        _storage_class(),
    ]


def _read(groups: list[str], resources: list[str]) -> Object:
    return {"apiGroups": groups, "resources": resources, "verbs": ["list", "watch"]}


def _rights(name: str, subject: Object, rules: list[Object]) -> list[Object]:
    version, metadata = f"{_RBAC}/v1", {"name": f"rig-{name}"}
    role = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": metadata["name"]}
    return [
        {"apiVersion": version, "kind": "ClusterRole", "metadata": metadata, "rules": rules},
        {
            "apiVersion": version,
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": role,
            "subjects": [subject],
        },
    ]


def _dns_deployment() -> Object:
    container = {
        "name": "coredns",
        "image": COREDNS,
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "resources": {"limits": {"memory": "170Mi"}, "requests": {"cpu": "50m", "memory": "70Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}],
    }
    pod = {
        "serviceAccountName": "coredns",
        "dnsPolicy": "Default",
        "priorityClassName": "system-cluster-critical",
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _DNS,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": _DNS_LABELS},
            "template": {"metadata": {"labels": _DNS_LABELS}, "spec": pod},
        },
    }


def _dns_service() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        # The name that tools look for.
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": _DNS_LABELS},
        "spec": {
            "clusterIP": DNS_ADDRESS,
            "selector": _DNS_LABELS,
            "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP"},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
            ],
        },
    }


def _storage_class() -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
        "reclaimPolicy": "Delete",
    }
