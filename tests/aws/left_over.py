"""What a destroyed store has left on the emulated AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def left_over(client: Callable[[str], Any]) -> dict[str, object]:
    """What of a store is still on AWS, by kind; nothing of a kind that is not named.

    Its final snapshot, and what can be brought back for a while, are meant to stay.

    Args:
        client: of boto3 for a service, in the store's region.
    """
    cache, ec2, iam, kms = client("elasticache"), client("ec2"), client("iam"), client("kms")
    found: dict[str, object] = {
        "groups": cache.describe_replication_groups()["ReplicationGroups"],
        "serverless": cache.describe_serverless_caches()["ServerlessCaches"],
        "users": [
            user["UserId"]
            for user in cache.describe_users()["Users"]
            if user["UserId"] != "default"
        ],
        "user groups": cache.describe_user_groups()["UserGroups"],
        "parameter groups": [
            group["CacheParameterGroupName"]
            for group in cache.describe_cache_parameter_groups()["CacheParameterGroups"]
            if not group["CacheParameterGroupName"].startswith("default.")
        ],
        "subnet groups": cache.describe_cache_subnet_groups()["CacheSubnetGroups"],
        "vpcs": [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]],
        "functions": client("lambda").list_functions()["Functions"],
        "alarms": client("cloudwatch").describe_alarms()["MetricAlarms"],
        "log groups": client("logs").describe_log_groups()["logGroups"],
        "secrets": [
            secret["Name"]
            for secret in client("secretsmanager").list_secrets()["SecretList"]
            if "DeletedDate" not in secret
        ],
        "roles": [role["RoleName"] for role in iam.list_roles()["Roles"]],
        "policies": iam.list_policies(Scope="Local")["Policies"],
        "topics": client("sns").list_topics()["Topics"],
        "keys": [
            key["KeyId"]
            for key in kms.list_keys()["Keys"]
            if kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled"
        ],
        "aliases": [
            alias["AliasName"]
            for alias in kms.list_aliases()["Aliases"]
            if not alias["AliasName"].startswith("alias/aws/")
        ],
    }
    return {what: json.loads(json.dumps(one, default=str)) for what, one in found.items() if one}
