"""VPC, subnet, route table and its association."""

from __future__ import annotations

from functools import partial
from typing import Final

from provider.resource import Context
from provider.values import Properties
from tests.standin.aws.base import Change, picked
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.services.ec2 import DELETE_SECONDS, Ec2Resource, tag_map
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import GONE, found_or_none, gone_is_fine, retried, until

_WAIT_SECONDS: Final = 300.0
_IN_USE: Final = "DependencyViolation"


class Vpc(Ec2Resource):
    """``aws.ec2.Vpc``, IPv4 alone."""

    kind = "vpc"
    shape = Shape(
        token="aws:ec2/vpc:Vpc",
        label="EC2 VPC",
        inputs=names("cidrBlock instanceTenancy enableDnsHostnames enableDnsSupport"),
        required=names("cidrBlock"),
        replace_on=names("cidrBlock instanceTenancy"),
        kept=names("enableDnsHostnames"),
        computed=names(
            "arn defaultNetworkAclId defaultRouteTableId defaultSecurityGroupId dhcpOptionsId "
            "mainRouteTableId ownerId"
        ),
        defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
    )
    _attributes: Final = {
        "enableDnsSupport": "EnableDnsSupport",
        "enableDnsHostnames": "EnableDnsHostnames",
    }

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        made = api.create_vpc(
            CidrBlock=inputs["cidrBlock"],
            InstanceTenancy=inputs["instanceTenancy"],
            **self.tag_specifications(inputs.get("tagsAll")),
        )
        return str(made["Vpc"]["VpcId"])

    def settle(self, api: Api, id: str, inputs: Properties, context: Context) -> None:
        until(
            context,
            f"waiting for EC2 VPC ({id}) create",
            lambda: (self._describe(api, id) or {}).get("State", GONE),
            wanted=("available",),
            pending=("pending", GONE),
            seconds=_WAIT_SECONDS,
        )
        self._set(api, id, inputs)

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        self._set(api, id, {name: change.new.get(name) for name in change.names})

    def _set(self, api: Api, id: str, inputs: Properties) -> None:
        for attribute, value in picked(inputs, self._attributes).items():
            api.modify_vpc_attribute(VpcId=id, **{attribute: {"Value": value}})

    def _describe(self, api: Api, id: str) -> Answer:
        return self.one(api.describe_vpcs, "Vpcs", "InvalidVpcID.NotFound", VpcIds=[id])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        vpc = self._describe(api, id)
        if vpc is None:
            return None
        here = [{"Name": "vpc-id", "Values": [id]}]
        default = [*here, {"Name": "default", "Values": ["true"]}]
        named = [*here, {"Name": "group-name", "Values": ["default"]}]
        main = [*here, {"Name": "association.main", "Values": ["true"]}]
        tables = api.describe_route_tables(Filters=main)["RouteTables"]
        lists = api.describe_network_acls(Filters=default)["NetworkAcls"]
        groups = api.describe_security_groups(Filters=named)["SecurityGroups"]
        table = tables[0]["RouteTableId"] if tables else None
        attributes = {
            name: api.describe_vpc_attribute(VpcId=id, Attribute=name)[attribute]["Value"]
            for name, attribute in self._attributes.items()
        }
        return {
            "arn": self.arn(api, vpc["OwnerId"], f"vpc/{id}"),
            "cidrBlock": vpc["CidrBlock"],
            "instanceTenancy": vpc["InstanceTenancy"],
            "dhcpOptionsId": vpc.get("DhcpOptionsId"),
            "ownerId": vpc["OwnerId"],
            "mainRouteTableId": table,
            "defaultRouteTableId": table,
            "defaultNetworkAclId": lists[0]["NetworkAclId"] if lists else None,
            "defaultSecurityGroupId": groups[0]["GroupId"] if groups else None,
            "tagsAll": tag_map(vpc.get("Tags")),
            **attributes,
        }

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        gone = ("InvalidVpcID.NotFound",)
        retried(
            context,
            lambda: gone_is_fine(lambda: api.delete_vpc(VpcId=id), *gone),
            (_IN_USE,),
            seconds=_WAIT_SECONDS,
        )


