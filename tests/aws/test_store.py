"""The store on AWS, through the real engine: up, proved, unchanged, destroyed with nothing left.

Emulation: moto and real Valkey on one machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.aws.stack import WHERE, AwsStack, deployed
from tests.standin.aws.emulator import Emulator

pytestmark = pytest.mark.timeout(600)

VARIANTS: Mapping[str, Mapping[str, str]] = {
    "dev": {"preset": "dev"},
    "staging": {"preset": "staging"},
    "prod": {"preset": "prod"},
    "cluster": {"preset": "staging", "topology": "cluster", "primaries": "2", "replicas": "1"},
    "serverless": {
        "preset": "dev",
        "topology": "serverless",
        "dataStorageGb": "5",
        "ecpuPerSecond": "5000",
    },
}


@pytest.fixture(params=list(VARIANTS))
def stack(request: pytest.FixtureRequest, tmp_path: Path, aws: Emulator) -> Iterator[AwsStack]:
    with deployed(tmp_path, aws, **VARIANTS[request.param]) as stack:
        yield stack


def test_a_store_comes_up_proves_itself_and_leaves_nothing(stack: AwsStack) -> None:
    stack.run("smoke", *stack.record(WHERE))
    stack.unchanged()
    assert stack.secrets_in_plain() == []
    stack.destroy()
    assert left_over(stack) == {}


def left_over(stack: AwsStack) -> dict[str, object]:
    """What of the store is still on AWS; its final snapshot, and what can be brought back for a
    while, are meant to stay."""
    cache, ec2 = stack.client("elasticache"), stack.client("ec2")
    iam, kms = stack.client("iam"), stack.client("kms")
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
        "functions": stack.client("lambda").list_functions()["Functions"],
        "alarms": stack.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "log groups": stack.client("logs").describe_log_groups()["logGroups"],
        "secrets": [
            secret["Name"]
            for secret in stack.client("secretsmanager").list_secrets()["SecretList"]
            if "DeletedDate" not in secret
        ],
        "roles": [role["RoleName"] for role in iam.list_roles()["Roles"]],
        "policies": iam.list_policies(Scope="Local")["Policies"],
        "topics": stack.client("sns").list_topics()["Topics"],
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
