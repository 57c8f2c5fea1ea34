"""Which resources hold sessions, and what of theirs may not change: one table for all targets.

A target adds rows, no code. A change that a rule names is refused by the guard until a person
accepts it by its URN.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from holdfast.verify.plan_rules import Fixed, Harm, Holder, Inputs, Kept, Noted, NotLower, value_at
from holdfast.verify.plan_table_aws import AWS_HOLDERS
from holdfast.verify.protections import (
    evicts_expiring_only,
    is_none_of,
    is_one_of,
    modern_tls,
    present,
)


def _label(inputs: Inputs, name: str) -> object:
    return value_at(inputs, ("metadata", "labels", f"app.kubernetes.io/{name}"))


def _is_server(inputs: Inputs) -> bool:
    return inputs.get("kind") != "sentinel"


def _is_data(inputs: Inputs) -> bool:
    return _label(inputs, "component") != "sentinel"


_OFF: Final = (None, "", "no")
_NO_RETURN: Final = "sessions that are stored would no longer be found"
_ANY_STORE: Final = (
    Fixed(("app",), f"it is the prefix of every key: {_NO_RETURN}"),
    Fixed(("buckets",), f"it is part of every key: {_NO_RETURN}"),
)
_LOCAL_STORE: Final = Holder(
    "store",
    # What is below it says so itself, and has the data.
    harm=None,
    rules=(
        *_ANY_STORE,
        Fixed(
            ("topology",),
            "servers of another topology begin without the data",
            frozenset({("standalone", "sentinel")}),
        ),
        Fixed(("dataDir",), "servers in another folder begin without the data"),
    ),
)
_KUBERNETES_STORE: Final = Holder(
    "store",
    harm=None,
    rules=(
        *_ANY_STORE,
        Fixed(("topology",), "servers of another topology begin without the data"),
        Fixed(("namespace",), "servers in another namespace begin without the data"),
        Fixed(("store",), "claims are named after the store: others begin without the data"),
        # The servers have it in a ConfigMap that is named by its content: no step compares the two.
        NotLower(("maxmemory",), memory=True),
        *(
            Noted(
                ("certificates",),
                good,
                "nodes and clients do not trust each other before all have the new CA: an outage",
            )
            for good in (is_one_of("kit"), is_none_of("kit", None))
        ),
    ),
)
_LOCAL_PROCESS: Final = Holder(
    "server",
    only=_is_server,
    kept=lambda inputs: inputs.get("keepData") is True,
    rules=(
        Kept(("tlsCertificatePem",), present, Harm.ENCRYPTION, shown=False),
        Kept(("tlsCaPem",), present, Harm.ENCRYPTION, shown=False),
        Kept(("directives", "tls-replication"), is_none_of(*_OFF), Harm.ENCRYPTION),
        Kept(("directives", "tls-cluster"), is_none_of(*_OFF), Harm.ENCRYPTION),
        Kept(("directives", "tls-protocols"), modern_tls, Harm.ENCRYPTION),
        Kept(("directives", "port"), is_one_of(None, "0"), Harm.ENCRYPTION),
        Kept(("acl",), present, Harm.ACCESS, shown=False),
        Kept(("directives", "protected-mode"), is_none_of("no"), Harm.ACCESS),
        Kept(("directives", "appendonly"), is_one_of("yes"), Harm.DURABILITY),
        Kept(("directives", "maxmemory-policy"), evicts_expiring_only, Harm.DURABILITY),
        NotLower(("directives", "maxmemory"), memory=True),
        Noted(("keepData",), is_one_of(True), "from now on its deletion takes the data with it"),
    ),
)
_CLAIM: Final = Holder(
    "volume claim",
    only=_is_data,
    rules=(NotLower(("spec", "resources", "requests", "storage")),),
)
_CLAIM_GROWTH: Final = Holder(
    "volume claim",
    # The claim stays when it is no longer grown.
    harm=None,
    rules=(NotLower(("spec", "resources", "requests", "storage")),),
)
_POLICY: Final = Holder(
    "network policy",
    only=lambda inputs: _label(inputs, "part-of") == "holdfast",
    harm=Harm.ACCESS,
)
_POD_SECRET: Final = Holder(
    "secret that the pods read",
    # Applications' own have no component: their pods tell when they are gone.
    only=lambda inputs: _label(inputs, "component") is not None,
    harm=Harm.ACCESS,
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
            is_none_of("Delete"),
            Harm.DURABILITY,
        ),
        Kept(
            ("spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"),
            is_none_of("Delete"),
            Harm.DURABILITY,
        ),
    ),
)
HOLDERS: Final[Mapping[str, Holder]] = MappingProxyType(
    {
        "holdfast:index:LocalSessionStore": _LOCAL_STORE,
        "holdfast:index:SentinelSessionStore": _KUBERNETES_STORE,
        "holdfast:index:ServerProcess": _LOCAL_PROCESS,
        "holdfast:index:ClusterFormation": Holder("cluster's slots"),
        "kubernetes:apps/v1:StatefulSet": _STATEFUL_SET,
        "kubernetes:core/v1:PersistentVolumeClaim": _CLAIM,
        "kubernetes:core/v1:PersistentVolumeClaimPatch": _CLAIM_GROWTH,
        "kubernetes:core/v1:PersistentVolume": Holder("volume"),
        "kubernetes:core/v1:Secret": _POD_SECRET,
        "kubernetes:networking.k8s.io/v1:NetworkPolicy": _POLICY,
        "kubernetes:core/v1:Namespace": Holder("namespace and everything in it"),
        **AWS_HOLDERS,
    }
)
"""By type of resource. What is not here may change as it likes."""
