"""Stores in the mock engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.aws.args import (
    ElastiCacheSessionStoreArgs,
    PrivateNetworkArgs,
    ServerlessSessionStoreArgs,
)
from components.aws.network import PrivateNetwork
from components.aws.serverless import ServerlessSessionStore
from components.aws.store import ElastiCacheSessionStore
from components.outputs import OUTPUT_NAMES
from holdfast.connection import Topology
from tests.unit.components.aws.cloud import REGION, SUBNETS, Aws
from tests.unit.components.mocks import Deployment, deploy

NAME = "chat-test"
GROUP = f"{NAME}-1a2b3c4"
CLUSTER: dict[str, Any] = {"topology": Topology.CLUSTER, "shards": 2, "replicas": 1}


def nodes(
    *,
    name: str = "s",
    preview: bool = False,
    cloud: Aws | None = None,
    **changes: Any,  # noqa: ANN401 - as the arguments are
) -> Deployment:
    """A store of nodes, the component named ``s`` unless told otherwise."""
    args: ElastiCacheSessionStoreArgs = {
        "region": REGION,
        "aws_name": NAME,
        "engine_version": "9.1",
        "vpc_id": "vpc-00000001",
        "subnet_ids": list(SUBNETS),
        "node_type": "cache.t4g.small",
    }

    def program() -> Mapping[str, pulumi.Output[Any]]:
        made = ElastiCacheSessionStore(
            name,
            {**args, **changes},  # type: ignore[typeddict-item]  # the test says what it changes
        )
        return {name: getattr(made, name) for name in OUTPUT_NAMES}

    return deploy(program, preview=preview, cloud=cloud or Aws())


def serverless(*, preview: bool = False, cloud: Aws | None = None, **changes: Any) -> Deployment:  # noqa: ANN401 - as the arguments are
    """A serverless store, the component named ``s``."""
    args: ServerlessSessionStoreArgs = {
        "region": REGION,
        "aws_name": NAME,
        "engine_version": "9.1",
        "vpc_id": "vpc-00000001",
        "subnet_ids": list(SUBNETS),
        "data_storage_gb": 5,
        "ecpu_per_second": 10_000,
    }

    def program() -> Mapping[str, pulumi.Output[Any]]:
        made = ServerlessSessionStore(
            "s",
            {**args, **changes},  # type: ignore[typeddict-item]  # the test says what it changes
        )
        return {name: getattr(made, name) for name in OUTPUT_NAMES}

    return deploy(program, preview=preview, cloud=cloud or Aws())


def network(*, preview: bool = False, cloud: Aws | None = None, **changes: Any) -> Deployment:  # noqa: ANN401 - as the arguments are
    """A network, the component named ``n``."""
    args: PrivateNetworkArgs = {"region": REGION, "aws_name": NAME}

    def program() -> Mapping[str, pulumi.Output[Any]]:
        made = PrivateNetwork(
            "n",
            {**args, **changes},  # type: ignore[typeddict-item]  # the test says what it changes
        )
        return {"vpc_id": made.vpc_id, "subnet_ids": made.subnet_ids}

    return deploy(program, preview=preview, cloud=cloud or Aws())


def children(made: Deployment) -> dict[str, str]:
    """Tokens of the custom resources by name."""
    return {name: args.typ for name, args in made.created.items() if args.custom}
