"""The network of a store: private subnets without a way out, or one that exists already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.aws.account import account_of, asks_aws, unknown
from components.aws.args import PrivateNetworkArgs
from components.aws.policies import assume_policy, endpoint_policy, flow_log_policy
from components.aws.store_spec import check_aws_name
from config.aws_network import check_distinct_zones, subnet_cidrs
from config.aws_rules import (
    check_account_id,
    check_ids,
    check_kms_key_arn,
    check_log_retention_days,
    check_number,
    check_region,
    check_vpc_cidr,
)
from config.aws_settings import DEFAULT_VPC_CIDR
from config.pulumi_config import plain_errors
from config.schema import BY_NAME
from holdfast.errors import ConfigError

ENDPOINTS: Final = ("secretsmanager", "kms", "logs")
"""Services that are reached without a way out: the secret of a role, its key, and logs."""

_MIN_SUBNETS: Final = 2


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """Checked arguments."""

    region: str
    aws_name: str
    cidr: str
    zones: int
    vpc_id: str | None
    subnet_ids: tuple[str, ...]
    account_id: str | None
    offline: bool
    log_retention_days: int
    kms_key_arn: str | None
    tags: dict[str, str]

    @classmethod
    def from_args(cls, args: PrivateNetworkArgs) -> NetworkSpec:
        """Fill in the defaults and check every rule. Raises ConfigError."""
        vpc_id, subnet_ids = args.get("vpc_id"), tuple(args.get("subnet_ids", ()))
        if (vpc_id is None) != (not subnet_ids):
            raise ConfigError(
                "subnet_ids" if vpc_id is None else "vpc_id",
                vpc_id or ", ".join(subnet_ids),
                "vpc_id and subnet_ids together",
                "give both, or neither to have a network made",
            )
        if vpc_id is not None:
            check_ids("vpcId", "vpc", [vpc_id])
            check_ids("subnetIds", "subnet", subnet_ids)
            if len(subnet_ids) < _MIN_SUBNETS:
                raise ConfigError(
                    "subnet_ids", subnet_ids[0], "two or more, in different zones", "add another"
                )
        region, key = check_region(args["region"]), args.get("kms_key_arn")
        return cls(
            region=region,
            aws_name=check_aws_name(args["aws_name"]),
            cidr=check_vpc_cidr(args.get("cidr", DEFAULT_VPC_CIDR)),
            zones=check_number(
                "availabilityZones",
                args.get("zones", 3),
                _MIN_SUBNETS,
                6,
                "nodes in one zone are lost together",
            ),
            vpc_id=vpc_id,
            subnet_ids=subnet_ids,
            account_id=check_account_id(args.get("account_id")),
            offline=args.get("offline", False),
            log_retention_days=check_log_retention_days(args.get("log_retention_days", 30)),
            kms_key_arn=None if key is None else check_kms_key_arn(key, region),
            tags=dict(args.get("tags", {})),
        )


class PrivateNetwork(pulumi.ComponentResource):
    """A VPC with a private subnet a zone, and no way in or out.

    Creates the VPC, a subnet and a route table a zone, without a default route; endpoints for
    Secrets Manager, KMS and logs with their security group; and a flow log. It makes no internet
    gateway and no NAT: a store needs neither, and applications bring their own network, peered or
    attached to it.

    Given a VPC and subnets it makes nothing, but checks that they are in zones of their own.
    """

    vpc_id: pulumi.Output[str]
    """The VPC."""

    subnet_ids: pulumi.Output[Sequence[str]]
    """Its private subnets, a zone each."""

    https_cidrs: tuple[str, ...]
    """Where the endpoints answer; empty where the network was there already."""

    def __init__(
        self,
        name: str,
        args: PrivateNetworkArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        spec = NetworkSpec.from_args(args)
        super().__init__("holdfast:index:PrivateNetwork", name, None, opts)
        if spec.vpc_id is not None:
            self.vpc_id = pulumi.Output.from_input(spec.vpc_id)
            self.subnet_ids = self._given_subnets(spec)
            self.https_cidrs = ()
        else:
            self._make(name, spec)
            self.https_cidrs = (spec.cidr,)
        self.register_outputs({"vpc_id": self.vpc_id, "subnet_ids": self.subnet_ids})

    def _given_subnets(self, spec: NetworkSpec) -> pulumi.Output[Sequence[str]]:
        if not asks_aws(offline=spec.offline):
            return pulumi.Output.from_input(list(spec.subnet_ids))
        zones = [
            aws.ec2.get_subnet_output(
                id=subnet, opts=pulumi.InvokeOutputOptions(parent=self)
            ).availability_zone
            for subnet in spec.subnet_ids
        ]

        def checked(found: Sequence[str]) -> list[str]:
            with plain_errors():
                check_distinct_zones(found, spec.subnet_ids)
            return list(spec.subnet_ids)

        return pulumi.Output.all(*zones).apply(checked)

    def _make(self, name: str, spec: NetworkSpec) -> None:
        child = pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=spec.cidr,
            enable_dns_hostnames=True,
            # Without it the endpoints' names are not answered.
            enable_dns_support=True,
            tags={**spec.tags, "Name": f"{spec.aws_name}-store"},
            opts=child,
        )
        subnets = self._subnets(name, spec, vpc, child)
        self._endpoints(name, spec, vpc, subnets, child)
        _flow_log(name, spec, vpc, child)
        self.vpc_id = vpc.id
        self.subnet_ids = pulumi.Output.all(*(subnet.id for subnet in subnets))

    def _subnets(
        self, name: str, spec: NetworkSpec, vpc: aws.ec2.Vpc, child: pulumi.ResourceOptions
    ) -> list[aws.ec2.Subnet]:
        zones = self._zones(spec)
        subnets = []
        for number, cidr in enumerate(subnet_cidrs(spec.cidr, spec.zones)):
            subnet = aws.ec2.Subnet(
                f"{name}-subnet-{number}",
                vpc_id=vpc.id,
                cidr_block=cidr,
                availability_zone=zones[number],
                map_public_ip_on_launch=False,
                tags={**spec.tags, "Name": f"{spec.aws_name}-store-{number}"},
                # What AWS has in a zone may change its order; a subnet stays where it is.
                opts=pulumi.ResourceOptions.merge(
                    child, pulumi.ResourceOptions(ignore_changes=["availabilityZone"])
                ),
            )
            # A table of its own, so that the VPC's main one, which others may give a way out,
            # is not in force here.
            table = aws.ec2.RouteTable(
                f"{name}-routes-{number}",
                vpc_id=vpc.id,
                tags={**spec.tags, "Name": f"{spec.aws_name}-store-{number}"},
                opts=child,
            )
            aws.ec2.RouteTableAssociation(
                f"{name}-route-{number}",
                subnet_id=subnet.id,
                route_table_id=table.id,
                opts=child,
            )
            subnets.append(subnet)
        return subnets

    def _zones(self, spec: NetworkSpec) -> pulumi.Output[list[str]]:
        if not asks_aws(offline=spec.offline):
            return unknown()
        names = aws.get_availability_zones_output(
            state="available",
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
            opts=pulumi.InvokeOutputOptions(parent=self),
        ).names
        return names.apply(lambda found: _enough(found, spec.zones))

    def _endpoints(
        self,
        name: str,
        spec: NetworkSpec,
        vpc: aws.ec2.Vpc,
        subnets: Sequence[aws.ec2.Subnet],
        child: pulumi.ResourceOptions,
    ) -> None:
        group = aws.ec2.SecurityGroup(
            f"{name}-endpoints",
            vpc_id=vpc.id,
            description="Endpoints of AWS services beside the session store",
            revoke_rules_on_delete=True,
            tags={**spec.tags, "Name": f"{spec.aws_name}-endpoints"},
            opts=child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-endpoints-https",
            security_group_id=group.id,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4=spec.cidr,
            description="HTTPS from within the network",
            tags=spec.tags,
            opts=child,
        )
        account = account_of(spec.account_id, self, offline=spec.offline)
        policy = account.apply(endpoint_policy)
        for service in ENDPOINTS:
            aws.ec2.VpcEndpoint(
                f"{name}-endpoint-{service}",
                vpc_id=vpc.id,
                service_name=f"com.amazonaws.{spec.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[subnet.id for subnet in subnets],
                security_group_ids=[group.id],
                policy=policy,
                tags={**spec.tags, "Name": f"{spec.aws_name}-{service}"},
                opts=child,
            )


def _flow_log(
    name: str, spec: NetworkSpec, vpc: aws.ec2.Vpc, child: pulumi.ResourceOptions
) -> None:
    group = aws.cloudwatch.LogGroup(
        f"{name}-flow-log-group",
        name_prefix=f"/aws/vpc/{spec.aws_name}/flow-log-",
        retention_in_days=spec.log_retention_days,
        kms_key_id=spec.kms_key_arn,
        tags=spec.tags,
        opts=child,
    )
    role = aws.iam.Role(
        f"{name}-flow-log-role",
        description="Writes the flow log of the session store's network",
        assume_role_policy=assume_policy("vpc-flow-logs.amazonaws.com"),
        tags=spec.tags,
        opts=child,
    )
    rights = aws.iam.RolePolicy(
        f"{name}-flow-log-rights",
        role=role.id,
        policy=group.arn.apply(flow_log_policy),
        opts=child,
    )
    aws.ec2.FlowLog(
        f"{name}-flow-log",
        vpc_id=vpc.id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=group.arn,
        iam_role_arn=role.arn,
        tags=spec.tags,
        # It reports access errors until the role may write.
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[rights])),
    )


def _enough(found: Sequence[str], wanted: int) -> list[str]:
    with plain_errors():
        if len(found) < wanted:
            raise ConfigError(
                BY_NAME["availabilityZones"].key,
                wanted,
                f"at most the {len(found)} zones of the region",
                f"set {len(found)}, or another region",
            )
    return sorted(found)[:wanted]
