"""What the verifier's role may do, and no more. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

_INTERFACES: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""What Lambda itself needs to place a function in subnets (Lambda developer guide, "Giving Lambda
functions access to resources in an Amazon VPC"). EC2 has no resource to narrow them to."""


def assume_policy() -> str:
    """Who takes the role: Lambda alone."""
    return _document(
        [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]
    )


def role_policy(
    *, log_group_arn: str, secret_arns: Sequence[str], kms_key_arn: str | None, region: str
) -> str:
    """What the role may do, as JSON.

    Args:
        log_group_arn: the one log group that it writes to.
        secret_arns: the secrets that it reads.
        kms_key_arn: what they are encrypted with; None for the key of the service.
        region: of the store.
    """
    statements: list[Mapping[str, Any]] = [
        {
            "Sid": "Log",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"{log_group_arn}:*",
        },
        {"Sid": "Network", "Effect": "Allow", "Action": list(_INTERFACES), "Resource": "*"},
        {
            # The function's own code needs none of them: the condition key is there only in
            # calls that it makes.
            "Sid": "NetworkNotByCode",
            "Effect": "Deny",
            "Action": list(_INTERFACES),
            "Resource": "*",
            "Condition": {"Null": {"lambda:SourceFunctionArn": "false"}},
        },
        {
            "Sid": "Secrets",
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": sorted(secret_arns),
        },
    ]
    if kms_key_arn is not None:
        statements.append(
            {
                "Sid": "Decrypt",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": kms_key_arn,
                "Condition": {
                    "StringEquals": {"kms:ViaService": f"secretsmanager.{region}.{_suffix(region)}"}
                },
            }
        )
    return _document(statements)


def _suffix(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def _document(statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)
