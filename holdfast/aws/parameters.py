"""The parameter group of a store: its family, and the values that differ from AWS's own.

Names, defaults and allowed values: ElastiCache user guide, "Engine specific parameters".
"""

from __future__ import annotations

from typing import Final

from holdfast.acl import parse_version
from holdfast.aws.nodes_table import NodeType
from holdfast.errors import ConfigError

ENGINE_VERSIONS: Final = ("7.2", "8.0", "8.1", "8.2", "9.0", "9.1")
"""Of Valkey that ElastiCache offers (cfn-lint 1.58's table of regions)."""

_MIB: Final = 1024**2
_SMALLEST_BACKLOG_BYTES: Final = 16 * _MIB
_LARGEST_BACKLOG_BYTES: Final = 64 * _MIB
_BACKLOG_SHARE: Final = 1 / 64


def family(version: str) -> str:
    """The family of parameter groups of a version, such as ``valkey9``. Raises ConfigError."""
    if version not in ENGINE_VERSIONS:
        raise ConfigError(
            "engine_version",
            version,
            f"one of {', '.join(ENGINE_VERSIONS)}",
            "set a version that ElastiCache offers",
        )
    return f"valkey{parse_version(version)[0]}"


def parameters(node: NodeType, *, eviction_policy: str, cluster: bool) -> dict[str, str]:
    """The values of a session store, by name in order.

    Args:
        node: the type of each node.
        eviction_policy: ``volatile-*``.
        cluster: whether cluster mode is on; it can be set at creation only.
    """
    share = int(node.usable_bytes * _BACKLOG_SHARE) // _MIB * _MIB
    backlog = min(max(share, _SMALLEST_BACKLOG_BYTES), _LARGEST_BACKLOG_BYTES)
    values = {
        # Nobody hears a channel that was not given to them.
        "acl-pubsub-default": "resetchannels",
        "activedefrag": "yes",
        "maxmemory-policy": eviction_policy,
        # A closer look at which session is the oldest, for little.
        "maxmemory-samples": "5",
        "repl-backlog-size": str(backlog),
        "reserved-memory-percent": str(node.reserved_percent),
        # Below the 350 s after which load balancers and NAT forget an idle connection.
        "tcp-keepalive": "60",
    }
    if cluster:
        values["cluster-enabled"] = "yes"
    return dict(sorted(values.items()))
