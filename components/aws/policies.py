"""Policy documents, as pure functions that return JSON with sorted keys."""

from __future__ import annotations

import json
from collections.abc import Sequence

Statement = dict[str, object]


def partition_of(region: str) -> str:
    """Which of AWS's separate worlds a region belongs to: ARNs begin with it."""
    for start, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
        if region.startswith(start):
            return partition
    return "aws"


def domain_of(region: str) -> str:
    """What names of a region's services end with; China has one of its own."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def document(*statements: Statement) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def key_policy(region: str, account: str, log_prefixes: Sequence[str]) -> str:
    """The key's policy: the account decides by IAM; logs, alarms and ElastiCache use it.

    Args:
        region: of the store.
        account: id of the account.
        log_prefixes: beginnings of the names of the log groups that are encrypted with it.
    """
    partition, domain = partition_of(region), domain_of(region)
    logs = [f"arn:{partition}:logs:{region}:{account}:log-group:{name}*" for name in log_prefixes]
    return document(
        {
            "Sid": "AccountDecidesByIam",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "LogsOfTheStore",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{region}.{domain}"},
            "Action": [
                "kms:Encrypt*",
                "kms:Decrypt*",
                "kms:ReEncrypt*",
                "kms:GenerateDataKey*",
                "kms:Describe*",
            ],
            "Resource": "*",
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
        },
        {
            "Sid": "AlarmsToAnEncryptedTopic",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
        {
            # As AWS's own keys have it: who may make a store needs no right to the key itself.
            "Sid": "DataAndSnapshotsThroughElastiCache",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "kms:CreateGrant",
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:GenerateDataKey*",
            ],
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": f"elasticache.{region}.{domain}",
                }
            },
        },
    )


def secret_policy(account: str) -> str:
    """Nobody of another account reads it, whatever IAM says; nobody in plain text."""
    return document(
        {
            "Sid": "OwnAccountAlone",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "secretsmanager:*",
            "Resource": "*",
            "Condition": {
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                "StringNotEquals": {"aws:PrincipalAccount": account},
            },
        },
        {
            "Sid": "EncryptedAlone",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "secretsmanager:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )


def topic_policy(topic_arn: str, account: str) -> str:
    """Alarms of the account publish; nobody does in plain text."""
    return document(
        {
            "Sid": "AlarmsOfTheAccount",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
        {
            "Sid": "EncryptedAlone",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )


def connect_policy(store_arn: str, user_arns: Sequence[str]) -> str:
    """What an application's role needs to log in by IAM: the store and its user, both."""
    return document(
        {
            "Sid": "LogInByIam",
            "Effect": "Allow",
            "Action": "elasticache:Connect",
            "Resource": [store_arn, *sorted(user_arns)],
        }
    )


def endpoint_policy(account: str) -> str:
    """Only the account's own principals use an endpoint, so that nobody carries data out."""
    return document(
        {
            "Sid": "OwnAccountAlone",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalAccount": account}},
        }
    )


def assume_policy(service: str) -> str:
    """Which service may act as a role."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
        }
    )


def flow_log_policy(log_group_arn: str) -> str:
    """What a flow log writes: its own group."""
    return document(
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            "Resource": [log_group_arn, f"{log_group_arn}:*"],
        }
    )
