"""Engine versions, families, and node types that the emulated service offers. Data, and pure.

Versions and families: cfn-lint 1.58's table of regions. Memory: the user guide's table of node
types for Valkey.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from tests.standin.aws.emulator.elasticache.control import Control, Params, Result, page
from tests.standin.aws.emulator.elasticache.faults import conflicting, invalid

ENGINE: Final = "valkey"
VERSIONS: Final = ("7.2", "8.0", "8.1", "8.2", "9.0", "9.1")
FAMILIES: Final = ("valkey7", "valkey8", "valkey9")
SERVERLESS_MAJORS: Final = ("7", "8", "9")

NODE_TYPES: Final = MappingProxyType(
    {
        "cache.t4g.micro": 536_870_912,
        "cache.t4g.small": 1_471_026_299,
        "cache.t4g.medium": 3_317_862_236,
        "cache.m7g.large": 6_854_542_746,
        "cache.m7g.xlarge": 13_891_921_715,
        "cache.m7g.2xlarge": 27_966_669_210,
        "cache.m7g.4xlarge": 56_116_178_125,
        "cache.m7g.8xlarge": 111_325_552_312,
        "cache.m7g.12xlarge": 168_715_971_994,
        "cache.m7g.16xlarge": 225_000_375_228,
        "cache.r7g.large": 14_037_181_030,
        "cache.r7g.xlarge": 28_261_849_702,
        "cache.r7g.2xlarge": 56_711_183_565,
        "cache.r7g.4xlarge": 113_609_865_216,
        "cache.r7g.8xlarge": 225_000_375_228,
        "cache.r7g.12xlarge": 341_206_346_547,
        "cache.r7g.16xlarge": 450_000_750_456,
        "cache.m8g.large": 7_294_178_820,
        "cache.r8g.large": 15_222_495_510,
        "cache.r8g.xlarge": 31_866_224_640,
        "cache.r8g.2xlarge": 65_856_864_256,
    }
)
"""``maxmemory`` by node type, in bytes."""


def family_of(version: str) -> str:
    """``valkey8`` of ``8.1``."""
    return f"valkey{version.partition('.')[0]}"


def check_engine(engine: str) -> str:
    """The engine; this service runs Valkey alone, and compares its spelling as AWS does."""
    if engine != ENGINE:
        message = (
            f"Engine {engine!r} is not offered here: the emulator runs {ENGINE}, in lower case."
        )
        raise invalid(message)
    return engine


def check_version(version: str | None) -> str:
    """A version as ``major.minor``; a patch level is taken and dropped."""
    if version is None:
        raise conflicting("EngineVersion must be given for engine valkey.")
    short = ".".join(version.split(".")[:2])
    if short not in VERSIONS:
        raise conflicting(
            f"Cannot find version {version} for valkey; there are {', '.join(VERSIONS)}."
        )
    return short


def check_upgrade(before: str, after: str) -> None:
    """Refuse a downgrade."""
    if VERSIONS.index(after) < VERSIONS.index(before):
        message = f"Cannot downgrade from {before} to {after}: create a new replication group."
        raise conflicting(message)


def check_node_type(node_type: str | None) -> str:
    """A node type of the table."""
    if node_type is None or node_type not in NODE_TYPES:
        raise invalid(f"The node type {node_type} is not supported.")
    return node_type


def full_version(version: str) -> str:
    """As describe shows it: with a patch level."""
    return {"7.2": "7.2.6", "8.0": "8.0.1"}.get(version, f"{version}.0")


def describe_cache_engine_versions(control: Control, params: Params) -> Result:
    """``DescribeCacheEngineVersions``."""
    found = [
        {
            "Engine": ENGINE,
            "EngineVersion": version,
            "CacheParameterGroupFamily": family_of(version),
            "CacheEngineDescription": "Valkey",
            "CacheEngineVersionDescription": f"valkey version {version}",
        }
        for version in VERSIONS
        if params.get("Engine", ENGINE) == ENGINE
        and params.get("EngineVersion", version) == version
        and params.get("CacheParameterGroupFamily", family_of(version)) == family_of(version)
    ]
    if params.get("DefaultOnly"):
        found = found[-1:]
    return page(found, params, "CacheEngineVersions")


def describe_update_actions(control: Control, params: Params) -> Result:
    """``DescribeUpdateActions``: there is never one."""
    return {"UpdateActions": []}
