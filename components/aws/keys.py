"""The key that data, snapshots, secrets, logs and alarms of a store are encrypted with."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.aws.policies import key_policy
from components.aws.store_spec import StoreSpec

_DELETION_DAYS = 30


def log_prefixes(spec: StoreSpec) -> tuple[str, ...]:
    """Beginnings of the names of the log groups that the key is for."""
    return tuple(f"/aws/{service}/{spec.aws_name}" for service in ("elasticache", "lambda", "vpc"))


def store_key(
    name: str, spec: StoreSpec, account: pulumi.Input[str], child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """The ARN of the key: a new one that is rotated each year, or the one that was given.

    Without the key the data and every snapshot are lost: with preset prod it is protected. The
    policy of a key that was given must let the region's log service and ``cloudwatch`` use it.
    """
    if spec.kms_key_arn is not None:
        return pulumi.Output.from_input(spec.kms_key_arn)
    key = aws.kms.Key(
        f"{name}-key",
        description=f"Session store {spec.aws_name}: data, snapshots, secrets and logs",
        enable_key_rotation=True,
        rotation_period_in_days=365,
        deletion_window_in_days=_DELETION_DAYS,
        policy=pulumi.Output.from_input(account).apply(
            lambda known: key_policy(spec.region, known, log_prefixes(spec))
        ),
        tags=spec.tags,
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=spec.production)),
    )
    aws.kms.Alias(
        f"{name}-key-alias",
        name=f"alias/{spec.aws_name}-store",
        target_key_id=key.key_id,
        opts=child,
    )
    return key.arn
