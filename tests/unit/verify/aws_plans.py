"""Plans of a store in ElastiCache, in the shape of `pulumi preview --json`.

Shaped by hand after plans of this engine for other targets: no plan of the official plugin was to
be had.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from holdfast.verify.plan import Plan, parse_plan

STORE = "holdfast:index:ElastiCacheSessionStore"
GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
SERVERLESS = "aws:elasticache/serverlessCache:ServerlessCache"
USER = "aws:elasticache/user:User"
USER_GROUP = "aws:elasticache/userGroup:UserGroup"
PARAMETERS = "aws:elasticache/parameterGroup:ParameterGroup"
SUBNETS = "aws:elasticache/subnetGroup:SubnetGroup"
KEY = "aws:kms/key:Key"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SECRET = "aws:secretsmanager/secret:Secret"

INPUTS: Mapping[str, Mapping[str, Any]] = {
    GROUP: {
        "applyImmediately": False,
        "atRestEncryptionEnabled": True,
        "automaticFailoverEnabled": True,
        "description": "shop",
        "engine": "valkey",
        "engineVersion": "9.1",
        "finalSnapshotIdentifier": "shop-prod-final-3f2a",
        "kmsKeyId": "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d",
        "maintenanceWindow": "sun:05:00-sun:06:00",
        "multiAzEnabled": True,
        "nodeType": "cache.r7g.large",
        "numCacheClusters": 3,
        "parameterGroupName": "shop-prod-1a2b3c4",
        "snapshotRetentionLimit": 7,
        "subnetGroupName": "shop-prod-5d6e7f8",
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
        "userGroupIds": ["shop-prod-9a8b7c"],
    },
    SERVERLESS: {
        "cacheUsageLimits": {
            "dataStorage": {"maximum": 10, "unit": "GB"},
            "ecpuPerSeconds": [{"maximum": 5000}],
        },
        "engine": "valkey",
        "majorEngineVersion": "9",
        "snapshotRetentionLimit": 7,
        "userGroupId": "shop-prod-9a8b7c",
    },
    USER: {
        "accessString": "on ~shop:* resetchannels -@all +get",
        "engine": "valkey",
        "passwords": "[secret]",
        "userId": "shop-prod-svc-1",
        "userName": "svc",
    },
    USER_GROUP: {
        "engine": "valkey",
        "userGroupId": "shop-prod-9a8b7c",
        "userIds": ["shop-prod-svc-1", "shop-prod-admin-1"],
    },
    PARAMETERS: {
        "family": "valkey9",
        "parameters": [{"name": "maxmemory-policy", "value": "volatile-lru"}],
    },
    SUBNETS: {"subnetIds": ["subnet-1", "subnet-2"]},
    KEY: {"enableKeyRotation": True},
    ENDPOINT: {"serviceName": "com.amazonaws.eu-central-1.kms"},
    ALARM: {"metricName": "EngineCPUUtilization"},
    SECRET: {"recoveryWindowInDays": 30},
}


def urn(kind: str, name: str = "store") -> str:
    return f"urn:pulumi:prod::shop::{STORE}${kind}::{name}"


def step(
    op: str,
    kind: str,
    name: str = "store",
    *,
    reasons: Sequence[str] = (),
    **changes: Any,  # noqa: ANN401 - any JSON value
) -> dict[str, Any]:
    """A step; ``changes`` are new values by input, ``...`` to take one away."""
    old = deepcopy(dict(INPUTS[kind]))
    kept = {key: value for key, value in {**old, **changes}.items() if value is not ...}
    made: dict[str, Any] = {"op": op, "urn": urn(kind, name), "detailedDiff": None}
    states = {"oldState": old, "newState": kept}
    for side, inputs in states.items():
        gone = "oldState" if op == "create" else "newState" if op == "delete" else ""
        if side != gone:
            made[side] = {"urn": urn(kind, name), "custom": True, "type": kind}
            made[side]["inputs"] = inputs
    if reasons:
        made["replaceReasons"] = list(reasons)
    return made


def document(*steps: Mapping[str, Any]) -> str:
    """What the engine prints of a plan with these steps."""
    return json.dumps({"steps": steps, "changeSummary": {"update": len(steps)}})


def plan(*steps: Mapping[str, Any]) -> Plan:
    """The plan of such a document."""
    return parse_plan(document(*steps))
