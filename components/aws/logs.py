"""Where a store's logs go: a group each for slow commands and for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

from components.aws.store_spec import StoreSpec

LOG_TYPES: Final = ("slow-log", "engine-log")


def log_deliveries(
    name: str, spec: StoreSpec, key_arn: pulumi.Input[str], child: pulumi.ResourceOptions
) -> Sequence[aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgsDict]:
    """Create the groups, and say how a replication group delivers to them.

    Both in one would overwrite each other. AWS puts a count in place of the arguments of slow
    commands: no key and no value is in the log.
    """
    deliveries: list[aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgsDict] = []
    for kind in LOG_TYPES:
        group = aws.cloudwatch.LogGroup(
            f"{name}-{kind}",
            name=f"/aws/elasticache/{spec.aws_name}/{kind}",
            retention_in_days=spec.log_retention_days,
            kms_key_id=key_arn,
            tags=spec.tags,
            opts=child,
        )
        deliveries.append(
            {
                "destination": group.name,
                "destination_type": "cloudwatch-logs",
                "log_format": "json",
                "log_type": kind,
            }
        )
    return deliveries
