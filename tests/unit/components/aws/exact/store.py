"""The store itself: a replication group or a serverless cache, written out."""

from __future__ import annotations

from typing import Any

from tests.unit.components.aws.cloud import ACCOUNT, DIGITS, REGION, auto_name
from tests.unit.components.aws.exact import access, policies
from tests.unit.components.aws.exact.alarms import alarms
from tests.unit.components.aws.exact.case import AWS_NAME, NAME, Case, Children, Node, child, tagged

LOG_TYPES = ("slow-log", "engine-log")


def store(case: Case) -> Children:
    """The component with all its children."""
    kind = "ServerlessSessionStore" if case.node is None else "ElastiCacheSessionStore"
    own = child(
        f"holdfast:index:{kind}",
        app="agent",
        buckets=64,
        topology=case.topology,
        region=REGION,
        awsName=AWS_NAME,
    )
    around = access.key(case) | access.gate(case) | access.users(case) | access.secrets(case)
    made = {NAME: own} | around | alarms(case) | _connect(case)
    return made | (_cache(case) if case.node is None else _group(case, case.node))


def _connect(case: Case) -> Children:
    if "iam" not in case.ways:
        return {}
    arn = f"arn:aws:elasticache:{REGION}:{ACCOUNT}"
    return {
        f"{NAME}-connect-{role}": tagged(
            "aws:iam/policy:Policy",
            description=f"Log in to session store {AWS_NAME} as {role} by IAM",
            policy=case.later(
                policies.connect(f"{arn}:{AWS_NAME}", f"{arn}:{NAME}-user-{role}-iam")
            ),
        )
        for role in access.IAM_ROLES
    }


def _cache(case: Case) -> Children:
    return {
        AWS_NAME: tagged(
            "aws:elasticache/serverlessCache:ServerlessCache",
            description=f"Session store {AWS_NAME}",
            engine="valkey",
            majorEngineVersion=case.version.partition(".")[0],
            subnetIds=case.subnets,
            securityGroupIds=[case.id(access.STORE_GROUP)],
            userGroupId=f"{AWS_NAME}-users",
            kmsKeyId=case.key,
            cacheUsageLimits={
                "dataStorage": {"maximum": 5, "unit": "GB"},
                "ecpuPerSeconds": [{"maximum": 10_000}],
            },
            snapshotRetentionLimit=case.snapshot_days,
            dailySnapshotTime="03:00",
        )
    }


def _group(case: Case, node: Node) -> Children:
    return {
        AWS_NAME: tagged(
            "aws:elasticache/replicationGroup:ReplicationGroup",
            description=f"Session store {AWS_NAME}",
            engine="valkey",
            engineVersion=case.version,
            nodeType=node.name,
            **_counts(case),
            # Without replicas a cluster may fail over, in name, but has one zone.
            automaticFailoverEnabled=case.replicas > 0 or case.shards is not None,
            multiAzEnabled=case.replicas > 0,
            port=6379,
            subnetGroupName=case.later(auto_name(f"{NAME}-subnets")),
            securityGroupIds=[case.id(access.STORE_GROUP)],
            parameterGroupName=case.later(auto_name(f"{NAME}-parameters")),
            transitEncryptionEnabled=True,
            transitEncryptionMode="required",
            atRestEncryptionEnabled=True,
            kmsKeyId=case.key,
            userGroupIds=[f"{AWS_NAME}-users"],
            logDeliveryConfigurations=[
                {
                    "destination": f"/aws/elasticache/{AWS_NAME}/{kind}",
                    "destinationType": "cloudwatch-logs",
                    "logFormat": "json",
                    "logType": kind,
                }
                for kind in LOG_TYPES
            ],
            snapshotRetentionLimit=case.snapshot_days,
            snapshotWindow=case.windows[0],
            maintenanceWindow=case.windows[1],
            autoMinorVersionUpgrade=True,
            applyImmediately=case.at_once,
            **_snapshots(case),
        ),
        f"{NAME}-subnets": tagged(
            "aws:elasticache/subnetGroup:SubnetGroup",
            description=f"Session store {AWS_NAME}",
            subnetIds=case.subnets,
        ),
        f"{NAME}-parameters": tagged(
            "aws:elasticache/parameterGroup:ParameterGroup",
            description=f"Session store {AWS_NAME}",
            family=f"valkey{case.version.partition('.')[0]}",
            parameters=_parameters(case, node),
        ),
        **{
            f"{NAME}-{kind}": tagged(
                "aws:cloudwatch/logGroup:LogGroup",
                name=f"/aws/elasticache/{AWS_NAME}/{kind}",
                retentionInDays=case.log_days,
                kmsKeyId=case.key,
            )
            for kind in LOG_TYPES
        },
    }


def _counts(case: Case) -> dict[str, Any]:
    """One family of counts: AWS refuses both together."""
    if case.shards is None:
        return {"clusterMode": "disabled", "numCacheClusters": case.nodes}
    return {
        "clusterMode": "enabled",
        "numNodeGroups": case.shards,
        "replicasPerNodeGroup": case.replicas,
    }


def _snapshots(case: Case) -> dict[str, Any]:
    final = {"finalSnapshotIdentifier": case.later(f"{AWS_NAME}-final-{DIGITS}")}
    begin = {} if case.snapshot is None else {"snapshotName": case.snapshot}
    return {**begin, **(final if case.production else {})}


def _parameters(case: Case, node: Node) -> list[dict[str, str]]:
    values = {
        "acl-pubsub-default": "resetchannels",
        "activedefrag": "yes",
        **({} if case.shards is None else {"cluster-enabled": "yes"}),
        "maxmemory-policy": case.eviction,
        "maxmemory-samples": "5",
        "repl-backlog-size": str(node.backlog),
        "reserved-memory-percent": str(node.reserve),
        "tcp-keepalive": "60",
    }
    return [{"name": name, "value": value} for name, value in values.items()]
