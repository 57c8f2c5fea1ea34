"""The kinds of objects that are dealt with, and the paths under which the API serves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

Object = dict[str, Any]
"""An object as the API's JSON has it."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object.

    Attributes:
        group: API group; empty for the core group.
        version: of the group.
        plural: the resource's name in paths and rules.
        namespaced: whether its objects live in a namespace.
    """

    group: str
    version: str
    plural: str
    namespaced: bool = True

    def __str__(self) -> str:
        """As RBAC messages have it: ``jobs.batch``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """Of the collection, of an object, or of a part of it.

        Raises:
            ValueError: a namespace for a kind that has none. Without one, a namespaced kind's
                path is that of all namespaces.
        """
        if namespace and not self.namespaced:
            raise ValueError(f"{self} live in no namespace")
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(quote(part, safe="") for part in parts)


PODS: Final = Resource("", "v1", "pods")
SERVICES: Final = Resource("", "v1", "services")
SECRETS: Final = Resource("", "v1", "secrets")
CONFIG_MAPS: Final = Resource("", "v1", "configmaps")
EVENTS: Final = Resource("", "v1", "events")
CLAIMS: Final = Resource("", "v1", "persistentvolumeclaims")
SERVICE_ACCOUNTS: Final = Resource("", "v1", "serviceaccounts")
VOLUMES: Final = Resource("", "v1", "persistentvolumes", namespaced=False)
NAMESPACES: Final = Resource("", "v1", "namespaces", namespaced=False)
NODES: Final = Resource("", "v1", "nodes", namespaced=False)
STATEFUL_SETS: Final = Resource("apps", "v1", "statefulsets")
DEPLOYMENTS: Final = Resource("apps", "v1", "deployments")
DAEMON_SETS: Final = Resource("apps", "v1", "daemonsets")
CONTROLLER_REVISIONS: Final = Resource("apps", "v1", "controllerrevisions")
JOBS: Final = Resource("batch", "v1", "jobs")
DISRUPTION_BUDGETS: Final = Resource("policy", "v1", "poddisruptionbudgets")
NETWORK_POLICIES: Final = Resource("networking.k8s.io", "v1", "networkpolicies")
STORAGE_CLASSES: Final = Resource("storage.k8s.io", "v1", "storageclasses", namespaced=False)
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases")
ENDPOINT_SLICES: Final = Resource("discovery.k8s.io", "v1", "endpointslices")
CUSTOM_RESOURCES: Final = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", namespaced=False
)
ACCESS_REVIEWS: Final = Resource(
    "authorization.k8s.io", "v1", "selfsubjectaccessreviews", namespaced=False
)
WHO_AM_I: Final = Resource("authentication.k8s.io", "v1", "selfsubjectreviews", namespaced=False)


EVERYWHERE: Final = ""
"""In place of a namespace: in all of them, those too that are not made yet."""


@dataclass(frozen=True, slots=True)
class Right:
    """A verb on a kind of object, or on a part of one such as ``exec``.

    Attributes:
        verb: what is done.
        resource: to which kind.
        subresource: to which part of it.
        namespace: where; None for the namespace that is asked about, as a rule the store's.
    """

    verb: str
    resource: Resource
    subresource: str = ""
    namespace: str | None = None

    def __str__(self) -> str:
        """``create pods/exec``; with its own namespace, ``create pods in kube-system``."""
        part = f"/{self.subresource}" if self.subresource else ""
        group = f".{self.resource.group}" if self.resource.group else ""
        where = "" if self.namespace is None else f" in {self.namespace or 'every namespace'}"
        return f"{self.verb} {self.resource.plural}{part}{group}{where}"


def selector(labels: Mapping[str, str] | str) -> str:
    """Labels as a query has them; a text is one already."""
    if isinstance(labels, str):
        return labels
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def query(pairs: Mapping[str, object]) -> str:
    """``?name=value...`` of the values that are there; a list gives a pair each."""
    given = {name: value for name, value in pairs.items() if value not in (None, "", ())}
    return f"?{urlencode(given, doseq=True)}" if given else ""
