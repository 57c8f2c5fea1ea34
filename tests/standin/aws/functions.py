"""The functions (invokes): who we are, where, and what networks are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from holdfast.errors import ConfigError
from provider.values import Properties
from tests.standin.aws.boto import Answer
from tests.standin.aws.errors import explained
from tests.standin.aws.services.ec2 import tag_map
from tests.standin.aws.session import Session, partition_of

_SUFFIXES: Final = {"aws-cn": "amazonaws.com.cn"}


def caller_identity(session: Session, arguments: Properties) -> Properties:
    """``aws.get_caller_identity``."""
    who = session.identity()
    return {
        "accountId": who["Account"],
        "arn": who["Arn"],
        "userId": who["UserId"],
        "id": who["Account"],
    }


def partition(session: Session, arguments: Properties) -> Properties:
    """``aws.get_partition``: no call."""
    name = partition_of(session.settings.region)
    suffix = _SUFFIXES.get(name, "amazonaws.com")
    reverse = ".".join(reversed(suffix.split(".")))
    return {"partition": name, "dnsSuffix": suffix, "reverseDnsPrefix": reverse, "id": name}


def region(session: Session, arguments: Properties) -> Properties:
    """``aws.get_region``: no call."""
    name = arguments.get("region") or arguments.get("name") or session.settings.region
    return {
        "region": name,
        "name": name,
        "description": name,
        "endpoint": f"ec2.{name}.amazonaws.com",
        "id": name,
    }


def availability_zones(session: Session, arguments: Properties) -> Properties:
    """``aws.get_availability_zones``, with state and filters."""
    _refuse_others(arguments, "state", "filters", "allAvailabilityZones")
    filters = _filters(arguments)
    if arguments.get("state"):
        filters.append({"Name": "state", "Values": [arguments["state"]]})
    with explained("reading EC2 Availability Zones"):
        answer = _ec2(session, arguments).describe_availability_zones(Filters=filters)
    zones = sorted(answer["AvailabilityZones"], key=lambda zone: str(zone["ZoneName"]))
    where = arguments.get("region") or session.settings.region
    return {
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone.get("ZoneId", "") for zone in zones],
        "groupNames": sorted({zone.get("GroupName", where) for zone in zones}),
        "state": arguments.get("state"),
        "region": where,
        "id": where,
    }


def subnet(session: Session, arguments: Properties) -> Properties:
    """``aws.ec2.get_subnet`` by id, VPC, zone or filters: exactly one must match."""
    _refuse_others(arguments, "id", "vpcId", "availabilityZone", "filters", "tags")
    filters = _filters(arguments, vpcId="vpc-id", availabilityZone="availability-zone")
    ids = {"SubnetIds": [arguments["id"]]} if arguments.get("id") else {}
    with explained("reading EC2 Subnet"):
        answer = _ec2(session, arguments).describe_subnets(Filters=filters, **ids)
    found = _only(answer["Subnets"], "EC2 Subnet")
    return {
        "id": found["SubnetId"],
        "arn": found.get("SubnetArn"),
        "vpcId": found["VpcId"],
        "cidrBlock": found["CidrBlock"],
        "availabilityZone": found["AvailabilityZone"],
        "availabilityZoneId": found.get("AvailabilityZoneId"),
        "availableIpAddressCount": found.get("AvailableIpAddressCount"),
        "mapPublicIpOnLaunch": bool(found.get("MapPublicIpOnLaunch")),
        "ownerId": found.get("OwnerId"),
        "state": found.get("State"),
        "tags": tag_map(found.get("Tags")),
        "region": arguments.get("region") or session.settings.region,
    }


def vpc(session: Session, arguments: Properties) -> Properties:
    """``aws.ec2.get_vpc`` by id, block or filters: exactly one must match."""
    _refuse_others(arguments, "id", "cidrBlock", "filters", "tags", "default")
    filters = _filters(arguments, cidrBlock="cidr")
    ids = {"VpcIds": [arguments["id"]]} if arguments.get("id") else {}
    api = _ec2(session, arguments)
    with explained("reading EC2 VPC"):
        found = _only(api.describe_vpcs(Filters=filters, **ids)["Vpcs"], "EC2 VPC")
        attributes = {
            name: api.describe_vpc_attribute(VpcId=found["VpcId"], Attribute=name)[key]["Value"]
            for name, key in (
                ("enableDnsSupport", "EnableDnsSupport"),
                ("enableDnsHostnames", "EnableDnsHostnames"),
            )
        }
    owner, where = found.get("OwnerId", ""), api.meta.region_name
    return {
        "id": found["VpcId"],
        "arn": f"arn:{partition_of(where)}:ec2:{where}:{owner}:vpc/{found['VpcId']}",
        "cidrBlock": found["CidrBlock"],
        "default": bool(found.get("IsDefault")),
        "dhcpOptionsId": found.get("DhcpOptionsId"),
        "instanceTenancy": found.get("InstanceTenancy"),
        "ownerId": owner,
        "state": found.get("State"),
        "tags": tag_map(found.get("Tags")),
        "region": where,
        **attributes,
    }


FUNCTIONS: Final[Mapping[str, Callable[[Session, Properties], Properties]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": caller_identity,
    "aws:index/getPartition:getPartition": partition,
    "aws:index/getRegion:getRegion": region,
    "aws:index/getAvailabilityZones:getAvailabilityZones": availability_zones,
    "aws:ec2/getSubnet:getSubnet": subnet,
    "aws:ec2/getVpc:getVpc": vpc,
}


def _ec2(session: Session, arguments: Properties) -> Answer:
    return session.client("ec2", arguments.get("region"))


def _filters(arguments: Properties, **named: str) -> list[dict[str, Any]]:
    given = [
        {"Name": item["name"], "Values": item["values"]} for item in arguments.get("filters") or ()
    ]
    given += [
        {"Name": api, "Values": [arguments[name]]}
        for name, api in named.items()
        if arguments.get(name)
    ]
    tags = arguments.get("tags") or {}
    return given + [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]


def _only(found: list[Answer], what: str) -> Answer:
    if len(found) != 1:
        rule = f"exactly one {what} (found {len(found)})"
        raise ConfigError(what, "the query", rule, "narrow the query")
    return found[0]


def _refuse_others(arguments: Properties, *known: str) -> None:
    for name in sorted(arguments.keys() - {*known, "region"}):
        if arguments[name] not in (None, "", [], {}):
            rule = f"one of {', '.join(known)}"
            raise ConfigError(name, arguments[name], rule, "teach tests/standin/aws the argument")
