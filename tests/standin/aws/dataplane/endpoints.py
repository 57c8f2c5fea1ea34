"""The names that AWS gives stores and their nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.standin.aws.dataplane.api import (
    SERVERLESS_READER_PORT,
    ClusterMode,
    Endpoint,
    GroupEndpoints,
    GroupSpec,
    Member,
    ServerlessEndpoints,
)

_DOMAIN: Final = "cache.amazonaws.com"
_DIRECTIONS: Final = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "central": "c",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
}


def short_region(region: str) -> str:
    """``us-east-1`` as the names of caches have it: ``use1``."""
    first, *middle, number = region.split("-")
    return first + "".join(_DIRECTIONS.get(part, part) for part in middle) + number


def group_domain(group_id: str, name_hash: str, region: str) -> str:
    """What the TLS names of a group end in; its certificate is for ``*.`` and this."""
    return f"{group_id}.{name_hash}.{short_region(region)}.{_DOMAIN}"


def member_ids(
    group_id: str, *, cluster: bool, shards: int, replicas: int
) -> dict[str, tuple[str, ...]]:
    """The cluster ids of a new group by shard: ``{"0001": ("store-001", "store-002")}``."""
    nodes = range(1, replicas + 2)
    if not cluster:
        return {"0001": tuple(f"{group_id}-{node:03d}" for node in nodes)}
    return {
        f"{shard:04d}": tuple(f"{group_id}-{shard:04d}-{node:03d}" for node in nodes)
        for shard in range(1, shards + 1)
    }


def group_endpoints(
    group_id: str,
    *,
    region: str,
    name_hash: str,
    cluster_mode: ClusterMode,
    tls: bool,
    ids: Mapping[str, tuple[str, ...]],
) -> GroupEndpoints:
    """The names of a group: they depend on cluster mode and on TLS, as on AWS."""
    domain = group_domain(group_id, name_hash, region)
    tail = f"{name_hash}.%s.{short_region(region)}.{_DOMAIN}"
    if tls:
        configuration, primary, reader = (
            f"{kind}.{domain}" for kind in ("clustercfg", "master", "replica")
        )
    else:
        configuration = f"{group_id}.{tail % 'clustercfg'}"
        primary = f"{group_id}.{tail % 'ng.0001'}"
        reader = f"{group_id}-ro.{tail % 'ng.0001'}"
    return GroupEndpoints(
        primary=None if cluster_mode is ClusterMode.ENABLED else Endpoint(primary),
        reader=None if cluster_mode is ClusterMode.ENABLED else Endpoint(reader),
        configuration=None if cluster_mode is ClusterMode.DISABLED else Endpoint(configuration),
        members=tuple(
            Member(name, shard, Endpoint(f"{name}.{domain if tls else tail % '0001'}"))
            for shard, names in sorted(ids.items())
            for name in names
        ),
    )


def spec_endpoints(spec: GroupSpec) -> GroupEndpoints:
    """The names of a group that is being created."""
    return group_endpoints(
        spec.group_id,
        region=spec.region,
        name_hash=spec.name_hash,
        cluster_mode=spec.cluster_mode,
        tls=spec.tls,
        ids=spec.member_ids,
    )


def serverless_endpoints(name: str, *, region: str, name_hash: str) -> ServerlessEndpoints:
    """The names of a serverless cache."""
    host = f"{name}-{name_hash}.serverless.{short_region(region)}.{_DOMAIN}"
    return ServerlessEndpoints(Endpoint(host), Endpoint(host, SERVERLESS_READER_PORT))
