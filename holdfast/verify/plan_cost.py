"""What a plan's stores cost a month, before and after, by the dated table of holdfast.aws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.aws.nodes import (
    GB,
    find_node,
    monthly_dollars,
    price_note,
    serverless_monthly_dollars,
)
from holdfast.errors import ConfigError
from holdfast.verify.plan import Plan, Step
from holdfast.verify.plan_rules import value_at
from holdfast.verify.plan_table_aws import GROUP, SERVERLESS

_LOOKED_AT = ("refresh", "read")


@dataclass(frozen=True, slots=True)
class Price:
    """Of one store.

    Attributes:
        what: nodes or limits, in words.
        dollars: a month; None where the table has no price, or the plan no number.
        at_most: the store is paid by use, and this is its limit.
    """

    what: str
    dollars: float | None
    at_most: bool = False


@dataclass(frozen=True, slots=True)
class CostChange:
    """One store's cost before and after; None where there is none."""

    name: str
    before: Price | None
    after: Price | None


@dataclass(frozen=True, slots=True)
class Cost:
    """Of all stores of a plan.

    Attributes:
        stores: each with its prices.
        note: where prices come from, and what is not in them.
    """

    stores: tuple[CostChange, ...]
    note: str

    @property
    def before(self) -> float | None:
        """Of all together; None where one has no price."""
        return _total([store.before for store in self.stores])

    @property
    def after(self) -> float | None:
        """The same, after the change."""
        return _total([store.after for store in self.stores])


def cost_of(plan: Plan) -> Cost | None:
    """What the plan's stores cost; None where it has none that AWS is paid for."""
    last: dict[str, Step] = {}
    for step in plan.steps:
        if step.type in (GROUP, SERVERLESS) and step.op not in _LOOKED_AT:
            last[step.urn] = step
    stores = tuple(
        CostChange(step.name, _price(step.type, step.old), _price(step.type, step.new))
        for step in last.values()
    )
    return Cost(stores, price_note()) if stores else None


def _price(kind: str, inputs: Mapping[str, Any]) -> Price | None:
    if not inputs:
        return None
    return _nodes(inputs) if kind == GROUP else _serverless(inputs)


def _nodes(inputs: Mapping[str, Any]) -> Price:
    name, count = inputs.get("nodeType"), _count(inputs)
    if not isinstance(name, str) or count is None:
        return Price("nodes that are not known yet", None)
    what = f"{count} x {name}"
    try:
        return Price(what, monthly_dollars(find_node(name), count))
    except ConfigError:
        return Price(what, None)


def _count(inputs: Mapping[str, Any]) -> int | None:
    shards, replicas = inputs.get("numNodeGroups"), inputs.get("replicasPerNodeGroup")
    if isinstance(shards, int) or isinstance(replicas, int):
        counted = [shards if shards is not None else 1, replicas if replicas is not None else 0]
        numbers = [number for number in counted if isinstance(number, int)]
        return numbers[0] * (1 + numbers[1]) if len(numbers) == len(counted) else None
    nodes = inputs.get("numCacheClusters", 1)
    return nodes if isinstance(nodes, int) else None


def _serverless(inputs: Mapping[str, Any]) -> Price:
    storage = value_at(inputs, ("cacheUsageLimits", "dataStorage", "maximum"))
    requests = value_at(inputs, ("cacheUsageLimits", "ecpuPerSeconds", 0, "maximum"))
    if not isinstance(storage, int) or not isinstance(requests, int):
        return Price("serverless, no limit known", None, at_most=True)
    what = f"serverless, {storage} GB and {requests} ECPU a second"
    return Price(what, serverless_monthly_dollars(storage * GB, requests), at_most=True)


def _total(prices: list[Price | None]) -> float | None:
    known = [0.0 if price is None else price.dollars for price in prices]
    numbers = [number for number in known if number is not None]
    return sum(numbers) if len(numbers) == len(known) else None
