"""Stores for the tests of builders."""

from __future__ import annotations

from config.directives import ServerConfig
from config.schema import Appendfsync, Engine, EvictionPolicy
from config.shape import resolve_shape
from holdfast.connection import Topology
from k8s.memory import plan_memory
from k8s.names import Names
from k8s.spec import StoreSpec

MIB = 1024**2


def config(
    *,
    engine: Engine = Engine.VALKEY,
    version: str = "9.1.2",
    replicas: int = 2,
    sentinels: int = 3,
    service: str = "prod-agents",
) -> ServerConfig:
    return ServerConfig(
        service=service,
        engine=engine,
        version=version,
        shape=resolve_shape(Topology.SENTINEL, replicas=replicas, sentinels=sentinels),
        down_after_ms=5000,
        maxmemory_bytes=256 * MIB,
        eviction_policy=EvictionPolicy.VOLATILE_LRU,
        appendfsync=Appendfsync.EVERYSEC,
    )


def spec(store: str = "agents", namespace: str = "prod", **changes: object) -> StoreSpec:
    names = Names(store, namespace)
    values: dict[str, object] = {
        "names": names,
        "config": config(service=names.service),
        "memory": plan_memory(256 * MIB),
        "image": "valkey/valkey:9.1.2",
    }
    return StoreSpec(**{**values, **changes})  # type: ignore[arg-type]  # the test says what
