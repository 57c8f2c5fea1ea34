"""What a cluster says of itself before a store is made in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from components.cluster_rights import needed_rights
from components.kubernetes_spec import KubernetesSpec
from holdfast.cluster.api import ClusterApi
from holdfast.cluster.errors import Forbidden, NotFound
from holdfast.cluster.resources import (
    CLAIMS,
    JOBS,
    NAMESPACES,
    NODES,
    STATEFUL_SETS,
    STORAGE_CLASSES,
    Object,
    Resource,
)
from holdfast.errors import ConfigError
from holdfast.roles import Place
from k8s.claims import PATCH_MANAGER, ExistingClaim, claim_name
from k8s.memory import parse_quantity
from k8s.metadata import OWNER_ANNOTATION

_T = TypeVar("_T")
_NOT_LOGGED_IN: Final = 401
_UNKNOWN: Final = "unknown"
_DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
_ZONE: Final = "topology.kubernetes.io/zone"
_KEEP_AWAY: Final = ("NoSchedule", "NoExecute")
_THREADS: Final = 8


@dataclass(frozen=True, slots=True)
class StorageClass:
    """A storage class: whether it is the default, and whether its volumes can grow."""

    default: bool
    expandable: bool


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What was seen. None stands for what the login may not see.

    Attributes:
        where: context and address, for people.
        login: who asked; ``unknown`` where the cluster does not say.
        version: of the API server, major and minor.
        cluster_id: stays the same as long as the cluster does.
        namespace_owner: the stack that made the namespace, empty where none is written on it.
        namespace_exists: whether it does.
        classes: storage classes by name.
        claims: the servers' claims by name.
        owners: the store's StatefulSets that are there, and the stack that is written on each,
            empty where none is.
        jobs: of the namespace, by name: whether each succeeded, None for one that has not ended.
        zones: of each node that takes pods; empty for a node that is in none.
        missing: rights that the login does not have, such as ``create secrets``.
        issuer: whether the wanted cert-manager issuer is there; True where none is wanted.
    """

    where: str
    login: str
    version: tuple[int, int]
    cluster_id: str | None
    namespace_owner: str
    namespace_exists: bool | None
    classes: Mapping[str, StorageClass] | None
    claims: Mapping[str, ExistingClaim]
    owners: Mapping[str, str]
    jobs: Mapping[str, bool | None]
    zones: tuple[str, ...] | None
    missing: tuple[str, ...]
    issuer: bool | None = True


def open_cluster(kubeconfig: Path | None, context: str | None) -> ClusterApi:
    """The cluster that ``kubectl`` would talk to. It is not asked yet. Raises ConfigError."""
    return ClusterApi.load(kubeconfig, context)


def look_at(api: ClusterApi, spec: KubernetesSpec) -> ClusterFacts:
    """Ask a cluster for all that decides whether the store can be made in it.

    Raises:
        ClusterUnavailable: it does not answer.
        ConfigError: it does not know the login.
    """
    names = spec.objects.names
    try:
        version, login = api.version(), _login(api)
    except Forbidden:
        raise ConfigError(
            "context",
            api.context,
            f"a login that {api.server} knows",
            "log in again with your cluster's own tool: what the kubeconfig has is expired or "
            "revoked",
        ) from None
    rights = needed_rights(spec)
    with ThreadPoolExecutor(_THREADS) as pool:
        allowed = [
            pool.submit(
                api.can_i,
                right.verb,
                right.resource,
                names.namespace if right.resource.namespaced else None,
                subresource=right.subresource,
            )
            for right in rights
        ]
        missing = tuple(
            str(right) for right, answer in zip(rights, allowed, strict=True) if not answer.result()
        )
    system = _allowed(lambda: api.find(NAMESPACES, "kube-system"))
    namespace = _seen(lambda: api.find(NAMESPACES, names.namespace))
    return ClusterFacts(
        where=f"{api.context} ({api.server})",
        login=login,
        version=(version.major, version.minor),
        cluster_id=None if system is None else str(system["metadata"]["uid"]),
        namespace_owner=_owner(namespace[0]) if namespace and namespace[0] else "",
        namespace_exists=None if namespace is None else namespace[0] is not None,
        classes=_classes(api),
        claims=_claims(api, spec),
        owners=_owners(api, spec),
        jobs=_jobs(api, names.namespace),
        zones=_zones(api),
        missing=missing,
        issuer=_issuer(api, spec),
    )


