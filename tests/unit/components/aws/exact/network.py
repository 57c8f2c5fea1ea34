"""The network of a stack, written out."""

from __future__ import annotations

from typing import Final

from tests.unit.components.aws.cloud import REGION, ZONES
from tests.unit.components.aws.exact import policies
from tests.unit.components.aws.exact.case import AWS_NAME, NAME, Case, Children, child, tagged

NETWORK: Final = f"{NAME}-network"
CIDRS: Final = {
    2: ("10.64.0.0/21", "10.64.8.0/21"),
    3: ("10.64.0.0/22", "10.64.4.0/22", "10.64.8.0/22"),
}


def network(case: Case) -> Children:
    """The VPC with its subnets, endpoints and flow log; nothing where it was there."""
    made: Children = {NETWORK: child("holdfast:index:PrivateNetwork")}
    if case.zones == 0:
        return made
    made[f"{NETWORK}-vpc"] = child(
        "aws:ec2/vpc:Vpc",
        cidrBlock="10.64.0.0/20",
        enableDnsHostnames=True,
        enableDnsSupport=True,
        tags={"Name": "store-test-store"},
    )
    for number, cidr in enumerate(CIDRS[case.zones]):
        named = {"Name": f"store-test-store-{number}"}
        made[f"{NETWORK}-subnet-{number}"] = child(
            "aws:ec2/subnet:Subnet",
            vpcId=case.vpc,
            cidrBlock=cidr,
            availabilityZone=ZONES[number],
            mapPublicIpOnLaunch=False,
            tags=named,
        )
        made[f"{NETWORK}-routes-{number}"] = child(
            "aws:ec2/routeTable:RouteTable", vpcId=case.vpc, tags=named
        )
        made[f"{NETWORK}-route-{number}"] = child(
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            subnetId=case.id(f"{NETWORK}-subnet-{number}"),
            routeTableId=case.id(f"{NETWORK}-routes-{number}"),
        )
    return made | _endpoints(case) | _flow_log(case)


def _endpoints(case: Case) -> Children:
    group = case.id(f"{NETWORK}-endpoints")
    made = {
        f"{NETWORK}-endpoints": child(
            "aws:ec2/securityGroup:SecurityGroup",
            vpcId=case.vpc,
            description="Endpoints of AWS services beside the session store",
            revokeRulesOnDelete=True,
            tags={"Name": f"{AWS_NAME}-endpoints"},
        ),
        f"{NETWORK}-endpoints-https": tagged(
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            securityGroupId=group,
            ipProtocol="tcp",
            fromPort=443,
            toPort=443,
            cidrIpv4="10.64.0.0/20",
            description="HTTPS from within the network",
        ),
    }
    for service in ("secretsmanager", "kms", "logs"):
        made[f"{NETWORK}-endpoint-{service}"] = child(
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            vpcId=case.vpc,
            serviceName=f"com.amazonaws.{REGION}.{service}",
            vpcEndpointType="Interface",
            privateDnsEnabled=True,
            subnetIds=[case.id(f"{NETWORK}-subnet-{zone}") for zone in range(case.zones)],
            securityGroupIds=[group],
            policy=policies.endpoint(),
            tags={"Name": f"{AWS_NAME}-{service}"},
        )
    return made


def _flow_log(case: Case) -> Children:
    group = case.arn("cloudwatch", f"{NETWORK}-flow-log-group")
    encrypted = {"kmsKeyId": case.key} if case.own_key else {}
    return {
        f"{NETWORK}-flow-log-group": tagged(
            "aws:cloudwatch/logGroup:LogGroup",
            namePrefix=f"/aws/vpc/{AWS_NAME}/flow-log-",
            retentionInDays=case.log_days,
            **encrypted,
        ),
        f"{NETWORK}-flow-log-role": tagged(
            "aws:iam/role:Role",
            description="Writes the flow log of the session store's network",
            assumeRolePolicy=policies.assumed_by("vpc-flow-logs"),
        ),
        f"{NETWORK}-flow-log-rights": child(
            "aws:iam/rolePolicy:RolePolicy",
            role=case.id(f"{NETWORK}-flow-log-role"),
            policy=case.later(policies.flow_log(group)),
        ),
        f"{NETWORK}-flow-log": tagged(
            "aws:ec2/flowLog:FlowLog",
            vpcId=case.vpc,
            trafficType="ALL",
            logDestinationType="cloud-watch-logs",
            logDestination=group,
            iamRoleArn=case.arn("iam", f"{NETWORK}-flow-log-role"),
        ),
    }
