"""The keys that only target aws has."""

from __future__ import annotations

from typing import Final

from config.setting import (
    Setting,
    Target,
    auto_flag,
    auto_number,
    auto_text,
    flag_setting,
    list_setting,
    number_setting,
    text_setting,
)

_AWS: Final = (Target.AWS,)

AWS_SETTINGS: Final[tuple[Setting, ...]] = (
    auto_text(
        "region",
        "Region of the store (aws), such as eu-west-1. A change leaves the sessions behind.",
        "none; required with target aws",
        only=_AWS,
    ),
    list_setting(
        "accountIds",
        "Accounts that the stack may be deployed into (aws), 12 digits each; empty: any.",
        only=_AWS,
    ),
    auto_text(
        "nodeType",
        "Type of each node (aws), such as cache.r7g.large; must hold expectedSessions.",
        "the cheapest in the region that holds expectedSessions with headroom",
        only=_AWS,
    ),
    auto_number(
        "availabilityZones",
        "Zones with a private subnet each (aws), 2 to 6.",
        "the preset's",
        only=_AWS,
    ),
    auto_text(
        "vpcCidr",
        "Addresses of the network that is made (aws): a private range from /16 to /25.",
        "10.64.0.0/20",
        only=_AWS,
    ),
    auto_text(
        "vpcId",
        "Network to use instead of a new one (aws); with subnetIds.",
        "none: one is made",
        only=_AWS,
    ),
    list_setting(
        "subnetIds", "Private subnets in vpcId (aws), two or more in different zones.", only=_AWS
    ),
    list_setting(
        "clientSecurityGroupIds",
        "Security groups whose members may connect (aws), beside the one that is made.",
        only=_AWS,
    ),
    list_setting(
        "clientCidrs",
        "Addresses that may connect (aws), none wider than /16. Security groups are better.",
        only=_AWS,
    ),
    auto_text(
        "kmsKeyArn",
        "Key for data, secrets and logs (aws), by its ARN and not by an alias. A change replaces "
        "the store.",
        "none: one is made, and rotated every year",
        only=_AWS,
    ),
    text_setting(
        "authentication",
        "password",
        "How svc and worker log in (aws): password, iam (by the policy of each in the output "
        "resources.connect_policy_arns), or password-and-iam on the way between them. The other "
        "roles have passwords.",
        only=_AWS,
    ),
    auto_number(
        "snapshotRetentionDays",
        "Days that snapshots are kept (aws), 1 to 35.",
        "the preset's",
        only=_AWS,
    ),
    text_setting(
        "snapshotWindow",
        "03:00-04:00",
        "When the daily snapshot is taken (aws), UTC, an hour or more.",
        only=_AWS,
    ),
    text_setting(
        "maintenanceWindow",
        "sun:05:00-sun:06:00",
        "When AWS may maintain nodes (aws), UTC, an hour to a day, beside snapshotWindow.",
        only=_AWS,
    ),
    auto_text(
        "restoreSnapshot",
        "Snapshot that a new store begins with (aws): its name, with serverless its ARN.",
        "none: it begins empty",
        only=_AWS,
    ),
    flag_setting(
        "autoMinorVersionUpgrade",
        "Let AWS install minor versions in maintenanceWindow (aws).",
        default=True,
        only=_AWS,
    ),
    auto_flag(
        "applyImmediately",
        "true: changes happen at once; false: what interrupts waits for maintenanceWindow (aws).",
        "the preset's",
        only=_AWS,
    ),
    auto_text(
        "alarmTopicArn",
        "SNS topic that alarms are sent to (aws), in the store's region.",
        "none: one is made",
        only=_AWS,
    ),
    list_setting(
        "alarmEmails",
        "Addresses that the topic which is made sends to (aws); each must confirm once.",
        only=_AWS,
    ),
    number_setting(
        "logRetentionDays",
        30,
        "Days that logs are kept (aws): 7, 14, 30, 60, 90, 120, 150, 180, 365 or 400.",
        only=_AWS,
    ),
    auto_number(
        "dataStorageGb",
        "The most that a serverless store may hold (aws), 1 to 5000 GB; bounds the bill.",
        "none; required with topology serverless",
        only=_AWS,
    ),
    auto_number(
        "ecpuPerSecond",
        "The most that a serverless store may process (aws), 1000 to 15000000 ECPU a second.",
        "none; required with topology serverless",
        only=_AWS,
    ),
    auto_flag(
        "verifier",
        "true: make the Lambda function that runs smoke beside the store (aws).",
        "the preset's",
        only=_AWS,
    ),
    list_setting("awsTags", "Further tags of every resource (aws), as key=value.", only=_AWS),
    auto_text(
        "importId",
        "Id of a replication group that is there already, to take over in this update as it is "
        "(aws); docs/targets.md.",
        "none: one is made",
        only=_AWS,
    ),
    auto_text(
        "replicationGroupId",
        "Id of the replication group that importId took over before, for the store's life (aws): "
        "from then on its settings apply.",
        "none: AWS's id begins with storeName",
        only=_AWS,
    ),
)