def _login(api: ClusterApi) -> str:
    """Who asks. A cluster that is too old to be asked is refused for that, not for its silence."""
    try:
        # The path is not there, or, as nobody is granted a path that is not there, forbidden.
        return _allowed(api.who_am_i) or _UNKNOWN
    except NotFound:
        return _UNKNOWN


def _allowed(ask: Callable[[], _T]) -> _T | None:
    """The answer, None where the login may not ask."""
    try:
        return ask()
    except Forbidden as error:
        if error.status == _NOT_LOGGED_IN:
            raise
        return None


def _seen(ask: Callable[[], _T]) -> tuple[_T] | None:
    """The answer, which may be None itself."""
    return _allowed(lambda: (ask(),))


def _name(thing: Object) -> str:
    return str(thing["metadata"]["name"])


def _owner(thing: Object) -> str:
    return str(thing["metadata"].get("annotations", {}).get(OWNER_ANNOTATION, ""))


def _classes(api: ClusterApi) -> dict[str, StorageClass] | None:
    found = _allowed(lambda: api.select(STORAGE_CLASSES))
    if found is None:
        return None
    return {
        _name(one): StorageClass(
            default=one["metadata"].get("annotations", {}).get(_DEFAULT_CLASS) == "true",
            expandable=one.get("allowVolumeExpansion") is True,
        )
        for one in found
    }


def _claims(api: ClusterApi, spec: KubernetesSpec) -> dict[str, ExistingClaim]:
    names = spec.objects.names
    found = _allowed(lambda: api.select(CLAIMS, names.namespace)) or ()
    ours = {claim_name(names, ordinal) for ordinal in range(spec.objects.count(Place.SERVER))}
    return {
        str(one["metadata"]["name"]): _claim(one)
        for one in found
        if one["metadata"]["name"] in ours
    }


def _claim(one: Object) -> ExistingClaim:
    managers = {entry.get("manager") for entry in one["metadata"].get("managedFields", ())}
    return ExistingClaim(
        size_bytes=parse_quantity(str(one["spec"]["resources"]["requests"]["storage"])),
        grown=PATCH_MANAGER in managers,
        storage_class=one["spec"].get("storageClassName") or None,
    )


def _owners(api: ClusterApi, spec: KubernetesSpec) -> dict[str, str]:
    names = spec.objects.names
    found = _allowed(lambda: api.select(STATEFUL_SETS, names.namespace)) or ()
    ours = {names.workload(place) for place in Place}
    return {
        str(one["metadata"]["name"]): _owner(one)
        for one in found
        if one["metadata"]["name"] in ours
    }


def _jobs(api: ClusterApi, namespace: str) -> dict[str, bool | None]:
    return {
        _name(one): _success(one) for one in _allowed(lambda: api.select(JOBS, namespace)) or ()
    }


def _success(job: Object) -> bool | None:
    for condition in job.get("status", {}).get("conditions", ()):
        if condition.get("status") == "True" and condition.get("type") in ("Complete", "Failed"):
            return bool(condition["type"] == "Complete")
    return None


def _zones(api: ClusterApi) -> tuple[str, ...] | None:
    found = _allowed(lambda: api.select(NODES))
    if found is None:
        return None
    return tuple(
        str(node["metadata"].get("labels", {}).get(_ZONE, ""))
        for node in found
        if _takes_pods(node)
    )


def _takes_pods(node: Object) -> bool:
    taints = node["spec"].get("taints") or ()
    ready = any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in node.get("status", {}).get("conditions", ())
    )
    kept_away = any(taint.get("effect") in _KEEP_AWAY for taint in taints)
    return ready and not kept_away and not node["spec"].get("unschedulable")


def _issuer(api: ClusterApi, spec: KubernetesSpec) -> bool | None:
    if spec.issuer is None:
        return True
    namespaced = spec.issuer.kind == "Issuer"
    resource = Resource(
        "cert-manager.io", "v1", f"{spec.issuer.kind.lower()}s", namespaced=namespaced
    )
    namespace = spec.objects.names.namespace if namespaced else None
    name = spec.issuer.name

    def ask() -> bool:
        try:
            api.get(resource, name, namespace)
        except NotFound:
            return False
        return True

    return _allowed(ask)
