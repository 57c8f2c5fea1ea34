"""What stores need of other services: subnets, security groups, keys, topics, log groups.

They are moto's; that they are there, and belong together, is checked as AWS does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from moto.ec2.models import ec2_backends
from moto.kms.models import kms_backends
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends

from tests.standin.aws.emulator.elasticache import names, tagging
from tests.standin.aws.emulator.elasticache.control import Control, Params, Result, page
from tests.standin.aws.emulator.elasticache.faults import fault, invalid
from tests.standin.aws.emulator.elasticache.state import SubnetGroup

_DEFAULT: Final = "default"


def create_cache_subnet_group(control: Control, params: Params) -> Result:
    """``CreateCacheSubnetGroup``."""
    name = names.group_name("CacheSubnetGroupName", params["CacheSubnetGroupName"])
    if name == _DEFAULT:
        raise invalid("CacheSubnetGroupName must not be default.")
    if name in control.subnet_groups:
        raise fault("CacheSubnetGroupAlreadyExistsFault", f"{name} already exists.")
    vpc, zones = subnets(control, params["SubnetIds"])
    group = SubnetGroup(
        name,
        params["CacheSubnetGroupDescription"],
        vpc,
        zones,
        control.arn("subnetgroup", name),
    )
    control.subnet_groups[name] = group
    tagging.set_tags(control, group.arn, params)
    return {"CacheSubnetGroup": show(group)}


def modify_cache_subnet_group(control: Control, params: Params) -> Result:
    """``ModifyCacheSubnetGroup``: a subnet in use stays."""
    group = find(control, params["CacheSubnetGroupName"])
    if params.get("SubnetIds"):
        vpc, zones = subnets(control, params["SubnetIds"])
        if vpc != group.vpc_id:
            raise fault("InvalidSubnet", f"The subnets are not in {group.vpc_id}.")
        used = {
            zone
            for store in control.groups.values()
            if store.subnet_group == group.name
            for zone in store.zones.values()
        }
        if not used <= set(zones.values()):
            gone = ", ".join(sorted(used - set(zones.values())))
            raise fault("SubnetInUse", f"Nodes are in subnets of {gone} that are to go.")
        group.zones = zones
    group.description = params.get("CacheSubnetGroupDescription", group.description)
    return {"CacheSubnetGroup": show(group)}


def delete_cache_subnet_group(control: Control, params: Params) -> Result:
    """``DeleteCacheSubnetGroup``: not while a store is in it."""
    group = find(control, params["CacheSubnetGroupName"])
    if group.name == _DEFAULT or any(
        store.subnet_group == group.name for store in control.groups.values()
    ):
        message = f"Cache subnet group {group.name} is in use or is AWS's own."
        raise fault("CacheSubnetGroupInUse", message)
    del control.subnet_groups[group.name]
    control.tags.pop(group.arn, None)
    return {}


def describe_cache_subnet_groups(control: Control, params: Params) -> Result:
    """``DescribeCacheSubnetGroups``."""
    if "CacheSubnetGroupName" in params:
        return {"CacheSubnetGroups": [show(find(control, params["CacheSubnetGroupName"]))]}
    found = [show(group) for group in control.subnet_groups.values()]
    return page(found, params, "CacheSubnetGroups")


def find(control: Control, name: str) -> SubnetGroup:
    """A subnet group; ``default`` is made of the default VPC when it is first asked for."""
    group = control.subnet_groups.get(name.lower())
    if group is None and name.lower() == _DEFAULT:
        group = _default(control)
    if group is None:
        raise fault("CacheSubnetGroupNotFoundFault", f"CacheSubnetGroup {name} not found.")
    return group


def show(group: SubnetGroup) -> Result:
    """As the service shows it."""
    return {
        "CacheSubnetGroupName": group.name,
        "CacheSubnetGroupDescription": group.description,
        "VpcId": group.vpc_id,
        "Subnets": [
            {
                "SubnetIdentifier": subnet,
                "SubnetAvailabilityZone": {"Name": zone},
                "SupportedNetworkTypes": ["ipv4"],
            }
            for subnet, zone in group.zones.items()
        ],
        "ARN": group.arn,
        "SupportedNetworkTypes": ["ipv4"],
    }


def subnets(control: Control, ids: Iterable[str]) -> tuple[str, dict[str, str]]:
    """The VPC of some subnets, and their zones by id. Raises InvalidSubnet."""
    known = {subnet.id: subnet for subnet in _ec2(control).describe_subnets()}
    zones: dict[str, str] = {}
    vpcs = []
    for subnet_id in ids:
        if subnet_id not in known:
            raise fault("InvalidSubnet", f"Subnet {subnet_id} is invalid.")
        zones[subnet_id] = known[subnet_id].availability_zone
        vpcs.append(known[subnet_id].vpc_id)
    if len(set(vpcs)) != 1:
        raise fault("InvalidSubnet", "The subnets must be one or more, and all of one VPC.")
    return vpcs[0], zones


def check_security_groups(control: Control, ids: Iterable[str], vpc_id: str) -> list[str]:
    """Security groups that are there and in the VPC."""
    found = list(ids)
    for group_id in found:
        group = _ec2(control).get_security_group_from_id(group_id)
        if group is None:
            raise invalid(f"The security group {group_id} does not exist.")
        if group.vpc_id != vpc_id:
            raise invalid(f"The security group {group_id} is not in {vpc_id}.")
    return found


def default_security_group(control: Control, vpc_id: str) -> list[str]:
    """What a store gets that names none."""
    group = _ec2(control).get_security_group_from_name("default", vpc_id)
    return [] if group is None else [group.id]


def check_key(control: Control, key: str | None) -> str | None:
    """A key that is there and on."""
    if key is None:
        return None
    backend = kms_backends[control.account][control.region]
    wanted = key.rpartition("key/")[2]
    found = backend.keys.get(wanted) if ":alias/" not in key and key[:6] != "alias/" else None
    if found is None or not found.enabled:
        raise invalid(f"The KMS key {key} does not exist, is not enabled or is an alias.")
    arn: str = found.arn
    return arn


def check_topic(control: Control, arn: str | None) -> str | None:
    """A topic that is there."""
    if arn and arn not in sns_backends[control.account][control.region].topics:
        raise invalid(f"The topic {arn} does not exist.")
    return arn or None


def check_log_group(control: Control, name: str) -> str:
    """A log group that is there; logs are delivered by name, not by ARN."""
    if name.startswith("arn:"):
        raise invalid(f"LogGroup must be a name, not an ARN: {name}.")
    if name not in logs_backends[control.account][control.region].groups:
        raise invalid(f"The log group {name} does not exist.")
    return name


def _default(control: Control) -> SubnetGroup | None:
    vpc = next((vpc for vpc in _ec2(control).describe_vpcs() if vpc.is_default), None)
    if vpc is None:
        return None
    zones = {
        subnet.id: subnet.availability_zone
        for subnet in _ec2(control).describe_subnets()
        if subnet.vpc_id == vpc.id
    }
    group = SubnetGroup(
        _DEFAULT, "Default CacheSubnetGroup", vpc.id, zones, control.arn("subnetgroup", _DEFAULT)
    )
    control.subnet_groups[_DEFAULT] = group
    return group


def _ec2(control: Control) -> Any:  # noqa: ANN401 - moto's own type says little more
    return ec2_backends[control.account][control.region]
