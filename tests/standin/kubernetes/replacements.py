"""Which fields the official plugin replaces an object for, kind by kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from tests.standin.kubernetes.objects import Kind

Step: TypeAlias = str | int
EVERY: Final = "[*]"
"""In a pattern: every element of a list."""

IDENTITY: Final = ("metadata.name", "metadata.namespace")
_MUTABLE_SECRET: Final = ("type",)
_SECRET: Final = ("type", "stringData", "data")
_CONFIG_MAP: Final = ("binaryData", "data")
_SELECTOR: Final = ("spec.selector",)
_STATEFUL_SET: Final = (
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
)
_CONTAINER: Final = (
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
)
_POD_SPEC: Final = (
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
)
_VOLUME_SOURCES: Final = (
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
)
_POD: Final = (
    *(f"spec.{name}" for name in _POD_SPEC),
    *(
        f"spec.{place}.{EVERY}.{name}"
        for place in ("containers", "initContainers")
        for name in _CONTAINER
    ),
)
_JOB: Final = ("spec.completions", "spec.parallelism", "spec.selector", "spec.template")

_KINDS: Final[Mapping[tuple[str, str, str], Sequence[str]]] = {
    ("apps", "v1", "DaemonSet"): _SELECTOR,
    ("apps", "v1", "Deployment"): _SELECTOR,
    ("apps", "v1", "StatefulSet"): _STATEFUL_SET,
    ("batch", "v1", "Job"): _JOB,
    ("policy", "v1beta1", "PodDisruptionBudget"): ("spec",),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io", "v1", "StorageClass"): ("parameters", "provisioner"),
    ("", "v1", "PersistentVolume"): tuple(f"spec.{name}" for name in _VOLUME_SOURCES),
    ("", "v1", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("", "v1", "Pod"): _POD,
    ("", "v1", "ResourceQuota"): ("spec.scopes",),
    ("", "v1", "Secret"): _MUTABLE_SECRET,
    ("", "v1", "Service"): ("spec.clusterIP",),
}


def replacing_fields(
    item: Mapping[str, Any],
    *,
    is_patch: bool = False,
    mutable_secrets: bool = False,
    mutable_config_maps: bool = False,
) -> tuple[str, ...]:
    """Paths whose change replaces ``item``.

    Args:
        item: the new inputs.
        is_patch: a patch of somebody else's object is only replaced for the object's name.
        mutable_secrets: the provider's ``enableSecretMutable``. Without it, as by default, new
            data makes a new Secret.
        mutable_config_maps: ``enableConfigMapMutable``, the same for ConfigMaps.
    """
    if is_patch:
        return IDENTITY
    kind = Kind.of(item)
    frozen = item.get("immutable") is True
    if kind == Kind("", "v1", "Secret") and (frozen or not mutable_secrets):
        return IDENTITY + _SECRET
    if kind == Kind("", "v1", "ConfigMap") and (frozen or not mutable_config_maps):
        return IDENTITY + _CONFIG_MAP
    return IDENTITY + tuple(_KINDS.get((kind.group, kind.version, kind.name), ()))


def touches(path: Sequence[Step], value: object, pattern: str) -> bool:
    """Whether setting ``value`` at ``path`` sets something at ``pattern``, or inside it."""
    steps = pattern.split(".")
    for step, wanted in zip(path, steps, strict=False):
        if isinstance(step, int) != (wanted == EVERY):
            return False
        if isinstance(step, str) and step != wanted:
            return False
    return _contains(value, steps[len(path) :])


def _contains(value: object, steps: Sequence[str]) -> bool:
    if not steps:
        return True
    first, rest = steps[0], steps[1:]
    if first == EVERY:
        return isinstance(value, list) and any(_contains(item, rest) for item in value)
    return isinstance(value, dict) and first in value and _contains(value[first], rest)
