"""A stack whose store runs in a cluster, as the means of a rotation.

Nodes and clients read Secrets from mounted files. The kubelet of each node writes these, up to
two minutes after the object changed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from holdfast.cluster.api import ClusterApi
from holdfast.cluster.resources import PODS, SECRETS, Right
from holdfast.cluster.rights import require_rights
from holdfast.cluster.store import StoreName
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.rotation.pulumi_stack import PulumiStack
from holdfast.rotation.settings import RotationSettings

DELIVERY_SECONDS: Final = 120.0
"""A kubelet looks at its Secrets once a minute (its ``syncFrequency``), and may serve what it
remembers for as long again."""

RIGHTS: Final = (Right("list", PODS), Right("patch", PODS), Right("get", SECRETS))
"""Beyond what the deployments need."""

_SYNCED: Final = "holdfast-secrets-read-at"


class KubernetesStack(PulumiStack):
    """Deploys as any stack, and knows how Secrets reach pods.

    Args:
        stack: its name.
        api: the cluster.
        delivery_seconds: how long a Secret may take to reach the pods of clients.
        stop: see :class:`PulumiStack`.
        seconds_left: likewise.
        tick: likewise.
    """

    def __init__(
        self,
        stack: str,
        api: ClusterApi,
        *,
        stop: threading.Event,
        seconds_left: Callable[[], float],
        tick: Callable[[], None],
        delivery_seconds: float = DELIVERY_SECONDS,
    ) -> None:
        super().__init__(stack, stop=stop, seconds_left=seconds_left, tick=tick)
        self._api = api
        self._delivery_seconds = delivery_seconds

    def require_rights(self) -> None:
        """Ask the cluster whether the login may do what follows each deployment.

        Raises:
            ConfigError: a right is missing; names each.
            ClusterUnavailable: the API server does not answer.
        """
        require_rights(self._api, StoreName.of(self.connection()).namespace, RIGHTS)

    def apply(self, settings: RotationSettings) -> None:
        """Deploy, then have the kubelets look at the store's pods at once.

        A pod that changes is synchronised, its mounted Secrets with it; the change is a note that
        nothing reads.
        """
        super().apply(settings)
        store = StoreName.of(self.connection())
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        note = {"metadata": {"annotations": {_SYNCED: now}}}
        for pod in self._api.pods(store.namespace, store.labels):
            self._api.patch(PODS, pod["metadata"]["name"], note, store.namespace)

    def told_at(self, role: Role) -> float | None:
        """When the Secret with the role's Connection was last written."""
        if role not in APPLICATION_ROLES:
            return None
        store = StoreName.of(self.connection())
        found = self._api.get(SECRETS, store.connection_secret(role), store.namespace)
        times = [
            datetime.fromisoformat(entry["time"]).timestamp()
            for entry in found["metadata"].get("managedFields") or ()
            if "time" in entry
        ]
        created = datetime.fromisoformat(found["metadata"]["creationTimestamp"]).timestamp()
        return max([created, *times])

    def delivery_seconds(self) -> float:
        """Until the kubelets have written the files."""
        return self._delivery_seconds
