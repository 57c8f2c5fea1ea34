"""The verifier of a stack, written out."""

from __future__ import annotations

from typing import Final

from components.aws.verifier_code import code_archive
from holdfast.roles import APPLICATION_ROLES
from tests.unit.components.aws.cloud import auto_name
from tests.unit.components.aws.exact import access, policies
from tests.unit.components.aws.exact.case import AWS_NAME, NAME, Case, Children, child, tagged

VERIFIER: Final = f"{NAME}-verifier"
FUNCTION: Final = f"{AWS_NAME}-verifier"


def verifier(case: Case) -> Children:
    """The function with its role, its log and its way out; nothing where there is none."""
    if not case.verifier:
        return {}
    arns = {role.value: case.secret_arn(role) for role in sorted(APPLICATION_ROLES)}
    made = {
        VERIFIER: child("holdfast:index:Verifier", awsName=AWS_NAME),
        f"{VERIFIER}-function": tagged(
            "aws:lambda/function:Function",
            name=FUNCTION,
            description="Checks the session store from inside its network (Holdfast)",
            runtime="python3.13",
            architectures=["arm64"],
            handler="holdfast.aws.lambda_handler.handler",
            # Which files those are, test_verifier.py says.
            code=sorted(code_archive().assets),
            role=case.arn("iam", f"{VERIFIER}-role"),
            timeout=120,
            memorySize=1024,
            reservedConcurrentExecutions=1,
            environment={"variables": {"HOLDFAST_SECRETS": case.later(arns)}},
            vpcConfig={
                "subnetIds": case.subnets,
                "securityGroupIds": [
                    case.id(access.CLIENT_GROUP),
                    case.id(f"{VERIFIER}-access"),
                ],
            },
            loggingConfig={"logFormat": "Text", "logGroup": f"/aws/lambda/{FUNCTION}"},
        ),
        f"{VERIFIER}-log": tagged(
            "aws:cloudwatch/logGroup:LogGroup",
            name=f"/aws/lambda/{FUNCTION}",
            retentionInDays=case.log_days,
            kmsKeyId=case.key,
        ),
    }
    return made | _role(case, list(arns.values())) | _way_out(case)


def _role(case: Case, secret_arns: list[str]) -> Children:
    log = case.arn("cloudwatch", f"{VERIFIER}-log")
    made = {
        f"{VERIFIER}-role": tagged(
            "aws:iam/role:Role",
            description="What the verifier of a session store may do (Holdfast)",
            assumeRolePolicy=policies.assumed_by("lambda"),
        ),
        f"{VERIFIER}-policy": child(
            "aws:iam/rolePolicy:RolePolicy",
            role=case.id(f"{VERIFIER}-role"),
            policy=case.later(policies.verifier(log, secret_arns)),
        ),
    }
    for role in access.IAM_ROLES if "iam" in case.ways else ():
        made[f"{VERIFIER}-connect-{role}"] = child(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            role=case.later(auto_name(f"{VERIFIER}-role")),
            policyArn=case.arn("iam", f"{NAME}-connect-{role}"),
        )
    return made


def _way_out(case: Case) -> Children:
    rule = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    group = case.id(f"{VERIFIER}-access")
    return {
        f"{VERIFIER}-access": tagged(
            "aws:ec2/securityGroup:SecurityGroup",
            vpcId=case.vpc,
            description="Lets the verifier out to the store and to Secrets Manager (Holdfast)",
            revokeRulesOnDelete=True,
        ),
        f"{VERIFIER}-to-store": tagged(
            rule,
            securityGroupId=group,
            referencedSecurityGroupId=case.id(access.STORE_GROUP),
            ipProtocol="tcp",
            fromPort=6379,
            toPort=6380,
            description="To the store",
        ),
        f"{VERIFIER}-to-secrets-0": tagged(
            rule,
            securityGroupId=group,
            # In a network that was there nobody says where Secrets Manager answers.
            cidrIpv4="0.0.0.0/0" if case.zones == 0 else "10.64.0.0/20",
            ipProtocol="tcp",
            fromPort=443,
            toPort=443,
            description="To Secrets Manager",
        ),
    }
