"""Rules for the network: who reaches the port, and where the nodes stand."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final

from holdfast.verify.protections import present
from policy.aws_types import (
    EGRESS,
    GROUP,
    INGRESS,
    OLDER_RULE,
    SECURITY_GROUP,
    SERVERLESS,
    SUBNET,
)
from policy.rule import Level, Resource, Rule, items, known, texts

_WIDEST: Final = {4: 16, 6: 48}
_STORE_PORTS: Final = (6379, 6380)
_ENDPOINT_PORT: Final = 443
_EVERYTHING: Final = ("-1", "all")
_WORLD: Final = ("0.0.0.0/0", "::/0")


def narrow_ingress(resource: Resource) -> Iterator[str]:
    """P11: the store's port alone, for known clients alone, with a word about them."""
    props = resource.props
    for name in ("cidrIpv4", "cidrIpv6"):
        yield from _wide(name, props.get(name))
    yield from _narrow("", props, "ipProtocol")


def narrow_inline(resource: Resource) -> Iterator[str]:
    """P11: the same for rules that stand in the security group."""
    for rule in items(resource.props.get("ingress")):
        yield from _wide_blocks("ingress.", rule)
        yield from _narrow("ingress.", rule, "protocol")


def narrow_older(resource: Resource) -> Iterator[str]:
    """P11: the same for the older type, which has several networks."""
    props = resource.props
    if props.get("type") != "ingress":
        return
    yield from _wide_blocks("", props)
    yield from _narrow("", props, "protocol")


def no_inline(resource: Resource) -> Iterator[str]:
    """P12: inline rules and rules of their own undo each other."""
    for name in ("ingress", "egress"):
        if present(resource.props.get(name)) and known(resource.props.get(name)):
            yield f"{name}: need resources of their own for the rules"


def no_open_egress(resource: Resource) -> Iterator[str]:
    """P12: a cache opens no connection by itself."""
    props = resource.props
    everything = str(props.get("ipProtocol")) in _EVERYTHING
    if everything and any(props.get(name) in _WORLD for name in ("cidrIpv4", "cidrIpv6")):
        yield "every port to everywhere: need the ports and places that are used"


def own_subnets(resource: Resource) -> Iterator[str]:
    """P13: the default group has the default network's subnets."""
    if resource.type == SERVERLESS:
        if not present(resource.props.get("subnetIds")):
            yield "subnetIds: got none, need private subnets"
        return
    name = resource.props.get("subnetGroupName")
    if not present(name) or name == "default":
        yield f"subnetGroupName: got {name!r}, need a group of your own private subnets"


def private_subnet(resource: Resource) -> Iterator[str]:
    """P13: nothing in it gets an address of the internet."""
    if resource.props.get("mapPublicIpOnLaunch") is True:
        yield "mapPublicIpOnLaunch: need false"


def _wide_blocks(prefix: str, rule: Mapping[str, Any]) -> Iterator[str]:
    for name in ("cidrBlocks", "ipv6CidrBlocks"):
        for block in texts(rule.get(name)):
            yield from _wide(f"{prefix}{name}", block)


def _wide(name: str, block: object) -> Iterator[str]:
    if not isinstance(block, str) or not known(block):
        return
    try:
        network = ipaddress.ip_network(block, strict=False)
    except ValueError:
        yield f"{name}: got {block!r}, need a network such as 10.64.0.0/20"
        return
    if network.prefixlen < _WIDEST[network.version]:
        yield f"{name}: got {block}, need one no wider than /{_WIDEST[network.version]}"


def _narrow(prefix: str, rule: Mapping[str, Any], protocol_name: str) -> Iterator[str]:
    protocol = rule.get(protocol_name)
    if known(protocol) and str(protocol).lower() not in ("tcp", "6"):
        yield f"{prefix}{protocol_name}: got {protocol!r}, need tcp"
    yield from _ports(prefix, rule.get("fromPort"), rule.get("toPort"))
    if not present(rule.get("description")):
        yield f"{prefix}description: got none, need who connects and why"


def _ports(prefix: str, first: object, last: object) -> Iterator[str]:
    names = f"{prefix}fromPort, {prefix}toPort"
    if not known(first) or not known(last):
        return
    if not isinstance(first, int) or not isinstance(last, int):
        yield f"{names}: got none, need 6379 (and 6380 for a serverless reader)"
    elif not (_STORE_PORTS[0] <= first <= last <= _STORE_PORTS[1]) and (
        (first, last) != (_ENDPOINT_PORT, _ENDPOINT_PORT)
    ):
        yield (
            f"{names}: got {first} to {last}, need within {_STORE_PORTS[0]} to "
            f"{_STORE_PORTS[1]}, or {_ENDPOINT_PORT} alone for endpoints of AWS"
        )


RULES: Final = (
    Rule(
        "P11",
        "aws-narrow-ingress",
        "who connects is named: no network wider than /16 (IPv6: /48), ports 6379 and 6380 (443 "
        "for endpoints), and a description",
        Level.MANDATORY,
        frozenset({INGRESS}),
        narrow_ingress,
        source="lens SEC1, AWS-0049",
    ),
    Rule(
        "P11",
        "aws-narrow-inline-ingress",
        "the same for rules inside a security group",
        Level.MANDATORY,
        frozenset({SECURITY_GROUP}),
        narrow_inline,
        source="lens SEC1, AWS-0049",
    ),
    Rule(
        "P11",
        "aws-narrow-older-ingress",
        "the same for rules of the older type SecurityGroupRule",
        Level.MANDATORY,
        frozenset({OLDER_RULE}),
        narrow_older,
        source="lens SEC1, AWS-0049",
    ),
    Rule(
        "P12",
        "aws-no-inline-rules",
        "rules of a security group are resources of their own",
        Level.ADVISORY,
        frozenset({SECURITY_GROUP}),
        no_inline,
        source="provider documentation",
    ),
    Rule(
        "P12",
        "aws-no-open-egress",
        "nothing is allowed out to everywhere",
        Level.ADVISORY,
        frozenset({EGRESS}),
        no_open_egress,
        source="lens SEC1",
    ),
    Rule(
        "P13",
        "aws-own-subnets",
        "the store stands in subnets that were chosen for it",
        Level.MANDATORY,
        frozenset({GROUP, SERVERLESS}),
        own_subnets,
        source="Security Hub ElastiCache.7",
    ),
    Rule(
        "P13",
        "aws-private-subnets",
        "subnets give out no public addresses",
        Level.MANDATORY,
        frozenset({SUBNET}),
        private_subnet,
        source="Security Hub ElastiCache.7",
    ),
)
