"""What nodes of ElastiCache, or a serverless store, have room for; and which nodes to take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from config.aws_rules import check_offered, check_region
from config.aws_settings import in_settings, maximum
from config.capacity import NodePlan, Room
from config.reader import ConfigReader
from config.schema import BY_NAME, Preset
from config.shape import resolve_aws_shape
from holdfast.aws.nodes import (
    GB,
    choose_nodes,
    cost_phrase,
    find_node,
    price_note,
    shards_due,
)
from holdfast.aws.nodes_table import NodeType
from holdfast.connection import Topology
from holdfast.errors import ConfigError
from holdfast.sizing import DEFAULT_HEADROOM

TOO_LARGE: Final = 4
"""Times the expected sessions with headroom: above it a smaller type is advised."""


@dataclass(frozen=True, slots=True)
class NodeRoom(Room):
    """Of nodes of one type; ``maxmemory_bytes`` is what is left after the reserve.

    Attributes:
        node: the type.
        nodes: primaries and replicas.
        region: of the store.
    """

    node: NodeType
    nodes: int
    region: str

    @property
    def name(self) -> str:
        """The node type, and how many share the sessions."""
        shards = "" if self.primaries == 1 else f"{self.primaries} x "
        return f"{BY_NAME['nodeType'].key} {shards}{self.node.name}"

    def remedy(self, expected: int) -> tuple[str, str]:
        """The cheapest type that leaves headroom; where there is none, more shards."""
        try:
            return BY_NAME["nodeType"].key, self._fitting(expected).name
        except ConfigError:
            due = shards_due(expected, session_bytes=self.session_bytes, buckets=self.buckets)
            return BY_NAME["primaries"].key, f"{due} with topology cluster"

    def advice(self, expected: int) -> str | None:
        """What to say of nodes that are tight, or several times too large."""
        # Not super(): the class that slots make is another one than this body closes over.
        tight = Room.advice(self, expected)
        if tight is not None or self.sessions(DEFAULT_HEADROOM) <= TOO_LARGE * expected:
            return tight
        fitting = self._fitting(expected)
        now, then = (node.hourly_dollars or 0.0 for node in (self.node, fitting))
        if now <= then:
            return None
        return (
            f"{self.name} holds {self.sessions(DEFAULT_HEADROOM)} sessions with headroom, more "
            f"than {TOO_LARGE} times {BY_NAME['expectedSessions'].key} {expected}; "
            f"{cost_phrase(fitting, self.nodes)} instead of {cost_phrase(self.node, self.nodes)} "
            f"({price_note()})"
        )

    def _fitting(self, expected: int) -> NodeType:
        return choose_nodes(
            expected,
            session_bytes=self.session_bytes,
            buckets=self.buckets,
            shards=self.primaries,
            region=self.region,
        ).node


@dataclass(frozen=True, slots=True)
class ServerlessRoom(Room):
    """Of a serverless store, whose maximum is a setting."""

    @property
    def name(self) -> str:
        """The maximum."""
        return f"{BY_NAME['dataStorageGb'].key} {self.maxmemory_bytes // GB}"

    def sessions(self, headroom: float = 1.0) -> int:
        """How many fit; AWS spreads them, and nothing beside them counts."""
        return int(self.maxmemory_bytes / (self.session_bytes * headroom))

    def remedy(self, expected: int) -> tuple[str, str]:
        """The maximum that leaves headroom."""
        need = expected * self.session_bytes * DEFAULT_HEADROOM
        return BY_NAME["dataStorageGb"].key, str(max(1, math.ceil(need / GB)))


def plan_nodes(
    reader: ConfigReader,
    preset: Preset,
    *,
    expected: int | None,
    session_bytes: int,
    buckets: int,
) -> NodePlan:
    """Take the nodes that are set, else the cheapest that hold the expected sessions.

    Raises:
        ConfigError: a count or a type is wrong, the region does not offer the type, or nothing
            holds so many sessions.
    """
    topology = reader.choice(Topology, "topology")
    may_fail_over = preset is not Preset.DEV
    region = check_region(reader.optional_text("region"))
    if topology is Topology.SERVERLESS:
        shape = resolve_aws_shape(topology, primaries=1, replicas=0, may_fail_over=may_fail_over)
        storage_bytes = maximum(reader, "dataStorageGb") * GB
        return NodePlan(shape, ServerlessRoom(storage_bytes, session_bytes, 1, buckets))
    replicas = reader.number("replicas")
    given_shards = reader.optional_number("primaries")
    if given_shards is None:
        due = 1
        if topology is Topology.CLUSTER:
            due = shards_due(expected or 1, session_bytes=session_bytes, buckets=buckets)
        given_shards = due
    shape = resolve_aws_shape(
        topology, primaries=given_shards, replicas=replicas, may_fail_over=may_fail_over
    )
    name = reader.optional_text("nodeType")
    try:
        if name is None:
            node = choose_nodes(
                expected or 1,
                session_bytes=session_bytes,
                buckets=buckets,
                shards=shape.primaries,
                region=region,
            ).node
        else:
            node = find_node(name)
    except ConfigError as error:
        raise in_settings(error) from None
    check_offered(node, region)
    room = NodeRoom(
        maxmemory_bytes=node.usable_bytes,
        session_bytes=session_bytes,
        primaries=shape.primaries,
        buckets=buckets,
        node=node,
        nodes=shape.servers,
        region=region,
    )
    return NodePlan(shape, room, node)
