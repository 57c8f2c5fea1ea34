"""Node types of ElastiCache for Valkey: memory, what to keep in reserve, and prices. Data only.

Beside them the prices of what stands around a store.

``maxmemory_bytes``: the table of node-type parameters for Valkey in AWS's user guide. The share in
reserve is the kit's choice by size; AWS's own default is 25 for all.

Prices: us-east-1, on demand, Valkey, dollars an hour, from AWS's price list as read on
:data:`PRICES_READ`. None where no price was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

PRICES_READ: Final = date(2026, 10, 2)
PRICES_REGION: Final = "us-east-1"
PRICES_SOURCE: Final = "AWS price list, on demand, ElastiCache for Valkey"
SERVERLESS_GB_HOUR_DOLLARS: Final = 0.084
SERVERLESS_MILLION_ECPU_DOLLARS: Final = 0.0023
SERVERLESS_MINIMUM_GB: Final = 0.1
HOURS_A_MONTH: Final = 730

BESIDE_READ: Final = date(2026, 11, 25)
BESIDE_SOURCE: Final = "AWS list prices as public price guides quote them"
"""c3x.dev (endpoints, alarms, keys) and hivebook.wiki (secrets); all of us-east-1."""

ENDPOINT_ZONE_HOUR_DOLLARS: Final = 0.01
ALARM_MONTH_DOLLARS: Final = 0.10
SECRET_MONTH_DOLLARS: Final = 0.40
KEY_MONTH_DOLLARS: Final = 1.00


@dataclass(frozen=True, slots=True)
class NodeType:
    """One node type.

    Attributes:
        name: such as ``cache.r7g.large``.
        maxmemory_bytes: as AWS states it, before any reserve.
        reserved_percent: ``reserved-memory-percent``, kept free for copies and buffers.
        hourly_dollars: of one node; None where no price was read.
    """

    name: str
    maxmemory_bytes: int
    reserved_percent: int
    hourly_dollars: float | None

    @property
    def family(self) -> str:
        """The generation: ``r7g`` of ``cache.r7g.large``."""
        return self.name.split(".")[1]

    @property
    def usable_bytes(self) -> int:
        """What the server has left as its maxmemory after the reserve."""
        return self.maxmemory_bytes * (100 - self.reserved_percent) // 100


NODES: Final[tuple[NodeType, ...]] = (
    NodeType("cache.t4g.micro", 536_870_912, 50, 0.0128),
    NodeType("cache.t4g.small", 1_471_026_299, 30, 0.0256),
    NodeType("cache.t4g.medium", 3_317_862_236, 25, 0.0520),
    NodeType("cache.m7g.large", 6_854_542_746, 25, 0.1264),
    NodeType("cache.m7g.xlarge", 13_891_921_715, 25, 0.2520),
    NodeType("cache.m7g.2xlarge", 27_966_669_210, 25, 0.5032),
    NodeType("cache.m7g.4xlarge", 56_116_178_125, 25, 1.0056),
    NodeType("cache.m7g.8xlarge", 111_325_552_312, 25, None),
    NodeType("cache.m7g.12xlarge", 168_715_971_994, 25, None),
    NodeType("cache.m7g.16xlarge", 225_000_375_228, 25, None),
    NodeType("cache.r7g.large", 14_037_181_030, 25, 0.1752),
    NodeType("cache.r7g.xlarge", 28_261_849_702, 25, 0.3496),
    NodeType("cache.r7g.2xlarge", 56_711_183_565, 25, 0.6984),
    NodeType("cache.r7g.4xlarge", 113_609_865_216, 25, 1.396),
    NodeType("cache.r7g.8xlarge", 225_000_375_228, 25, 2.7928),
    NodeType("cache.r7g.12xlarge", 341_206_346_547, 25, 4.188),
    NodeType("cache.r7g.16xlarge", 450_000_750_456, 25, 5.5848),
    NodeType("cache.m8g.large", 7_294_178_820, 25, 0.1266),
    NodeType("cache.r8g.large", 15_222_495_510, 25, 0.1756),
    NodeType("cache.r8g.xlarge", 31_866_224_640, 25, 0.3511),
    NodeType("cache.r8g.2xlarge", 65_856_864_256, 25, 0.7022),
)
