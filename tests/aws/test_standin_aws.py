"""The stand-in for the official aws plugin: real engine, moto's server.

Emulation: moto on this machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws.standin_project import Project, plain_moto, project


@pytest.fixture(name="project")
def fixture_project(tmp_path: Path) -> Iterator[Project]:
    with plain_moto() as variables:
        yield project(tmp_path, variables)


NETWORK = """
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.64.0.0/20", enable_dns_hostnames=True, tags={"a": "b"})
    zones = aws.get_availability_zones_output(state="available")
    subnet = aws.ec2.Subnet(
        "subnet",
        vpc_id=vpc.id,
        cidr_block="10.64.0.0/24",
        availability_zone=zones.names[0],
        map_public_ip_on_launch=False,
    )
    table = aws.ec2.RouteTable("table", vpc_id=vpc.id)
    aws.ec2.RouteTableAssociation("association", route_table_id=table.id, subnet_id=subnet.id)
    apps = aws.ec2.SecurityGroup("apps", vpc_id=vpc.id, description="Applications")
    store = aws.ec2.SecurityGroup(
        "store", vpc_id=vpc.id, name_prefix="store-", revoke_rules_on_delete=True
    )
    aws.vpc.SecurityGroupIngressRule(
        "apps-in",
        security_group_id=store.id,
        referenced_security_group_id=apps.id,
        ip_protocol="tcp",
        from_port=6379,
        to_port=6379,
        description="Applications",
    )
    aws.vpc.SecurityGroupEgressRule(
        "apps-out",
        security_group_id=apps.id,
        cidr_ipv4="10.64.0.0/20",
        ip_protocol="tcp",
        from_port=6379,
        to_port=6379,
    )
    aws.ec2.VpcEndpoint(
        "endpoint",
        vpc_id=vpc.id,
        service_name="com.amazonaws.eu-central-1.secretsmanager",
        vpc_endpoint_type="Interface",
        subnet_ids=[subnet.id],
        security_group_ids=[store.id],
        private_dns_enabled=True,
    )
    pulumi.export("group", store.id)
    pulumi.export("owner", aws.get_caller_identity_output().account_id)
    pulumi.export("seen", aws.ec2.get_subnet_output(id=subnet.id).vpc_id)
    pulumi.export("vpc", vpc.id)
"""


def test_a_network_is_made_stays_as_it_is_and_goes(project: Project) -> None:
    project.write(NETWORK)
    project.preview()
    project.up()
    outputs = project.engine.outputs()
    assert outputs["seen"] == outputs["vpc"]
    assert outputs["owner"] == "123456789012"
    project.up_unchanged()
    project.refresh_unchanged()
    project.up_unchanged()
    project.destroy()
    ec2 = project.client("ec2")
    assert all(vpc["IsDefault"] for vpc in ec2.describe_vpcs()["Vpcs"])
    assert {item["GroupName"] for item in ec2.describe_security_groups()["SecurityGroups"]} == {
        "default"
    }
