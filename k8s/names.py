"""Names and labels of a store's objects: short enough, and never those of another store.

Every name is ``<store>-<suffix>``. No suffix ends in ``-<another suffix>``, so that no store's
name makes two stores meet in one namespace.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from holdfast.errors import ConfigError
from holdfast.roles import Place, Role

MAX_STORE_NAME: Final = 36
"""Leaves room for the longest suffix within the 63 characters of a DNS label."""
MAX_LABEL: Final = 63
CLUSTER_DOMAIN: Final = "cluster.local"
ACCESS_LABEL: Final = "holdfast-access"
"""Pods that carry it with the store's name as its value may connect."""

_STORE: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_DOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_CONTENT_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one store's objects.

    Attributes:
        store: begins every name; unique in its namespace.
        namespace: where the store lives.
        cluster_domain: the end of every name that the cluster's DNS answers.

    Raises:
        ConfigError: a name that Kubernetes would not take, or one that leaves too little room.
    """

    store: str
    namespace: str
    cluster_domain: str = CLUSTER_DOMAIN

    def __post_init__(self) -> None:
        """Check what every other name is made of."""
        _check(_STORE, "name", self.store, MAX_STORE_NAME)
        _check(_NAMESPACE, "namespace", self.namespace, MAX_LABEL)
        if not _DOMAIN.match(self.cluster_domain):
            raise ConfigError(
                "cluster_domain", self.cluster_domain, "a DNS domain", "set cluster.local"
            )

    @property
    def service(self) -> str:
        """What the Sentinels call the primary; another store's Sentinels call theirs otherwise."""
        return f"{self.namespace}-{self.store}"

    def workload(self, place: Place) -> str:
        """StatefulSet and PodDisruptionBudget."""
        return f"{self.store}-{place}"

    def governing(self, place: Place) -> str:
        """The headless Service that a StatefulSet needs."""
        return f"{self.store}-{place}-pods"

    def pod(self, place: Place, ordinal: int) -> str:
        """A pod, and the Service that has it alone behind it."""
        return f"{self.store}-{place}-{ordinal}"

    def fqdn(self, place: Place, ordinal: int) -> str:
        """The name under which a node is announced and certified."""
        return f"{self.pod(place, ordinal)}.{self.namespace}.svc.{self.cluster_domain}"

    def acl(self, place: Place) -> str:
        """The Secret with the users' rules."""
        return f"{self.store}-{place}-acl"

    def tls(self, place: Place) -> str:
        """The Secret with the certificate."""
        return f"{self.store}-{place}-tls"

    def passwords(self, place: Place) -> str:
        """The Secret with the passwords that the pods present."""
        return f"{self.store}-{place}-passwords"

    def connection(self, role: Role) -> str:
        """The Secret with a role's Connection, for applications."""
        return f"{self.store}-connection-{role}"

    def deny_policy(self) -> str:
        """The NetworkPolicy that closes every pod of the store."""
        return f"{self.store}-deny-all"

    def allow_policy(self, place: Place) -> str:
        """The NetworkPolicy that opens what one kind of pod needs."""
        return f"{self.store}-{place}-traffic"

    def conf(self, place: Place, data: Mapping[str, str]) -> str:
        """The ConfigMap with the template, named by its content."""
        return f"{self.store}-{place}-conf-{content_digest(data)}"

    def scripts(self, data: Mapping[str, str]) -> str:
        """The ConfigMap with the scripts, named by its content."""
        return f"{self.store}-scripts-{content_digest(data)}"

    def dns_names(self, place: Place, count: int) -> tuple[str, ...]:
        """What the certificate of one kind of pod is good for, ``localhost`` among it."""
        names = ["localhost"]
        for ordinal in range(count):
            short = self.pod(place, ordinal)
            names += [self.fqdn(place, ordinal), short]
            names += [f"{short}.{self.namespace}", f"{short}.{self.namespace}.svc"]
        names.append(f"*.{self.governing(place)}.{self.namespace}.svc.{self.cluster_domain}")
        return tuple(sorted(names))

    def sentinel_id(self, ordinal: int) -> str:
        """``myid`` of a Sentinel: a rebuilt one is not taken for one more."""
        origin = f"{self.service}/{self.pod(Place.SENTINEL, ordinal)}"
        return hashlib.sha1(origin.encode(), usedforsecurity=False).hexdigest()


def content_digest(data: Mapping[str, str]) -> str:
    """Ten hex digits that change with any file's name or content."""
    digest = hashlib.sha256()
    for name in sorted(data):
        for part in (name, data[name]):
            encoded = part.encode()
            digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()[:_CONTENT_DIGITS]


def selector(names: Names, place: Place) -> dict[str, str]:
    """What selects one kind of pod of one store; never changes."""
    return {**store_selector(names), "app.kubernetes.io/component": place.value}


def store_selector(names: Names) -> dict[str, str]:
    """What selects every pod of one store; never changes."""
    return {"app.kubernetes.io/part-of": "holdfast", "app.kubernetes.io/instance": names.store}


def labels(names: Names, *, engine: str, place: Place | None = None) -> dict[str, str]:
    """Labels of an object, the selector's among them."""
    own = store_selector(names) if place is None else selector(names, place)
    return {
        **own,
        "app.kubernetes.io/name": engine,
        "app.kubernetes.io/managed-by": "pulumi",
    }


def _check(pattern: re.Pattern[str], field: str, value: str, longest: int) -> None:
    if not pattern.match(value) or len(value) > longest:
        raise ConfigError(
            field,
            value,
            f"1 to {longest} of a-z, 0-9 and -, none of them - at either end",
            f"shorten or correct it ({len(value)} characters)",
        )
