"""The two StatefulSets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from holdfast.roles import Place
from k8s.claims import VOLUME
from k8s.configuration import conf_data
from k8s.containers import containers
from k8s.memory import SENTINEL_DISK_BYTES, quantity
from k8s.metadata import metadata, owned
from k8s.names import labels, selector
from k8s.spec import Object, StoreSpec

USER_ID: Final = 999
"""Of the server in the images of Valkey and Redis."""
POD_SECURITY: Final = {
    "runAsNonRoot": True,
    "runAsUser": USER_ID,
    "runAsGroup": USER_ID,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What Pod Security "restricted" asks of a pod."""
GRACE_SECONDS: Final = {Place.SERVER: 120, Place.SENTINEL: 10}
"""A server hands over first, in its preStop, and then waits for its replicas (shutdown-timeout); a
Sentinel has nothing to hand over."""
MIN_READY_SECONDS: Final = {Place.SERVER: 15, Place.SENTINEL: 15}
"""Longer than the 10 s after which Sentinels look at a replica again: the next pod goes only when
this one could be elected, or has heard of the others."""
CREDENTIALS_ANNOTATION: Final = "holdfast-credentials"
_READ_ALL: Final = 0o444
_EXECUTE_ALL: Final = 0o555
_READ_GROUP: Final = 0o440
_RUN_LIMIT: Final = "4Mi"


def stateful_set(
    spec: StoreSpec,
    place: Place,
    *,
    scripts: Mapping[str, str],
    host_aliases: Sequence[Object],
    credentials: object | None = None,
) -> Object:
    """One kind of pod.

    Args:
        spec: the store.
        place: servers or Sentinels.
        scripts: what the pods run; another content rolls them.
        host_aliases: lines of /etc/hosts.
        credentials: digest of what the pods read at their start only, plain or known later; a
            change rolls them. None for pods that take everything over while they run.
    """
    names = spec.names
    annotations = {} if credentials is None else {CREDENTIALS_ANNOTATION: credentials}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": owned(spec, metadata(spec, names.workload(place), place)),
        "spec": {
            "serviceName": names.governing(place),
            "replicas": spec.count(place),
            # Pods wait for each other's answers: one at a time, the first would wait for ever.
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "RollingUpdate"},
            "minReadySeconds": MIN_READY_SECONDS[place],
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Retain",
                "whenScaled": "Retain",
            },
            "selector": {"matchLabels": selector(names, place)},
            "template": {
                "metadata": {
                    "labels": labels(names, engine=spec.config.engine.value, place=place),
                    "annotations": annotations,
                },
                "spec": _pod(spec, place, scripts, host_aliases),
            },
            "volumeClaimTemplates": [_claim(spec, place)],
        },
    }


def _pod(
    spec: StoreSpec, place: Place, scripts: Mapping[str, str], host_aliases: Sequence[Object]
) -> Object:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS[place],
        "imagePullSecrets": [{"name": name} for name in spec.image_pull_secrets],
        "securityContext": {
            **POD_SECURITY,
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
        },
        "hostAliases": list(host_aliases),
        # For what is not in /etc/hosts: one short try instead of a search through domains.
        "dnsConfig": {
            "options": [{"name": name, "value": "1"} for name in ("ndots", "timeout", "attempts")]
        },
        "affinity": {"podAntiAffinity": _apart(spec, place)},
        "topologySpreadConstraints": [_spread(spec, place)],
        "containers": containers(spec, place),
        "volumes": _volumes(spec, place, scripts),
    }


def _apart(spec: StoreSpec, place: Place) -> Object:
    term = {
        "labelSelector": {"matchLabels": selector(spec.names, place)},
        "topologyKey": "kubernetes.io/hostname",
    }
    if spec.share_nodes:
        preferred = {"weight": 100, "podAffinityTerm": term}
        return {"preferredDuringSchedulingIgnoredDuringExecution": [preferred]}
    return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}


def _spread(spec: StoreSpec, place: Place) -> Object:
    return {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule" if spec.spread_zones else "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(spec.names, place)},
        "matchLabelKeys": ["controller-revision-hash"],
    }


def _volumes(spec: StoreSpec, place: Place, scripts: Mapping[str, str]) -> list[Object]:
    names = spec.names
    maps = {
        "scripts": (names.scripts(scripts), _EXECUTE_ALL),
        "conf": (names.conf(place, conf_data(spec, place)), _READ_ALL),
    }
    secrets = {
        "acl": names.acl(place),
        "tls": names.tls(place),
        "secrets": names.passwords(place),
    }
    return [
        # Rendered configuration holds passwords: in memory, and gone with the pod.
        {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": _RUN_LIMIT}},
        *(
            {"name": volume, "configMap": {"name": name, "defaultMode": mode}}
            for volume, (name, mode) in maps.items()
        ),
        *(
            {"name": volume, "secret": {"secretName": name, "defaultMode": _READ_GROUP}}
            for volume, name in secrets.items()
        ),
    ]


def _claim(spec: StoreSpec, place: Place) -> Object:
    disk = spec.memory.disk_bytes if place is Place.SERVER else SENTINEL_DISK_BYTES
    storage = {} if spec.storage_class is None else {"storageClassName": spec.storage_class}
    return {
        "metadata": {"name": VOLUME, "labels": selector(spec.names, place)},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": quantity(disk)}},
            **storage,
        },
    }
