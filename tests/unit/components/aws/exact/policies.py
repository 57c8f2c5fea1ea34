"""The policy documents, written out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.unit.components.aws.cloud import ACCOUNT, KEY_ARN, REGION
from tests.unit.components.aws.exact.case import AWS_NAME

Document = dict[str, Any]
ENCRYPTED: Final = {"Bool": {"aws:SecureTransport": "false"}}
INTERFACES: Final = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


def document(*statements: Mapping[str, Any]) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


Text = str | list[str]


def _statement(
    sid: str,
    effect: str,
    principal: str | dict[str, str] | None,
    action: Text,
    resource: Text,
    **condition: Mapping[str, Text],
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Sid": sid,
        "Effect": effect,
        "Action": action,
        "Resource": resource,
    }
    if principal is not None:
        made["Principal"] = principal
    return {**made, "Condition": condition} if condition else made


def key() -> Document:
    """Of the store's key."""
    logs = [
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/{service}/{AWS_NAME}*"
        for service in ("elasticache", "lambda", "vpc")
    ]
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    through = {
        "kms:CallerAccount": ACCOUNT,
        "kms:ViaService": f"elasticache.{REGION}.amazonaws.com",
    }
    return document(
        _statement("AccountDecidesByIam", "Allow", root, "kms:*", "*"),
        _statement(
            "LogsOfTheStore",
            "Allow",
            {"Service": f"logs.{REGION}.amazonaws.com"},
            [
                "kms:Encrypt*",
                "kms:Decrypt*",
                "kms:ReEncrypt*",
                "kms:GenerateDataKey*",
                "kms:Describe*",
            ],
            "*",
            ArnLike={"kms:EncryptionContext:aws:logs:arn": logs},
        ),
        _statement(
            "AlarmsToAnEncryptedTopic",
            "Allow",
            {"Service": "cloudwatch.amazonaws.com"},
            ["kms:Decrypt", "kms:GenerateDataKey*"],
            "*",
            StringEquals={"aws:SourceAccount": ACCOUNT},
        ),
        _statement(
            "DataAndSnapshotsThroughElastiCache",
            "Allow",
            {"AWS": "*"},
            ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"],
            "*",
            StringEquals=through,
        ),
    )


def secret() -> Document:
    """Of a role's secret."""
    return document(
        _statement(
            "OwnAccountAlone",
            "Deny",
            "*",
            "secretsmanager:*",
            "*",
            BoolIfExists={"aws:PrincipalIsAWSService": "false"},
            StringNotEquals={"aws:PrincipalAccount": ACCOUNT},
        ),
        _statement("EncryptedAlone", "Deny", "*", "secretsmanager:*", "*", **ENCRYPTED),
    )


def topic(arn: str) -> Document:
    """Of the topic of the alarms."""
    return document(
        _statement(
            "AlarmsOfTheAccount",
            "Allow",
            {"Service": "cloudwatch.amazonaws.com"},
            "sns:Publish",
            arn,
            StringEquals={"aws:SourceAccount": ACCOUNT},
        ),
        _statement("EncryptedAlone", "Deny", "*", "sns:Publish", arn, **ENCRYPTED),
    )


def connect(store_arn: str, user_arn: str) -> Document:
    """What an application that logs in by IAM needs."""
    return document(
        _statement("LogInByIam", "Allow", None, "elasticache:Connect", [store_arn, user_arn])
    )


def endpoint() -> Document:
    """Of an endpoint of the network."""
    own = {"aws:PrincipalAccount": ACCOUNT}
    return document(_statement("OwnAccountAlone", "Allow", "*", "*", "*", StringEquals=own))


def assumed_by(service: str) -> Document:
    """Of a role of a service."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    )


def flow_log(group_arn: str) -> Document:
    """Of the role of the flow log."""
    return document(
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": [group_arn, f"{group_arn}:*"],
        }
    )


def verifier(log_arn: str, secret_arns: list[str]) -> Document:
    """Of the role of the verifier."""
    writes = ["logs:CreateLogStream", "logs:PutLogEvents"]
    own_code = {"lambda:SourceFunctionArn": "false"}
    through = {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}
    return document(
        _statement("Log", "Allow", None, writes, f"{log_arn}:*"),
        _statement("Network", "Allow", None, INTERFACES, "*"),
        _statement("NetworkNotByCode", "Deny", None, INTERFACES, "*", Null=own_code),
        _statement("Secrets", "Allow", None, "secretsmanager:GetSecretValue", secret_arns),
        _statement("Decrypt", "Allow", None, "kms:Decrypt", KEY_ARN, StringEquals=through),
    )
