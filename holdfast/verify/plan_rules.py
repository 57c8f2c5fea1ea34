"""Which resources hold sessions, and what of theirs may not change: one table for all targets.

A target adds rows, no code. A change that a rule names is refused by the guard until a person
accepts it by its URN. Paths are the words of the resource's own inputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

Path = tuple[str | int, ...]
Inputs = Mapping[str, Any]

_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]{0,2})\Z")
_KIB: Final = 1024
_QUANTITY_UNITS: Final = {
    unit: factor
    for factor, units in (
        # Servers write k for 1000 and kb for 1024; Kubernetes writes k and Ki.
        (1, ("", "b", "B")),
        (1000, ("k",)),
        (1000**2, ("m", "M")),
        (1000**3, ("g", "G")),
        (1000**4, ("T",)),
        (_KIB, ("kb", "Ki")),
        (_KIB**2, ("mb", "MB", "Mi")),
        (_KIB**3, ("gb", "GB", "Gi")),
        (_KIB**4, ("Ti",)),
    )
    for unit in units
}


class Harm(StrEnum):
    """What a refused change would do."""

    DELETE = "deletes sessions"
    REPLACE = "replaces what holds sessions"
    EMPTY = "leaves sessions behind"
    ENCRYPTION = "turns encryption off"
    ACCESS = "turns access control off"
    DURABILITY = "stops keeping sessions"
    SHRINK = "shrinks below what is stored"


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that decides where sessions are found.

    Attributes:
        path: of the input.
        why: what its change does.
        allowed: pairs of old and new value that keep the sessions.
    """

    path: Path
    why: str
    allowed: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """A protection that may be gained but not lost.

    Attributes:
        path: of the input.
        good: whether a value protects; it also gets None for an absent one.
        harm: what losing it means.
        shown: whether values may be quoted; not where they may be secret or long.
    """

    path: Path
    good: Callable[[Any], bool]
    harm: Harm
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Noted:
    """A change that harms nothing yet, but that a person should have seen.

    Attributes:
        path: of the input.
        good: whether a value needs no word.
        note: what losing it means.
    """

    path: Path
    good: Callable[[Any], bool]
    note: str


@dataclass(frozen=True, slots=True)
class NotLower:
    """An amount that may not sink below what is stored.

    Attributes:
        path: of the input.
        memory: bytes that the servers' data must fit into: with the store at hand only what
            is below the used memory is refused. False: any lower amount is refused.
    """

    path: Path
    memory: bool = False


Rule = Fixed | Kept | Noted | NotLower


@dataclass(frozen=True, slots=True)
class Holder:
    """A type of resource that holds sessions or guards them.

    Attributes:
        noun: what it is, for people.
        only: which of them; all by default.
        kept: whether its data survives deletion and replacement.
        harm: of a deletion; None where deleting it harms nothing.
        rules: on its inputs.
    """

    noun: str
    only: Callable[[Inputs], bool] = lambda _: True
    kept: Callable[[Inputs], bool] = lambda _: False
    harm: Harm | None = Harm.DELETE
    rules: tuple[Rule, ...] = ()


