"""How a network on AWS is divided over zones."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from config.schema import BY_NAME
from holdfast.errors import ConfigError


def subnet_cidrs(vpc_cidr: str, zones: int) -> tuple[str, ...]:
    """A range for each zone, all of the same size, from the beginning of the VPC's."""
    network = ipaddress.ip_network(vpc_cidr)
    bits = (zones - 1).bit_length()
    return tuple(str(part) for part in list(network.subnets(prefixlen_diff=bits))[:zones])


def check_distinct_zones(zones: Sequence[str], subnet_ids: Sequence[str]) -> tuple[str, ...]:
    """The zones of subnets that somebody else made. Raises ConfigError where two share one."""
    if len(set(zones)) < len(zones):
        raise ConfigError(
            BY_NAME["subnetIds"].key,
            ", ".join(
                f"{subnet} in {zone}" for subnet, zone in zip(subnet_ids, zones, strict=True)
            ),
            "subnets in zones of their own",
            "two in one zone are lost together; name one of each zone",
        )
    return tuple(zones)
