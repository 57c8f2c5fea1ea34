"""What a plan's stores cost a month, before and after, by the dated table of holdfast.aws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from holdfast.aws.nodes import (
    GB,
    find_node,
    monthly_dollars,
    serverless_monthly_dollars,
    whole_price_note,
)
from holdfast.aws.nodes_table import (
    ALARM_MONTH_DOLLARS,
    ENDPOINT_ZONE_HOUR_DOLLARS,
    HOURS_A_MONTH,
    KEY_MONTH_DOLLARS,
    SECRET_MONTH_DOLLARS,
)
from holdfast.errors import ConfigError
from holdfast.verify.plan import Plan
from holdfast.verify.plan_rules import value_at
from holdfast.verify.plan_table_aws import GROUP, KEY, SERVERLESS
from holdfast.verify.result import count_of

_LOOKED_AT: Final = ("refresh", "read")
_AROUND: Final = "what stands around"


@dataclass(frozen=True, slots=True)
class Price:
    """Of one store, or of what stands around the stores.

    Attributes:
        what: nodes, limits or objects, in words.
        dollars: a month; None where the table has no price, or the plan no number.
        at_most: the store is paid by use, and this is its limit.
    """

    what: str
    dollars: float | None
    at_most: bool = False


@dataclass(frozen=True, slots=True)
class CostChange:
    """What one store, or all around them, costs before and after; None where there is none."""

    name: str
    before: Price | None
    after: Price | None


@dataclass(frozen=True, slots=True)
class Cost:
    """Of all stores of a plan.

    Attributes:
        stores: each with its prices; last what stands around them.
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
    last = {step.urn: step for step in plan.steps if step.op not in _LOOKED_AT}
    stores = [
        CostChange(step.name, _price(step.type, step.old), _price(step.type, step.new))
        for step in last.values()
        if step.type in (GROUP, SERVERLESS)
    ]
    if not stores:
        return None
    around = CostChange(
        _AROUND,
        _around((step.type, step.old) for step in last.values()),
        _around((step.type, step.new) for step in last.values()),
    )
    if around.before is not None or around.after is not None:
        stores.append(around)
    return Cost(tuple(stores), whole_price_note())


@dataclass(frozen=True, slots=True)
class _Billed:
    """An object that is paid by the month, whatever it is used for.

    Attributes:
        what: one that is counted.
        dollars: a month of one.
        count: how many an object is; None where the plan does not tell.
    """

    what: str
    dollars: float
    count: Callable[[Mapping[str, Any]], int | None] = lambda _: 1


def _zones(inputs: Mapping[str, Any]) -> int | None:
    """An endpoint is paid for each zone that it is in; one by route tables costs nothing."""
    if inputs.get("vpcEndpointType") != "Interface":
        return 0
    subnets = inputs.get("subnetIds")
    return len(subnets) if isinstance(subnets, list) else None


_BILLED: Final[Mapping[str, _Billed]] = {
    "aws:ec2/vpcEndpoint:VpcEndpoint": _Billed(
        "endpoint zone", ENDPOINT_ZONE_HOUR_DOLLARS * HOURS_A_MONTH, _zones
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _Billed("alarm", ALARM_MONTH_DOLLARS),
    "aws:secretsmanager/secret:Secret": _Billed("secret", SECRET_MONTH_DOLLARS),
    KEY: _Billed("key", KEY_MONTH_DOLLARS),
}


def _around(objects: Iterable[tuple[str, Mapping[str, Any]]]) -> Price | None:
    counts: dict[str, int | None] = {}
    for kind, inputs in objects:
        if kind in _BILLED and inputs:
            more, before = _BILLED[kind].count(inputs), counts.get(kind, 0)
            counts[kind] = None if more is None or before is None else before + more
    said = [(billed, counts[kind]) for kind, billed in _BILLED.items() if counts.get(kind, 0) != 0]
    if not said:
        return None
    what = ", ".join(
        f"{billed.what}s that are not known yet" if count is None else count_of(count, billed.what)
        for billed, count in said
    )
    known = [billed.dollars * count for billed, count in said if count is not None]
    return Price(what, sum(known) if len(known) == len(said) else None)


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