def value_at(inputs: Any, path: Path) -> Any:  # noqa: ANN401 - any JSON value
    """The value at a path, None where there is none."""
    value = inputs
    for step in path:
        if isinstance(step, str) and isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def amount(value: object) -> float | None:
    """A number, or a text such as ``512mb``, ``10Gi`` or ``268435456``; None if it is neither."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _QUANTITY.match(value.strip()) if isinstance(value, str) else None
    if match is None or match.group(2) not in _QUANTITY_UNITS:
        return None
    return float(match.group(1)) * _QUANTITY_UNITS[match.group(2)]


def _is(*values: object) -> Callable[[Any], bool]:
    return lambda value: any(
        value is one or (value == one and type(value) is type(one)) for one in values
    )


def _is_not(*values: object) -> Callable[[Any], bool]:
    return lambda value: not _is(*values)(value)


def _present(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return value not in (None, "", [], {})


def _modern_tls(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, str) and set(value.split()) <= {"TLSv1.2", "TLSv1.3"} != set()


def _evicts_expiring_only(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return not (isinstance(value, str) and value.startswith("allkeys"))


def _label(inputs: Inputs, name: str) -> object:
    return value_at(inputs, ("metadata", "labels", f"app.kubernetes.io/{name}"))


def _is_server(inputs: Inputs) -> bool:
    return inputs.get("kind") != "sentinel"


def _is_data(inputs: Inputs) -> bool:
    return _label(inputs, "component") != "sentinel"


_OFF: Final = (None, "", "no")
_NO_RETURN: Final = "sessions that are stored would no longer be found"
_LOCAL_STORE: Final = Holder(
    "store",
    # What is below it says so itself, and has the data.
    harm=None,
    rules=(
        Fixed(("app",), f"it is the prefix of every key: {_NO_RETURN}"),
        Fixed(("buckets",), f"it is part of every key: {_NO_RETURN}"),
        Fixed(
            ("topology",),
            "servers of another topology begin without the data",
            frozenset({("standalone", "sentinel")}),
        ),
        Fixed(("dataDir",), "servers in another folder begin without the data"),
    ),
)
_LOCAL_PROCESS: Final = Holder(
    "server",
    only=_is_server,
    kept=lambda inputs: inputs.get("keepData") is True,
    rules=(
        Kept(("tlsCertificatePem",), _present, Harm.ENCRYPTION, shown=False),
        Kept(("tlsCaPem",), _present, Harm.ENCRYPTION, shown=False),
        Kept(("directives", "tls-replication"), _is_not(*_OFF), Harm.ENCRYPTION),
        Kept(("directives", "tls-cluster"), _is_not(*_OFF), Harm.ENCRYPTION),
        Kept(("directives", "tls-protocols"), _modern_tls, Harm.ENCRYPTION),
        Kept(("directives", "port"), _is(None, "0"), Harm.ENCRYPTION),
        Kept(("acl",), _present, Harm.ACCESS, shown=False),
        Kept(("directives", "protected-mode"), _is_not("no"), Harm.ACCESS),
        Kept(("directives", "appendonly"), _is("yes"), Harm.DURABILITY),
        Kept(("directives", "maxmemory-policy"), _evicts_expiring_only, Harm.DURABILITY),
        NotLower(("directives", "maxmemory"), memory=True),
        Noted(("keepData",), _is(True), "from now on its deletion takes the data with it"),
    ),
)
_CLAIM: Final = Holder(
    "volume claim",
    only=_is_data,
    rules=(NotLower(("spec", "resources", "requests", "storage")),),
)
_STATEFUL_SET: Final = Holder(
    "servers",
    only=_is_data,
    rules=(
        NotLower(("spec", "replicas")),
        NotLower(
            ("spec", "template", "spec", "containers", 0, "resources", "limits", "memory"),
            memory=True,
        ),
        NotLower(("spec", "volumeClaimTemplates", 0, "spec", "resources", "requests", "storage")),
        Kept(
            ("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"),
            _is_not("Delete"),
            Harm.DURABILITY,
        ),
        Kept(
            ("spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"),
            _is_not("Delete"),
            Harm.DURABILITY,
        ),
    ),
)
_REPLICATION_GROUP: Final = Holder(
    "replication group",
    rules=(
        Kept(("transitEncryptionEnabled",), _is(True), Harm.ENCRYPTION),
        Kept(("transitEncryptionMode",), _is_not("preferred"), Harm.ENCRYPTION),
        Kept(("atRestEncryptionEnabled",), _is(True), Harm.ENCRYPTION),
        Kept(("userGroupIds",), _present, Harm.ACCESS, shown=False),
        Kept(("authToken",), _present, Harm.ACCESS, shown=False),
        Kept(("snapshotRetentionLimit",), _is_not(None, 0), Harm.DURABILITY),
        NotLower(("numNodeGroups",)),
        NotLower(("replicasPerNodeGroup",)),
    ),
)
_SERVERLESS: Final = Holder(
    "serverless cache",
    rules=(
        Kept(("userGroupId",), _present, Harm.ACCESS, shown=False),
        NotLower(("cacheUsageLimits", "dataStorage", "maximum")),
    ),
)
_CACHE_USER: Final = Holder(
    "user",
    harm=None,
    rules=(
        Kept(("noPasswordRequired",), _is_not(True), Harm.ACCESS),
        Kept(("authenticationMode", "type"), _is_not("no-password-required"), Harm.ACCESS),
    ),
)

HOLDERS: Final[Mapping[str, Holder]] = MappingProxyType(
    {
        "holdfast:index:LocalSessionStore": _LOCAL_STORE,
        "holdfast:index:ServerProcess": _LOCAL_PROCESS,
        "holdfast:index:ClusterFormation": Holder("cluster's slots"),
        "kubernetes:apps/v1:StatefulSet": _STATEFUL_SET,
        "kubernetes:core/v1:PersistentVolumeClaim": _CLAIM,
        "kubernetes:core/v1:PersistentVolume": Holder("volume"),
        "kubernetes:core/v1:Namespace": Holder("namespace and everything in it"),
        "aws:elasticache/replicationGroup:ReplicationGroup": _REPLICATION_GROUP,
        "aws:elasticache/serverlessCache:ServerlessCache": _SERVERLESS,
        "aws:elasticache/userGroup:UserGroup": Holder("user group", harm=Harm.ACCESS),
        "aws:elasticache/user:User": _CACHE_USER,
    }
)
"""By type of resource. What is not here may change as it likes."""
