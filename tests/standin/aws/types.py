"""All resource types, by their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.standin.aws.base import AwsResource
from tests.standin.aws.services.ec2_endpoints import FlowLog, VpcEndpoint
from tests.standin.aws.services.ec2_network import RouteTable, RouteTableAssociation, Subnet, Vpc
from tests.standin.aws.services.ec2_security import (
    SecurityGroup,
    SecurityGroupEgressRule,
    SecurityGroupIngressRule,
)

_ALL: Final[tuple[type[AwsResource], ...]] = (
    FlowLog,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    SecurityGroupEgressRule,
    SecurityGroupIngressRule,
    Subnet,
    Vpc,
    VpcEndpoint,
)
TYPES: Final[Mapping[str, type[AwsResource]]] = {kind.shape.token: kind for kind in _ALL}
