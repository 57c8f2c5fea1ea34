"""What the verifier's role may do, and no more. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from components.aws.policies import Statement, document, domain_of

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
    statements: list[Statement] = [
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
        through = f"secretsmanager.{region}.{domain_of(region)}"
        statements.append(
            {
                "Sid": "Decrypt",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": kms_key_arn,
                "Condition": {"StringEquals": {"kms:ViaService": through}},
            }
        )
    return document(*statements)
