"""The rows of plan_table for ElastiCache and what it stands on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from holdfast.verify.plan_rules import Fixed, Harm, Holder, Kept, Noted, NotLower
from holdfast.verify.protections import (
    AT_REST,
    KEY_ROTATION,
    NO_LOGIN_WITHOUT_PASSWORD,
    SERVERLESS_USER_GROUP,
    SNAPSHOTS,
    STORAGE_LIMIT,
    TLS_ON,
    TLS_REQUIRED,
    USER_GROUP,
    eviction_policy,
    evicts_expiring_only,
    is_none_of,
    is_one_of,
    present,
)

GROUP: Final = "aws:elasticache/replicationGroup:ReplicationGroup"
SERVERLESS: Final = "aws:elasticache/serverlessCache:ServerlessCache"
USER: Final = "aws:elasticache/user:User"
USER_GROUP_TYPE: Final = "aws:elasticache/userGroup:UserGroup"
PARAMETERS: Final = "aws:elasticache/parameterGroup:ParameterGroup"
KEY: Final = "aws:kms/key:Key"

_NO_RETURN: Final = "sessions that are stored would no longer be found"
_STORE: Final = Holder(
    "store",
    # What is below it says so itself, and has the data.
    harm=None,
    rules=(
        Fixed(("app",), f"it is the prefix of every key: {_NO_RETURN}"),
        Fixed(("buckets",), f"it is part of every key: {_NO_RETURN}"),
    ),
)
_GROUP: Final = Holder(
    "replication group",
    rules=(
        TLS_ON,
        TLS_REQUIRED,
        AT_REST,
        USER_GROUP,
        Kept(("authToken",), present, Harm.ACCESS, shown=False),
        SNAPSHOTS,
        Kept(("automaticFailoverEnabled",), is_one_of(True), Harm.DURABILITY),
        Noted(("multiAzEnabled",), is_one_of(True), "one zone's end is then the store's"),
        Noted(("finalSnapshotIdentifier",), present, "from now on its deletion leaves no snapshot"),
        Fixed(
            ("clusterMode",),
            "AWS goes from disabled to compatible to enabled, a step an update, and clients have "
            "to speak the cluster's protocol before the last one",
            frozenset({("disabled", "compatible"), ("compatible", "enabled")}),
        ),
        NotLower(("numNodeGroups",)),
        NotLower(("replicasPerNodeGroup",)),
        NotLower(("numCacheClusters",)),
    ),
)
_SERVERLESS: Final = Holder(
    "serverless cache",
    rules=(
        SERVERLESS_USER_GROUP,
        SNAPSHOTS,
        STORAGE_LIMIT,
        NotLower(("cacheUsageLimits", "dataStorage", "maximum")),
    ),
)
_USER: Final = Holder(
    "user",
    # Who uses it is seen from the whole plan: see plan_aws.
    harm=None,
    rules=NO_LOGIN_WITHOUT_PASSWORD,
)
_PARAMETERS: Final = Holder(
    "parameter group",
    # Made before the old one goes; the replication group says what a change does to it.
    harm=None,
    rules=(
        Kept(
            ("parameters",),
            lambda parameters: evicts_expiring_only(eviction_policy(parameters)),
            Harm.DURABILITY,
            shown=False,
            wanted="a maxmemory-policy that leaves keys without an end alone",
        ),
    ),
)
_KEY: Final = Holder(
    "key that data and snapshots are encrypted with",
    rules=(
        KEY_ROTATION,
        Kept(("isEnabled",), is_none_of(False), Harm.DELETE),
    ),
)

AWS_HOLDERS: Final[Mapping[str, Holder]] = MappingProxyType(
    {
        "holdfast:index:ElastiCacheSessionStore": _STORE,
        "holdfast:index:ServerlessSessionStore": _STORE,
        GROUP: _GROUP,
        SERVERLESS: _SERVERLESS,
        USER_GROUP_TYPE: Holder("user group", harm=Harm.ACCESS),
        USER: _USER,
        PARAMETERS: _PARAMETERS,
        KEY: _KEY,
    }
)
"""By type of resource. A subnet or parameter group in use cannot be deleted, and is replaced by one
that is made first: what that does shows at the replication group."""
