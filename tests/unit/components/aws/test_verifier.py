"""The verifier: exactly these children with exactly these inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from components.aws.verifier import Verifier, VerifierArgs
from components.aws.verifier_code import code_archive, code_files
from components.aws.verifier_policy import role_policy
from holdfast.errors import ConfigError
from tests.unit.components.mocks import Deployment, arn_of, deploy

NAME = "store-verifier"
FUNCTION = f"{NAME}-function"
TAGS = {"env": "prod"}
SECRETS = {
    role: f"arn:aws:secretsmanager:eu-central-1:1:secret:{role}" for role in ("svc", "admin")
}
KEY = "arn:aws:kms:eu-central-1:1:key/k"


def args(**more: object) -> VerifierArgs:
    given: VerifierArgs = {
        "aws_name": "chat-prod",
        "region": "eu-central-1",
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "client_security_group_id": "sg-client",
        "store_security_group_id": "sg-store",
        "secret_arns": SECRETS,
        "kms_key_arn": KEY,
        "https_cidrs": ["10.64.0.0/20"],
        "tags": TAGS,
    }
    return {**given, **more}  # type: ignore[typeddict-item]  # a test may spoil one


def made(of: VerifierArgs | None = None, *, preview: bool = False) -> Deployment:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        verifier = Verifier(NAME, of or args())
        return {"name": verifier.function_name, "arn": verifier.function_arn}

    return deploy(program, preview=preview)


@pytest.mark.parametrize("preview", [False, True])
def test_exactly_these_children_are_made_below_the_component(preview: bool) -> None:
    found = made(preview=preview)
    assert {name: one.typ for name, one in found.created.items()} == {
        "store-verifier-log": "aws:cloudwatch/logGroup:LogGroup",
        "store-verifier-role": "aws:iam/role:Role",
        "store-verifier-policy": "aws:iam/rolePolicy:RolePolicy",
        "store-verifier-access": "aws:ec2/securityGroup:SecurityGroup",
        "store-verifier-to-store": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "store-verifier-to-secrets-0": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        FUNCTION: "aws:lambda/function:Function",
        NAME: "holdfast:index:Verifier",
    }
    for name in set(found.created) - {NAME}:
        assert "holdfast:index:Verifier$" in found.urns[name]


def test_the_function_stands_in_the_subnets_with_both_groups() -> None:
    found = made()
    inputs = found.inputs(FUNCTION)
    inputs.pop("code")
    assert inputs == {
        "name": "chat-prod-verifier",
        "description": "Checks the session store from inside its network (Holdfast)",
        "runtime": "python3.13",
        "architectures": ["arm64"],
        "handler": "holdfast.aws.lambda_handler.handler",
        "role": arn_of("store-verifier-role"),
        "timeout": 120.0,
        "memorySize": 1024.0,
        "reservedConcurrentExecutions": 1.0,
        "environment": {"variables": {"HOLDFAST_SECRETS": json.dumps(SECRETS, sort_keys=True)}},
        "vpcConfig": {
            "subnetIds": ["subnet-1", "subnet-2"],
            "securityGroupIds": ["sg-client", "store-verifier-access-id"],
        },
        "loggingConfig": {"logFormat": "Text", "logGroup": "/aws/lambda/chat-prod-verifier"},
        "tags": TAGS,
    }
    assert {"store-verifier-policy", "store-verifier-to-store", "store-verifier-to-secrets-0"} <= (
        found.waits_for[FUNCTION]
    )
    assert found.outputs["name"].value == "chat-prod-verifier"
    assert found.outputs["arn"].value == arn_of(FUNCTION)


def test_log_role_and_groups_say_what_they_are_for() -> None:
    found = made()
    assert found.inputs("store-verifier-log") == {
        "name": "/aws/lambda/chat-prod-verifier",
        "retentionInDays": 30.0,
        "kmsKeyId": KEY,
        "tags": TAGS,
    }
    role = found.inputs("store-verifier-role")
    assert json.loads(role["assumeRolePolicy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
    access = found.inputs("store-verifier-access")
    assert (access["vpcId"], access["revokeRulesOnDelete"]) == ("vpc-1", True)
    assert "ingress" not in access
    assert "egress" not in access
    common = {
        "securityGroupId": "store-verifier-access-id",
        "ipProtocol": "tcp",
        "tags": TAGS,
    }
    assert found.inputs("store-verifier-to-store") == {
        **common,
        "description": "To the store",
        "fromPort": 6379.0,
        "toPort": 6380.0,
        "referencedSecurityGroupId": "sg-store",
    }
    assert found.inputs("store-verifier-to-secrets-0") == {
        **common,
        "description": "To Secrets Manager",
        "fromPort": 443.0,
        "toPort": 443.0,
        "cidrIpv4": "10.64.0.0/20",
    }


def test_without_an_endpoint_the_function_may_ask_secrets_manager_anywhere() -> None:
    found = made(args(https_cidrs=()))
    assert found.inputs("store-verifier-to-secrets-0")["cidrIpv4"] == "0.0.0.0/0"


def test_every_child_that_takes_tags_has_them() -> None:
    found = made()
    without = {name for name in found.created if found.inputs(name).get("tags") != TAGS}
    assert without == {NAME, "store-verifier-policy"}


def test_the_role_reads_these_secrets_and_writes_this_log_alone() -> None:
    policy = made().inputs("store-verifier-policy")["policy"]
    by_id = {one["Sid"]: one for one in json.loads(policy)["Statement"]}
    assert by_id["Secrets"]["Resource"] == sorted(SECRETS.values())
    assert by_id["Secrets"]["Action"] == "secretsmanager:GetSecretValue"
    assert by_id["Log"]["Resource"] == f"{arn_of('store-verifier-log')}:*"
    assert by_id["Decrypt"]["Resource"] == KEY
    assert by_id["Decrypt"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com"}
    }
    anywhere = [sid for sid, one in by_id.items() if one["Resource"] == "*"]
    assert anywhere == ["Network", "NetworkNotByCode"]
    assert all(action.startswith("ec2:") for action in by_id["Network"]["Action"])
    assert by_id["NetworkNotByCode"]["Effect"] == "Deny"
    assert by_id["NetworkNotByCode"]["Action"] == by_id["Network"]["Action"]


def test_without_a_key_nothing_is_decrypted() -> None:
    text = role_policy(log_group_arn="l", secret_arns=["s"], kms_key_arn=None, region="eu-west-1")
    assert "kms" not in text


def test_a_region_of_china_has_names_of_its_own() -> None:
    text = role_policy(log_group_arn="l", secret_arns=["s"], kms_key_arn="k", region="cn-north-1")
    assert "secretsmanager.cn-north-1.amazonaws.com.cn" in text


def test_logins_by_iam_get_the_policies_of_the_roles_whose_secrets_are_there() -> None:
    policies = {role: f"arn:policy/{role}" for role in ("svc", "worker")}
    found = made(args(connect_policy_arns=policies))
    assert found.inputs("store-verifier-connect-svc") == {
        "role": found.created["store-verifier-role"].name + "-0a1b2c3",
        "policyArn": "arn:policy/svc",
    }
    assert "store-verifier-connect-svc" in found.waits_for[FUNCTION]
    assert "store-verifier-connect-worker" not in found.created


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"secret_arns": {}}, "verifier.secret_arns"),
        ({"secret_arns": {"replica": "arn"}}, "verifier.secret_arns"),
        ({"timeout_seconds": 29}, "verifier.timeout_seconds"),
        ({"timeout_seconds": 901}, "verifier.timeout_seconds"),
        ({"reserved_concurrency": 0}, "verifier.reserved_concurrency"),
        ({"log_retention_days": 31}, "holdfast:logRetentionDays"),
        ({"aws_name": "c" * 25}, "aws_name"),
        ({"region": "nowhere-1"}, "holdfast:region"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_registered(
    more: dict[str, object], named: str
) -> None:
    with pytest.raises(ConfigError, match=named):
        Verifier(NAME, args(**more))


def test_the_code_is_text_of_the_two_packages_in_one_order() -> None:
    files = code_files()
    assert list(files) == sorted(files)
    assert {"holdfast/aws/lambda_handler.py", "holdfast/lua/append.lua", "redis/client.py"} <= set(
        files
    )
    assert {name.rpartition(".")[2] for name in files} == {"py", "lua", "typed"}
    assert not [name for name in files if "__pycache__" in name]
    assert all(path.is_file() for path in files.values())


def test_the_archive_is_the_same_every_time() -> None:
    def content(archive: pulumi.AssetArchive) -> dict[str, str]:
        return {
            name: getattr(asset, "path", "") or getattr(asset, "text", "")
            for name, asset in archive.assets.items()
        }

    assert content(code_archive()) == content(code_archive())
    assert list(code_archive().assets) == sorted(code_archive().assets)