class Subnet(Ec2Resource):
    """``aws.ec2.Subnet``, IPv4 alone."""

    kind = "subnet"
    shape = Shape(
        token="aws:ec2/subnet:Subnet",
        label="EC2 Subnet",
        inputs=names("vpcId cidrBlock availabilityZone availabilityZoneId mapPublicIpOnLaunch"),
        required=names("vpcId"),
        replace_on=names("vpcId cidrBlock availabilityZone availabilityZoneId"),
        kept=names("availabilityZone availabilityZoneId"),
        computed=names("arn ownerId"),
        defaults={"mapPublicIpOnLaunch": False},
        conflicts=(("availabilityZone", "availabilityZoneId"),),
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        fields = {
            "vpcId": "VpcId",
            "cidrBlock": "CidrBlock",
            "availabilityZone": "AvailabilityZone",
            "availabilityZoneId": "AvailabilityZoneId",
        }
        made = api.create_subnet(
            **picked(inputs, fields), **self.tag_specifications(inputs.get("tagsAll"))
        )
        return str(made["Subnet"]["SubnetId"])

    def settle(self, api: Api, id: str, inputs: Properties, context: Context) -> None:
        until(
            context,
            f"waiting for EC2 Subnet ({id}) create",
            lambda: (self._describe(api, id) or {}).get("State", GONE),
            wanted=("available",),
            pending=("pending", GONE),
            seconds=_WAIT_SECONDS,
        )
        if inputs.get("mapPublicIpOnLaunch"):
            self._map_public(api, id, on=True)

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        if change.touches("mapPublicIpOnLaunch"):
            self._map_public(api, id, on=bool(change.new.get("mapPublicIpOnLaunch")))

    def _map_public(self, api: Api, id: str, *, on: bool) -> None:
        api.modify_subnet_attribute(SubnetId=id, MapPublicIpOnLaunch={"Value": on})

    def _describe(self, api: Api, id: str) -> Answer:
        return self.one(api.describe_subnets, "Subnets", "InvalidSubnetID.NotFound", SubnetIds=[id])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        subnet = self._describe(api, id)
        if subnet is None:
            return None
        return {
            "arn": subnet.get("SubnetArn") or self.arn(api, subnet["OwnerId"], f"subnet/{id}"),
            "vpcId": subnet["VpcId"],
            "cidrBlock": subnet["CidrBlock"],
            "availabilityZone": subnet["AvailabilityZone"],
            "availabilityZoneId": subnet.get("AvailabilityZoneId"),
            "mapPublicIpOnLaunch": bool(subnet.get("MapPublicIpOnLaunch")),
            "ownerId": subnet["OwnerId"],
            "tagsAll": tag_map(subnet.get("Tags")),
        }

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        retried(
            context,
            lambda: gone_is_fine(
                lambda: api.delete_subnet(SubnetId=id), "InvalidSubnetID.NotFound"
            ),
            (_IN_USE,),
            seconds=DELETE_SECONDS,
        )


class RouteTable(Ec2Resource):
    """``aws.ec2.RouteTable`` without routes of its own: nothing here has a way out."""

    kind = "route-table"
    shape = Shape(
        token="aws:ec2/routeTable:RouteTable",
        label="EC2 Route Table",
        inputs=names("vpcId"),
        required=names("vpcId"),
        replace_on=names("vpcId"),
        computed=names("arn ownerId"),
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        made = api.create_route_table(
            VpcId=inputs["vpcId"], **self.tag_specifications(inputs.get("tagsAll"))
        )
        return str(made["RouteTable"]["RouteTableId"])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        missing = "InvalidRouteTableID.NotFound"
        table = self.one(api.describe_route_tables, "RouteTables", missing, RouteTableIds=[id])
        if table is None:
            return None
        owner = table.get("OwnerId", "")
        return {
            "arn": self.arn(api, owner, f"route-table/{id}"),
            "vpcId": table["VpcId"],
            "ownerId": owner,
            "tagsAll": tag_map(table.get("Tags")),
        }

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        table = found_or_none(
            lambda: api.describe_route_tables(RouteTableIds=[id]), "InvalidRouteTableID.NotFound"
        )
        for item in table["RouteTables"][0].get("Associations", ()) if table else ():
            cut = partial(
                api.disassociate_route_table, AssociationId=item["RouteTableAssociationId"]
            )
            gone_is_fine(cut, "InvalidAssociationID.NotFound")
        gone_is_fine(
            lambda: api.delete_route_table(RouteTableId=id), "InvalidRouteTableID.NotFound"
        )


class RouteTableAssociation(Ec2Resource):
    """``aws.ec2.RouteTableAssociation`` of a subnet. To import: ``<subnet id>/<table id>``."""

    shape = Shape(
        token="aws:ec2/routeTableAssociation:RouteTableAssociation",
        label="EC2 Route Table Association",
        inputs=names("routeTableId subnetId"),
        required=names("routeTableId subnetId"),
        replace_on=names("subnetId"),
        tagged=False,
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        made = api.associate_route_table(
            RouteTableId=inputs["routeTableId"], SubnetId=inputs["subnetId"]
        )
        return str(made["AssociationId"])

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        # A replaced association has another id in AWS than the state has.
        subnet = known.get("subnetId") or id.partition("/")[0]
        filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
        for table in api.describe_route_tables(Filters=filters)["RouteTables"]:
            for item in table.get("Associations", ()):
                if item.get("SubnetId") == subnet:
                    return {"routeTableId": table["RouteTableId"], "subnetId": subnet}
        return None

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        if change.touches("routeTableId"):
            table = change.new["routeTableId"]
            current = self._current(api, str(change.old["subnetId"])) or id
            api.replace_route_table_association(AssociationId=current, RouteTableId=table)

    def _current(self, api: Api, subnet: str) -> str | None:
        filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
        for table in api.describe_route_tables(Filters=filters)["RouteTables"]:
            for item in table.get("Associations", ()):
                if item.get("SubnetId") == subnet:
                    return str(item["RouteTableAssociationId"])
        return None

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        current = self._current(api, str(known.get("subnetId", ""))) or id
        gone_is_fine(
            lambda: api.disassociate_route_table(AssociationId=current),
            "InvalidAssociationID.NotFound",
        )
