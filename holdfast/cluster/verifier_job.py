"""The Job whose pod checks a store from inside its cluster: a pure builder.

Nothing of the store is in it: the Connection goes to a process in the pod, over a channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from holdfast.cluster.edition import kit_version
from holdfast.cluster.resources import Object
from holdfast.cluster.store import StoreName
from holdfast.errors import ConfigError

ACCESS_LABEL: Final = "holdfast-access"
"""The store's NetworkPolicies let pods in that carry it with the store's name."""

CONTAINER: Final = "verify"
PYTHON: Final = "python"
_NAME_LABEL: Final = "app.kubernetes.io/name"
_NAME: Final = "holdfast-verify"
_USER: Final = 65532
_MAX_SECONDS: Final = 6 * 3600
_KEPT_SECONDS: Final = 300
_GRACE_SECONDS: Final = 60
# The writers of a drill may be several processes, some 40 MiB each.
_LIMITS: Final = {"cpu": "2", "memory": "1Gi"}
_REQUESTS: Final = {"cpu": "100m", "memory": "192Mi"}


@dataclass(frozen=True, slots=True)
class VerifierSpec:
    """What a verifier's Job is made of.

    Attributes:
        store: the store that it checks, in whose namespace it runs.
        name: of the Job.
        image: with Python and this Holdfast.
        pull_secrets: names of Secrets with which the image is pulled.
        avoid_nodes: nodes that it must not run on, such as those that a drill is to cut off.
        max_seconds: after which the cluster ends it, whatever its caller does.
    """

    store: StoreName
    name: str
    image: str
    pull_secrets: tuple[str, ...] = ()
    avoid_nodes: tuple[str, ...] = ()
    max_seconds: int = _MAX_SECONDS

    def __post_init__(self) -> None:
        """Refuse what no cluster would take."""
        if not self.image or any(c.isspace() for c in self.image):
            raise ConfigError("--image", self.image, "a name of an image", f"try {default_image()}")

    @property
    def labels(self) -> dict[str, str]:
        """What selects its pod, and opens the store to it."""
        return {
            _NAME_LABEL: _NAME,
            "app.kubernetes.io/instance": self.name,
            "app.kubernetes.io/managed-by": "holdfast",
            ACCESS_LABEL: self.store.name,
        }


def default_image() -> str:
    """Of this version, as ``k8s/verify/Dockerfile`` makes it."""
    return f"holdfast/verify:{kit_version()}"


def verifier_labels(store: StoreName) -> dict[str, str]:
    """What selects the pods of every verifier of a store."""
    return {_NAME_LABEL: _NAME, ACCESS_LABEL: store.name}


def verifier_job(spec: VerifierSpec) -> Object:
    """The manifest.

    The pod only waits (:mod:`holdfast.cluster.idle`); the caller starts the far side in it. It
    ends by itself when its callers are gone, and is removed some minutes later.
    """
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": spec.name,
            "namespace": spec.store.namespace,
            "labels": dict(spec.labels),
        },
        "spec": {
            "activeDeadlineSeconds": spec.max_seconds,
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            "backoffLimit": 0,
            "template": {
                "metadata": {"labels": dict(spec.labels)},
                "spec": _pod(spec),
            },
        },
    }


def _pod(spec: VerifierSpec) -> Object:
    pod: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": CONTAINER,
                "image": spec.image,
                "imagePullPolicy": "IfNotPresent",
                "command": [PYTHON, "-m", "holdfast.cluster.idle"],
                "env": [{"name": "PYTHONUNBUFFERED", "value": "1"}],
                "resources": {"requests": dict(_REQUESTS), "limits": dict(_LIMITS)},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - in the pod
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
        # A node that a drill takes away is not to take the pod that watches it.
        "tolerations": [
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
        ],
    }
    if spec.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in spec.pull_secrets]
    if spec.avoid_nodes:
        pod["affinity"] = _elsewhere(spec.avoid_nodes)
    return pod


def _elsewhere(nodes: tuple[str, ...]) -> Mapping[str, object]:
    # One term with several expressions: they all have to hold.
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {
                                "key": "kubernetes.io/hostname",
                                "operator": "NotIn",
                                "values": list(nodes),
                            }
                        ]
                    }
                ]
            }
        }
    }
