from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components.aws.network import ENDPOINTS
from holdfast.errors import ConfigError
from tests.unit.components.aws.cloud import ACCOUNT, SUBNETS, ZONES, Aws
from tests.unit.components.aws.stores import children, network

COMPONENT = "holdfast:index:PrivateNetwork"


def test_every_child_is_parented_to_the_component() -> None:
    made = network()
    for name, token in children(made).items():
        assert made.urns[name].split("::")[2] == f"{COMPONENT}${token}"


def test_each_subnet_is_private_and_in_a_zone_of_its_own() -> None:
    made = network()
    subnets = [made.inputs(f"n-subnet-{number}") for number in range(3)]
    assert [subnet["availabilityZone"] for subnet in subnets] == list(ZONES)
    cidrs = [subnet["cidrBlock"] for subnet in subnets]
    assert cidrs == ["10.64.0.0/22", "10.64.4.0/22", "10.64.8.0/22"]
    assert not any(subnet["mapPublicIpOnLaunch"] for subnet in subnets)
    assert made.outputs["subnet_ids"].value == [f"n-subnet-{number}-id" for number in range(3)]


def test_there_is_no_way_out() -> None:
    made = network()
    for number in range(3):
        assert "routes" not in made.inputs(f"n-routes-{number}")
    ways = ("Gateway", "Route", "EgressRule", "Peering", "Attachment")
    assert not [token for token in children(made).values() if token.endswith(ways)]


def test_names_are_answered_within_the_network() -> None:
    inputs = network(cidr="10.9.0.0/24").inputs("n-vpc")
    assert inputs["cidrBlock"] == "10.9.0.0/24"
    assert inputs["enableDnsSupport"] is True
    assert inputs["enableDnsHostnames"] is True


def test_endpoints_answer_the_network_alone_and_serve_the_account_alone() -> None:
    made = network()
    for service in ENDPOINTS:
        inputs = made.inputs(f"n-endpoint-{service}")
        assert inputs["serviceName"] == f"com.amazonaws.eu-west-1.{service}"
        assert inputs["vpcEndpointType"] == "Interface"
        assert inputs["privateDnsEnabled"] is True
        assert inputs["securityGroupIds"] == ["n-endpoints-id"]
        assert len(inputs["subnetIds"]) == 3
        (statement,) = json.loads(inputs["policy"])["Statement"]
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
    rule = made.inputs("n-endpoints-https")
    assert (rule["fromPort"], rule["toPort"], rule["cidrIpv4"]) == (443, 443, "10.64.0.0/20")


def test_the_flow_log_may_write_its_own_group_and_nothing_else() -> None:
    made = network(log_retention_days=14)
    assert made.inputs("n-flow-log-group")["retentionInDays"] == 14
    (rights,) = json.loads(made.inputs("n-flow-log-rights")["policy"])["Statement"]
    arn = "arn:aws:cloudwatch:eu-west-1:123456789012:n-flow-log-group"
    assert rights["Resource"] == [arn, f"{arn}:*"]
    trust = json.loads(made.inputs("n-flow-log-role")["assumeRolePolicy"])["Statement"]
    assert trust[0]["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert made.inputs("n-flow-log")["trafficType"] == "ALL"
    assert "n-flow-log-rights" in made.waits_for["n-flow-log"]


def test_tags_reach_everything_that_takes_them() -> None:
    made = network(tags={"team": "chat"})
    for name, token in children(made).items():
        if token.rpartition(":")[2] not in {"RouteTableAssociation", "RolePolicy"}:
            assert made.inputs(name)["tags"]["team"] == "chat", name


@pytest.mark.parametrize("preview", [False, True])
def test_a_network_that_is_there_is_looked_at_and_nothing_is_made(*, preview: bool) -> None:
    cloud = Aws()
    made = network(preview=preview, cloud=cloud, vpc_id="vpc-00000001", subnet_ids=SUBNETS)
    assert children(made) == {}
    assert cloud.calls == ["aws:ec2/getSubnet:getSubnet"] * 3
    assert made.outputs["vpc_id"].value == "vpc-00000001"
    assert made.outputs["subnet_ids"].value == list(SUBNETS)


def test_subnets_that_share_a_zone_are_refused() -> None:
    cloud = Aws(("eu-west-1a", "eu-west-1a", "eu-west-1c"))
    with pytest.raises(pulumi.RunError, match="subnet-0000000b in eu-west-1a"):
        network(cloud=cloud, vpc_id="vpc-00000001", subnet_ids=SUBNETS)


def test_more_zones_than_the_region_has_are_refused() -> None:
    with pytest.raises(pulumi.RunError, match="at most the 2 zones of the region"):
        network(cloud=Aws(ZONES[:2]))


@pytest.mark.parametrize(
    ("changes", "blamed"),
    [
        ({"zones": 1}, "holdfast:availabilityZones"),
        ({"zones": 7}, "holdfast:availabilityZones"),
        ({"cidr": "8.8.8.0/24"}, "holdfast:vpcCidr"),
        ({"cidr": "10.0.0.0/8"}, "holdfast:vpcCidr"),
        ({"cidr": "10.0.0.0/28"}, "holdfast:vpcCidr"),
        ({"region": "nowhere-1"}, "holdfast:region"),
        ({"vpc_id": "vpc-00000001"}, "vpc_id"),
        ({"subnet_ids": SUBNETS}, "subnet_ids"),
        ({"vpc_id": "vpc-00000001", "subnet_ids": SUBNETS[:1]}, "subnet_ids"),
        ({"vpc_id": "mine", "subnet_ids": SUBNETS}, "holdfast:vpcId"),
        ({"log_retention_days": 2}, "holdfast:logRetentionDays"),
        ({"aws_name": "Chat"}, "aws_name"),
        ({"kms_key_arn": "alias/chat"}, "holdfast:kmsKeyArn"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(changes: dict[str, Any], blamed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        network(**changes)
    assert caught.value.field == blamed
