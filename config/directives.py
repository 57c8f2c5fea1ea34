"""What every server and Sentinel is told, wherever it runs: pure, no address and no password.

Targets add where a process listens, what it is called and where its files are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.schema import Appendfsync, Engine, EvictionPolicy
from config.shape import MIN_REPLICAS_MAX_LAG_SECONDS, Shape
from holdfast.acl import parse_version
from holdfast.footprint import HASH_MAX_LISTPACK_VALUE_BYTES
from holdfast.roles import Role
from holdfast.sizing import backlog_bytes

FAILOVER_TIMEOUT_MS: Final = 15_000
"""Bounds each step of a failover, which takes a second or two. A lost election, or a failover that
came to nothing, keeps a Sentinel from the next one for twice as long."""

REBOOT_DOWN_AFTER_MS: Final = 15_000
MAXMEMORY_SAMPLES: Final = 10
_TLS_PROTOCOLS: Final = "TLSv1.2 TLSv1.3"
_PRIMARY_WORDS_SINCE: Final = (8, 0)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What the directives follow from; the fields are the settings of the same names.

    Attributes:
        service: name of the primary in the Sentinels' words.
    """

    service: str
    engine: Engine
    version: str
    shape: Shape
    down_after_ms: int
    maxmemory_bytes: int
    eviction_policy: EvictionPolicy
    appendfsync: Appendfsync

    @property
    def primary_words(self) -> bool:
        """Whether the version says primary where older ones, and Redis, know only master."""
        return self.engine is Engine.VALKEY and parse_version(self.version) >= _PRIMARY_WORDS_SINCE


def tls_directives() -> dict[str, str]:
    """TLS of servers and Sentinels, without their files."""
    return {
        "tls-auth-clients": "no",
        # Without it replicas, and the Sentinels' own connections, would speak plain text.
        "tls-replication": "yes",
        "tls-protocols": _TLS_PROTOCOLS,
    }


def server_directives(config: ServerConfig) -> dict[str, str]:
    """Memory, persistence, replication and TLS of a server."""
    shape = config.shape
    directives = {
        **tls_directives(),
        "maxmemory": str(config.maxmemory_bytes),
        "maxmemory-policy": config.eviction_policy.value,
        "maxmemory-samples": str(MAXMEMORY_SAMPLES),
        "hash-max-listpack-value": str(HASH_MAX_LISTPACK_VALUE_BYTES),
        "appendonly": "yes",
        "appendfsync": config.appendfsync.value,
        # The append-only file is the copy on disk; snapshots beside it would only cost.
        "save": "",
        "min-replicas-to-write": str(shape.min_replicas_to_write),
        "min-replicas-max-lag": str(MIN_REPLICAS_MAX_LAG_SECONDS),
    }
    if shape.replicas:
        directives |= {
            "repl-backlog-size": str(backlog_bytes(config.maxmemory_bytes)),
            # Waiting for more replicas before a first copy starts costs 5 s at each start.
            "repl-diskless-sync-delay": "0",
            "primaryuser" if config.primary_words else "masteruser": Role.REPLICA.value,
        }
    return directives


def server_secrets(config: ServerConfig) -> dict[str, Role]:
    """Directive -> whose password is its value; on the primary too, which follows another later."""
    auth = "primaryauth" if config.primary_words else "masterauth"
    return {auth: Role.REPLICA} if config.shape.replicas else {}


def sentinel_directives(config: ServerConfig) -> dict[str, str]:
    """How a Sentinel watches the service; the address it starts from is the target's to add."""
    service = config.service
    reboot = "primary" if config.primary_words else "master"
    return {
        **tls_directives(),
        "sentinel deny-scripts-reconfig": "yes",
        "sentinel sentinel-user": Role.SENTINEL.value,
        f"sentinel auth-user {service}": Role.SENTINEL.value,
        f"sentinel down-after-milliseconds {service}": str(config.down_after_ms),
        f"sentinel failover-timeout {service}": str(FAILOVER_TIMEOUT_MS),
        f"sentinel parallel-syncs {service}": "1",
        # A primary that loads a long time after a restart counts as alive without this.
        f"sentinel {reboot}-reboot-down-after-period {service}": str(
            max(REBOOT_DOWN_AFTER_MS, 3 * config.down_after_ms)
        ),
    }


def sentinel_secrets(config: ServerConfig) -> dict[str, Role]:
    """Directive -> whose password is its value."""
    return {
        f"sentinel auth-pass {config.service}": Role.SENTINEL,
        "sentinel sentinel-pass": Role.SENTINEL,
    }
