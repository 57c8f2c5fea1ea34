"""VPC endpoints and flow logs."""

from __future__ import annotations

from typing import Any, Final

from provider.resource import Context
from provider.values import Properties
from tests.standin.aws.base import Change, picked
from tests.standin.aws.boto import Answer, Api
from tests.standin.aws.errors import AwsError
from tests.standin.aws.services.ec2 import Ec2Resource, tag_map
from tests.standin.aws.shape import Shape, names
from tests.standin.aws.waiting import GONE, gone_is_fine, until

_WAIT_SECONDS: Final = 600.0
_NO_ENDPOINT: Final = "InvalidVpcEndpointId.NotFound"


class VpcEndpoint(Ec2Resource):
    """``aws.ec2.VpcEndpoint``: waits until it is available, and until it is gone."""

    kind = "vpc-endpoint"
    shape = Shape(
        token="aws:ec2/vpcEndpoint:VpcEndpoint",
        label="EC2 VPC Endpoint",
        inputs=names(
            "policy privateDnsEnabled routeTableIds securityGroupIds serviceName subnetIds "
            "vpcEndpointType vpcId ipAddressType"
        ),
        required=names("serviceName vpcId"),
        replace_on=names("serviceName vpcEndpointType vpcId"),
        kept=names(
            "policy privateDnsEnabled routeTableIds securityGroupIds subnetIds ipAddressType"
        ),
        computed=names(
            "arn cidrBlocks dnsEntries networkInterfaceIds ownerId prefixListId requesterManaged "
            "state"
        ),
        defaults={"vpcEndpointType": "Gateway"},
        sets=names("routeTableIds securityGroupIds subnetIds networkInterfaceIds cidrBlocks"),
        documents=names("policy"),
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        fields = {
            "vpcId": "VpcId",
            "serviceName": "ServiceName",
            "vpcEndpointType": "VpcEndpointType",
            "policy": "PolicyDocument",
            "privateDnsEnabled": "PrivateDnsEnabled",
            "routeTableIds": "RouteTableIds",
            "securityGroupIds": "SecurityGroupIds",
            "subnetIds": "SubnetIds",
            "ipAddressType": "IpAddressType",
        }
        made = api.create_vpc_endpoint(
            **picked(inputs, fields), **self.tag_specifications(inputs.get("tagsAll"))
        )
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    def settle(self, api: Api, id: str, inputs: Properties, context: Context) -> None:
        until(
            context,
            f"waiting for EC2 VPC Endpoint ({id}) create",
            lambda: self._state(api, id),
            wanted=("available", "pendingacceptance"),
            pending=("pending", GONE),
            seconds=_WAIT_SECONDS,
        )

    def _state(self, api: Api, id: str) -> str:
        return str((self._describe(api, id) or {}).get("State", GONE)).lower()

    def _describe(self, api: Api, id: str) -> Answer:
        return self.one(
            api.describe_vpc_endpoints, "VpcEndpoints", _NO_ENDPOINT, VpcEndpointIds=[id]
        )

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        endpoint = self._describe(api, id)
        if endpoint is None or str(endpoint["State"]).lower() in ("deleted", "deleting"):
            return None
        owner = str(endpoint.get("OwnerId", ""))
        groups = [item["GroupId"] for item in endpoint.get("Groups", ())]
        entries = [
            {"dnsName": item.get("DnsName"), "hostedZoneId": item.get("HostedZoneId")}
            for item in endpoint.get("DnsEntries", ())
        ]
        found: Properties = {
            "arn": self.arn(api, owner, f"vpc-endpoint/{id}"),
            "vpcId": endpoint["VpcId"],
            "serviceName": endpoint["ServiceName"],
            "vpcEndpointType": endpoint["VpcEndpointType"],
            "routeTableIds": endpoint.get("RouteTableIds") or [],
            "subnetIds": endpoint.get("SubnetIds") or [],
            "networkInterfaceIds": endpoint.get("NetworkInterfaceIds") or [],
            "dnsEntries": entries,
            "ownerId": owner,
            "requesterManaged": bool(endpoint.get("RequesterManaged")),
            "state": endpoint["State"],
            "tagsAll": tag_map(endpoint.get("Tags")),
        }
        # moto 5.2 leaves these out of what it tells.
        if groups:
            found["securityGroupIds"] = groups
        if endpoint.get("PolicyDocument"):
            found["policy"] = endpoint["PolicyDocument"]
        if endpoint.get("PrivateDnsEnabled") is not None:
            found["privateDnsEnabled"] = endpoint["PrivateDnsEnabled"]
        if endpoint.get("IpAddressType"):
            found["ipAddressType"] = endpoint["IpAddressType"]
        return found

    def change(self, api: Api, id: str, change: Change, context: Context) -> None:
        arguments: dict[str, Any] = change.picked(
            {"privateDnsEnabled": "PrivateDnsEnabled", "policy": "PolicyDocument"}
        )
        for name, noun in (
            ("routeTableIds", "RouteTableIds"),
            ("subnetIds", "SubnetIds"),
            ("securityGroupIds", "SecurityGroupIds"),
        ):
            if change.touches(name):
                add, drop = change.moved(name)
                arguments |= {f"Add{noun}": add} if add else {}
                arguments |= {f"Remove{noun}": drop} if drop else {}
        if arguments:
            api.modify_vpc_endpoint(VpcEndpointId=id, **arguments)
            self.settle(api, id, change.new, context)

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        if self._describe(api, id) is None:
            return
        api.delete_vpc_endpoints(VpcEndpointIds=[id])
        until(
            context,
            f"waiting for EC2 VPC Endpoint ({id}) delete",
            lambda: self._state(api, id),
            wanted=(GONE, "deleted"),
            pending=(),
            seconds=_WAIT_SECONDS,
        )


class FlowLog(Ec2Resource):
    """``aws.ec2.FlowLog``. Nothing but its tags can be changed."""

    kind = "vpc-flow-log"
    _fields: Final = {
        "iamRoleArn": "DeliverLogsPermissionArn",
        "logDestination": "LogDestination",
        "logDestinationType": "LogDestinationType",
        "logFormat": "LogFormat",
        "maxAggregationInterval": "MaxAggregationInterval",
        "trafficType": "TrafficType",
    }
    shape = Shape(
        token="aws:ec2/flowLog:FlowLog",
        label="Flow Log",
        inputs=names("vpcId subnetId") | set(_fields),
        replace_on=names("vpcId subnetId") | set(_fields),
        kept=names("logFormat logDestination"),
        computed=names("arn"),
        defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
        conflicts=(("vpcId", "subnetId"),),
    )

    def make(self, api: Api, inputs: Properties, context: Context) -> str:
        kind = "VPC" if inputs.get("vpcId") else "Subnet"
        made = api.create_flow_logs(
            ResourceIds=[inputs.get("vpcId") or inputs["subnetId"]],
            ResourceType=kind,
            **picked(inputs, self._fields),
            **self.tag_specifications(inputs.get("tagsAll")),
        )
        for refused in made.get("Unsuccessful", ()):
            self._refuse(refused.get("Error", {}))
        return str(made["FlowLogIds"][0])

    def _refuse(self, error: Answer) -> None:
        code, text = str(error.get("Code", "")), str(error.get("Message", ""))
        raise AwsError("creating Flow Log", f"api error {code}: {text}", code)

    def find(self, api: Api, id: str, known: Properties) -> Properties | None:
        log = self.one(
            api.describe_flow_logs, "FlowLogs", "InvalidFlowLogId.NotFound", FlowLogIds=[id]
        )
        if log is None:
            return None
        target = log["ResourceId"]
        found: Properties = {
            name: log[api_name]
            for name, api_name in self._fields.items()
            if log.get(api_name) is not None
        }
        found["vpcId" if target.startswith("vpc-") else "subnetId"] = target
        found["tagsAll"] = tag_map(log.get("Tags"))
        found["arn"] = self.arn(api, self._account(), f"vpc-flow-log/{id}")
        return found

    def _account(self) -> str:
        return str(self.session.identity()["Account"])

    def remove(self, api: Api, id: str, known: Properties, context: Context) -> None:
        gone_is_fine(lambda: api.delete_flow_logs(FlowLogIds=[id]), "InvalidFlowLogId.NotFound")
