"""Who reaches a store: its security group, and one that clients join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.store_spec import PORT, READER_PORT, StoreSpec


@dataclass(frozen=True, slots=True)
class Gate:
    """The security groups of a store."""

    store: aws.ec2.SecurityGroup
    clients: aws.ec2.SecurityGroup


def store_gate(
    name: str, spec: StoreSpec, vpc_id: pulumi.Input[str], child: pulumi.ResourceOptions
) -> Gate:
    """Create both groups, and a rule for each source and port.

    No rule is written into a group itself: the two ways overwrite each other. The store's group has
    no way out, as a store calls nobody.
    """
    store = aws.ec2.SecurityGroup(
        f"{name}-security-group",
        vpc_id=vpc_id,
        name_prefix=f"{spec.aws_name}-store-",
        description="Session store",
        revoke_rules_on_delete=True,
        tags=spec.tags,
        opts=child,
    )
    clients = aws.ec2.SecurityGroup(
        f"{name}-client-group",
        vpc_id=vpc_id,
        name_prefix=f"{spec.aws_name}-clients-",
        description="Clients of the session store: members may connect to it",
        revoke_rules_on_delete=True,
        tags=spec.tags,
        opts=child,
    )
    ports = (PORT, READER_PORT) if spec.serverless else (PORT,)
    for port in ports:
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-clients-out-{port}",
            security_group_id=clients.id,
            referenced_security_group_id=store.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description="To the session store",
            tags=spec.tags,
            opts=child,
        )
        _admit(name, "clients", store, port, spec, child, group=clients.id)
    _admit_given(name, spec, store, ports, child)
    return Gate(store, clients)


def _admit_given(
    name: str,
    spec: StoreSpec,
    store: aws.ec2.SecurityGroup,
    ports: Sequence[int],
    child: pulumi.ResourceOptions,
) -> None:
    for port in ports:
        for group in spec.client_security_group_ids:
            _admit(name, group, store, port, spec, child, group=group)
        for cidr in spec.client_cidrs:
            _admit(name, cidr.replace("/", "-"), store, port, spec, child, cidr=cidr)


def _admit(
    name: str,
    source: str,
    store: aws.ec2.SecurityGroup,
    port: int,
    spec: StoreSpec,
    child: pulumi.ResourceOptions,
    *,
    group: pulumi.Input[str] | None = None,
    cidr: str | None = None,
) -> None:
    aws.vpc.SecurityGroupIngressRule(
        f"{name}-from-{source}-{port}",
        security_group_id=store.id,
        referenced_security_group_id=group,
        cidr_ipv4=cidr,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description=f"TLS from {cidr or source}",
        tags=spec.tags,
        opts=child,
    )
