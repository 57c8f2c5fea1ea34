"""A resource of each kind that no rule complains about, and what makes each rule complain."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from policy.aws_types import (
    ALARM,
    CLUSTER,
    EGRESS,
    GROUP,
    INGRESS,
    KEY,
    LOG_GROUP,
    OLDER_RULE,
    PARAMETERS,
    SECRET,
    SECURITY_GROUP,
    SERVERLESS,
    SUBNET,
    USER,
    USER_GROUP,
)
from policy.rule import Resource

KEY_ARN = "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
CLUSTER_SECRET = "kubernetes:core/v1:Secret"
TAGS = {"env": "prod"}
INLINE = {
    "protocol": "tcp",
    "fromPort": 6379,
    "toPort": 6379,
    "cidrBlocks": ["10.1.0.0/16"],
    "description": "applications",
}
NODE = {"CacheClusterId": "shop-prod-001", "CacheNodeId": "0001"}

CONTAINER = {
    "name": "server",
    "image": "registry.example/valkey:9.1.2@sha256:" + "0" * 64,
    "command": ["/bin/sh", "start.sh"],
    "resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "1Gi", "cpu": "100m"}},
    "securityContext": {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    },
}

GOOD: Mapping[str, Mapping[str, Any]] = {
    GROUP: {
        "engine": "valkey",
        "engineVersion": "9.1",
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
        "atRestEncryptionEnabled": True,
        "kmsKeyId": KEY_ARN,
        "userGroupIds": ["shop-prod"],
        "automaticFailoverEnabled": True,
        "multiAzEnabled": True,
        "numCacheClusters": 3,
        "snapshotRetentionLimit": 7,
        "finalSnapshotIdentifier": "shop-prod-final-1",
        "subnetGroupName": "shop-prod",
        "parameterGroupName": "shop-prod-1",
        "autoMinorVersionUpgrade": True,
        "logDeliveryConfigurations": [
            {"logType": "slow-log", "destination": "/aws/elasticache/shop/slow-log"},
            {"logType": "engine-log", "destination": "/aws/elasticache/shop/engine-log"},
        ],
        "tags": TAGS,
    },
    SERVERLESS: {
        "engine": "valkey",
        "majorEngineVersion": "9",
        "kmsKeyId": KEY_ARN,
        "userGroupId": "shop-prod",
        "snapshotRetentionLimit": 7,
        "subnetIds": ["subnet-1", "subnet-2"],
        "cacheUsageLimits": {
            "dataStorage": {"maximum": 10, "unit": "GB"},
            "ecpuPerSeconds": [{"maximum": 5000}],
        },
        "tags": TAGS,
    },
    CLUSTER: {"engine": "memcached"},
    USER: {
        "engine": "valkey",
        "userName": "svc",
        "accessString": "on ~shop:* resetchannels -@all +get +set",
        "passwords": ["[secret]"],
    },
    USER_GROUP: {"engine": "valkey", "userGroupId": "shop-prod", "userIds": ["svc-1", "admin-1"]},
    PARAMETERS: {
        "name": "shop-prod-1",
        "family": "valkey9",
        "parameters": [{"name": "maxmemory-policy", "value": "volatile-lru"}],
    },
    INGRESS: {
        "ipProtocol": "tcp",
        "fromPort": 6379,
        "toPort": 6379,
        "referencedSecurityGroupId": "sg-1",
        "description": "applications",
    },
    OLDER_RULE: {
        "type": "ingress",
        "protocol": "tcp",
        "fromPort": 6379,
        "toPort": 6379,
        "cidrBlocks": ["10.1.0.0/16"],
        "description": "applications",
    },
    EGRESS: {"ipProtocol": "-1", "cidrIpv4": "10.64.0.0/20"},
    SECURITY_GROUP: {"description": "store"},
    SUBNET: {"mapPublicIpOnLaunch": False},
    LOG_GROUP: {"retentionInDays": 30},
    ALARM: {
        "namespace": "AWS/ElastiCache",
        "metricName": "Evictions",
        "dimensions": NODE,
        "alarmActions": ["arn"],
    },
    SECRET: {"kmsKeyId": KEY_ARN, "recoveryWindowInDays": 30, "tags": TAGS},
    KEY: {"enableKeyRotation": True, "tags": TAGS},
    STATEFUL_SET: {
        "spec": {
            "template": {
                "spec": {
                    "securityContext": {"runAsNonRoot": True, "runAsUser": 999},
                    "containers": [CONTAINER],
                }
            }
        }
    },
    CONFIG_MAP: {"data": {"valkey.conf": "port 0\ntls-port 6379\naclfile /acl/users.acl\n"}},
    CLUSTER_SECRET: {
        "stringData": {"users.acl": "user default off\nuser svc on #0f ~a:* +get\n"},
    },
}

SERVERLESS_METRICS = (
    "BytesUsedForCache",
    "Evictions",
    "ThrottledCmds",
    "AuthenticationFailures",
)
METRICS = ("DatabaseMemoryUsagePercentage", "Evictions", "CPUUtilization", "AuthenticationFailures")


@dataclass(frozen=True)
class Bad:
    """One thing made wrong.

    Attributes:
        rule: the policy that has to complain.
        type: of the resource.
        path: of what is changed; empty list items by number.
        value: the wrong one; ``...`` to leave it out.
        says: part of the message.
    """

    rule: str
    type: str
    path: tuple[str | int, ...]
    value: Any
    says: str
    beside: tuple[Resource, ...] = field(default=())

    @property
    def case(self) -> str:
        return f"{self.rule}-{'.'.join(map(str, self.path))}-{self.value!r:.40}"


def good(kind: str, **changes: object) -> Resource:
    """A resource of that kind as it should be, in production."""
    return Resource(kind, "it", {**deepcopy(dict(GOOD[kind])), **changes}, stack_preset="prod")


def changed(bad: Bad) -> Resource:
    """The resource with the one thing made wrong."""
    resource = good(bad.type)
    place: Any = resource.props
    for word in bad.path[:-1]:
        place = place[word]
    if bad.value is ...:
        del place[bad.path[-1]]
    else:
        place[bad.path[-1]] = bad.value
    return resource


def alarms(*metrics: str, **dimensions: str) -> tuple[Resource, ...]:
    """Alarms on these metrics of a node, or of what is said."""
    by = dimensions or NODE
    return tuple(good(ALARM, metricName=metric, dimensions=by) for metric in metrics)


POD = ("spec", "template", "spec")
FIRST = (*POD, "containers", 0)
LIMITS = ("cacheUsageLimits",)
BAD: tuple[Bad, ...] = (
    Bad("aws-tls-required", GROUP, ("transitEncryptionEnabled",), False, "need true"),
    Bad("aws-tls-required", GROUP, ("transitEncryptionEnabled",), ..., "need true"),
    Bad("aws-tls-required", GROUP, ("transitEncryptionMode",), "preferred", "need required"),
    Bad("aws-encrypted-at-rest", GROUP, ("atRestEncryptionEnabled",), ..., "need true"),
    Bad("aws-own-key", GROUP, ("kmsKeyId",), ..., "need the ARN"),
    Bad("aws-own-key", GROUP, ("kmsKeyId",), "alias/shop", "not an alias"),
    Bad("aws-own-key", SERVERLESS, ("kmsKeyId",), "0a1b2c3d", "not an alias"),
    Bad("aws-one-user-group", GROUP, ("authToken",), "hunter2hunter2hunter2", "need none"),
    Bad("aws-one-user-group", GROUP, ("userGroupIds",), ["a", "b"], "exactly one"),
    Bad("aws-user-group-in-production", GROUP, ("userGroupIds",), [], "need the store's"),
    Bad("aws-user-group-in-production", SERVERLESS, ("userGroupId",), ..., "need the store's"),
    Bad("aws-no-built-in-user", USER_GROUP, ("userIds",), ["svc", "default"], "without 'default'"),
    Bad("aws-no-built-in-user", USER_GROUP, ("engine",), "redis", "need 'valkey'"),
    Bad(
        "aws-user-group-engine",
        GROUP,
        ("engine",),
        "redis",
        "has 'valkey'",
        (good(USER_GROUP),),
    ),
    Bad("aws-no-free-login", USER, ("noPasswordRequired",), True, "need false"),
    Bad(
        "aws-no-free-login",
        USER,
        ("authenticationMode",),
        {"type": "no-password-required"},
        "need password or iam",
    ),
    Bad("aws-no-free-login", USER, ("accessString",), "on ~* +@all", "every command on every key"),
    Bad("aws-no-free-login", USER, ("accessString",), "on allkeys allcommands", "every command"),
    Bad("aws-no-free-login", USER, ("accessString",), "on nopass ~a:* +get", "without nopass"),
    Bad("aws-no-dangerous-category", USER, ("accessString",), "on ~a:* +@write", "+@write without"),
    Bad("aws-volatile-eviction", PARAMETERS, ("family",), "redis7", "need valkey"),
    Bad("aws-volatile-eviction", PARAMETERS, ("parameters",), [], "got none, need volatile"),
    Bad(
        "aws-volatile-eviction",
        PARAMETERS,
        ("parameters", 0, "value"),
        "noeviction",
        "got noeviction",
    ),
    Bad("aws-own-parameter-group", GROUP, ("parameterGroupName",), "default.valkey9", "your own"),
    Bad(
        "aws-parameter-family",
        GROUP,
        ("parameterGroupName",),
        # A name of its own: another case's group of the same name would hide it in one stack.
        "shop-prod-8",
        "is of valkey8",
        (good(PARAMETERS, name="shop-prod-8", family="valkey8"),),
    ),
    Bad("aws-failover-in-production", GROUP, ("automaticFailoverEnabled",), False, "need true"),
    Bad("aws-failover-in-production", GROUP, ("multiAzEnabled",), ..., "need true"),
    Bad("aws-failover-in-production", GROUP, ("numCacheClusters",), 1, "1 node a shard"),
    Bad("aws-failover-in-production", GROUP, ("replicasPerNodeGroup",), 0, "1 node a shard"),
    Bad("aws-snapshots", GROUP, ("snapshotRetentionLimit",), 0, "1 day or more"),
    Bad("aws-snapshots", SERVERLESS, ("snapshotRetentionLimit",), ..., "1 day or more"),
    Bad("aws-final-snapshot-in-production", GROUP, ("finalSnapshotIdentifier",), ..., "got none"),
    Bad("aws-no-single-cluster", CLUSTER, ("engine",), "valkey", "need a ReplicationGroup"),
    Bad("aws-narrow-ingress", INGRESS, ("cidrIpv4",), "0.0.0.0/0", "no wider than /16"),
    Bad("aws-narrow-ingress", INGRESS, ("cidrIpv4",), "10.0.0.0/15", "no wider than /16"),
    Bad("aws-narrow-ingress", INGRESS, ("cidrIpv4",), "ten", "need a network"),
    Bad("aws-narrow-ingress", INGRESS, ("cidrIpv6",), "::/0", "no wider than /48"),
    Bad("aws-narrow-ingress", INGRESS, ("toPort",), 6390, "need within 6379 to 6380"),
    Bad("aws-narrow-ingress", INGRESS, ("fromPort",), 22, "need within 6379 to 6380"),
    Bad("aws-narrow-ingress", INGRESS, ("fromPort",), ..., "got none, need 6379"),
    Bad("aws-narrow-ingress", INGRESS, ("ipProtocol",), "-1", "need tcp"),
    Bad("aws-narrow-ingress", INGRESS, ("description",), ..., "need who connects"),
    Bad(
        "aws-narrow-inline-ingress",
        SECURITY_GROUP,
        ("ingress",),
        [{"cidrBlocks": ["0.0.0.0/0"]}],
        "no wider than /16",
    ),
    *(
        Bad(
            "aws-narrow-inline-ingress",
            SECURITY_GROUP,
            ("ingress",),
            [{**INLINE, name: value}],
            says,
        )
        for name, value, says in (
            ("fromPort", 22, "need within 6379 to 6380"),
            ("protocol", "-1", "ingress.protocol: got '-1'"),
            ("description", "", "ingress.description: got none"),
        )
    ),
    Bad("aws-narrow-older-ingress", OLDER_RULE, ("cidrBlocks",), ["0.0.0.0/0"], "wider than /16"),
    Bad("aws-narrow-older-ingress", OLDER_RULE, ("ipv6CidrBlocks",), ["::/0"], "wider than /48"),
    Bad("aws-narrow-older-ingress", OLDER_RULE, ("fromPort",), 22, "need within 6379 to 6380"),
    Bad("aws-narrow-older-ingress", OLDER_RULE, ("protocol",), "-1", "protocol: got '-1'"),
    Bad("aws-narrow-older-ingress", OLDER_RULE, ("description",), ..., "need who connects"),
    Bad("aws-no-inline-rules", SECURITY_GROUP, ("egress",), [{"protocol": "-1"}], "of their own"),
    Bad("aws-no-open-egress", EGRESS, ("cidrIpv4",), "0.0.0.0/0", "every port to everywhere"),
    Bad("aws-own-subnets", GROUP, ("subnetGroupName",), "default", "your own private subnets"),
    Bad("aws-own-subnets", GROUP, ("subnetGroupName",), ..., "your own private subnets"),
    Bad("aws-own-subnets", SERVERLESS, ("subnetIds",), [], "need private subnets"),
    Bad("aws-private-subnets", SUBNET, ("mapPublicIpOnLaunch",), True, "need false"),
    Bad("aws-logs-apart", GROUP, ("logDeliveryConfigurations",), [], "got no slow-log"),
    Bad(
        "aws-logs-apart",
        GROUP,
        ("logDeliveryConfigurations", 0, "destination"),
        "/aws/elasticache/shop/engine-log",
        "one destination for both",
    ),
    Bad("aws-log-retention", LOG_GROUP, ("retentionInDays",), 1, "need 7 to 400"),
    Bad("aws-log-retention", LOG_GROUP, ("retentionInDays",), ..., "need 7 to 400"),
    Bad("aws-log-retention", LOG_GROUP, ("retentionInDays",), 545, "need 7 to 400"),
    Bad("aws-alarms", GROUP, ("tags",), TAGS, "no alarm on its Evictions", alarms(METRICS[0])),
    Bad(
        "aws-alarms",
        GROUP,
        ("replicationGroupId",),
        "shop-second",
        "no alarm on its Evictions",
        (good(GROUP, replicationGroupId="shop-prod"), *alarms(*METRICS)),
    ),
    Bad("aws-alarms", SERVERLESS, ("tags",), TAGS, "no alarm on its ThrottledCmds"),
    Bad(
        "aws-alarms",
        SERVERLESS,
        ("tags",),
        TAGS,
        "no alarm on its AuthenticationFailures",
        alarms(*SERVERLESS_METRICS[:-1], clusterId="shop"),
    ),
    Bad(
        "aws-alarms",
        SERVERLESS,
        ("name",),
        "shop-second",
        "no alarm on its Evictions",
        alarms(*SERVERLESS_METRICS, clusterId="shop"),
    ),
    Bad(
        "aws-alarms",
        SERVERLESS,
        ("name",),
        "another-dimension",
        "no alarm on its BytesUsedForCache by clusterId",
        alarms(*SERVERLESS_METRICS, ServerlessCacheName="another-dimension"),
    ),
    Bad("aws-alarms-act", ALARM, ("alarmActions",), [], "need a topic"),
    Bad("aws-minor-upgrades-said", GROUP, ("autoMinorVersionUpgrade",), ..., "need true or false"),
    Bad("aws-tagged", GROUP, ("tags",), {}, "got none"),
    Bad("aws-tagged", SECRET, ("tags",), ..., "got none"),
    Bad("aws-tagged", KEY, ("tags",), {"a": "b"}, "got a, need the stage"),
    Bad("aws-tagged", KEY, ("tags",), {"env": ""}, "got env, need the stage"),
    Bad("aws-serverless-limits", SERVERLESS, LIMITS, ..., "its cost has no end"),
    Bad("aws-serverless-limits", SERVERLESS, (*LIMITS, "dataStorage"), {}, "dataStorage.maximum"),
    Bad("aws-serverless-limits", SERVERLESS, (*LIMITS, "ecpuPerSeconds"), [], "ecpuPerSeconds"),
    Bad("aws-secret-own-key", SECRET, ("kmsKeyId",), ..., "need a key of your own"),
    Bad("aws-key-rotates", KEY, ("enableKeyRotation",), False, "need true"),
    Bad("aws-secret-recovers-in-production", SECRET, ("recoveryWindowInDays",), 0, "need 7"),
    Bad(
        "aws-passwords-secret",
        USER,
        ("authenticationMode",),
        {"type": "password", "passwords": ["hunter2hunter2hunter2"]},
        "give them in `passwords`",
    ),
    Bad("aws-version-said", GROUP, ("engineVersion",), ..., "need one, 7.2"),
    Bad("aws-version-said", GROUP, ("engineVersion",), "7.1", "7.2 or newer"),
    Bad("aws-version-said", GROUP, ("engine",), "Valkey", "in lower case"),
    Bad("aws-version-said", SERVERLESS, ("majorEngineVersion",), "6", "7.2 or newer"),
    Bad("kubernetes-no-plain-port", CONFIG_MAP, ("data", "valkey.conf"), "tls-port 1", "port 0"),
    Bad(
        "kubernetes-no-plain-port",
        CONFIG_MAP,
        ("data", "sentinel.conf"),
        "port 0\nport 26379\ntls-port 26380\naclfile /a\n",
        "sentinel.conf: need port 0",
    ),
    Bad("kubernetes-no-plain-port", CONFIG_MAP, ("data", "valkey.conf"), "port 0", "tls-port"),
    Bad(
        "kubernetes-no-plain-argument",
        STATEFUL_SET,
        (*FIRST, "args"),
        ["valkey-server", "--port", "6379"],
        "need --port 0",
    ),
    Bad(
        "kubernetes-users-from-file",
        CONFIG_MAP,
        ("data", "valkey.conf"),
        "port 0\ntls-port 6379\n",
        "need an aclfile",
    ),
    Bad(
        "kubernetes-no-anonymous-user",
        CLUSTER_SECRET,
        ("stringData", "users.acl"),
        "user default on nopass ~* +@all\n",
        "need user default off",
    ),
    Bad(
        "kubernetes-no-anonymous-user",
        CLUSTER_SECRET,
        ("stringData", "users.acl"),
        "user svc on #0f ~a:* +get\n",
        "need user default off",
    ),
    Bad(
        "kubernetes-no-anonymous-user",
        CLUSTER_SECRET,
        ("data",),
        # user default off, user svc on nopass
        {"other.acl": "dXNlciBkZWZhdWx0IG9mZgp1c2VyIHN2YyBvbiBub3Bhc3MgfmE6KiArZ2V0Cg=="},
        "user svc needs a password",
    ),
    Bad("kubernetes-limits", STATEFUL_SET, (*FIRST, "resources", "limits"), {}, "limits.memory"),
    Bad("kubernetes-limits", STATEFUL_SET, (*FIRST, "resources"), ..., "requests.cpu"),
    Bad(
        "kubernetes-locked-root",
        STATEFUL_SET,
        (*FIRST, "securityContext", "readOnlyRootFilesystem"),
        ...,
        "need readOnlyRootFilesystem",
    ),
    Bad(
        "kubernetes-locked-root",
        STATEFUL_SET,
        (*POD, "securityContext", "runAsUser"),
        0,
        "no runAsUser 0",
    ),
    Bad(
        "kubernetes-locked-root",
        STATEFUL_SET,
        (*FIRST, "securityContext", "capabilities"),
        {},
        "capabilities.drop ALL",
    ),
    Bad(
        "kubernetes-image-digest-in-production",
        STATEFUL_SET,
        (*FIRST, "image"),
        "registry.example/valkey:9.1.2",
        "need name@sha256",
    ),
)
