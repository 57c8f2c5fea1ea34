"""One dispatch: settings in, the store of their target out."""

from __future__ import annotations

from components.local import LocalSessionStore
from components.local_spec import LocalSessionStoreArgs
from components.outputs import SessionStore
from config.schema import BY_NAME, Target
from config.settings import Settings
from holdfast.errors import Unsupported
from holdfast.units import format_bytes

STORE_NAME = "store"
"""Name of the store component; identity of everything below it."""


def create_store(settings: Settings) -> SessionStore:
    """Create the store that the settings ask for.

    Raises:
        Unsupported: the target is not built yet.
    """
    match settings.target:
        case Target.LOCAL:
            return LocalSessionStore(STORE_NAME, local_args(settings))
        case _:
            raise Unsupported(
                BY_NAME["target"].key, settings.target.value, "a target that is built", "set local"
            )


def local_args(settings: Settings) -> LocalSessionStoreArgs:
    """Settings in the words of the local component."""
    shape = settings.shape
    args: LocalSessionStoreArgs = {
        "owner": settings.owner,
        "server_path": str(settings.program.path),
        "engine": settings.program.engine,
        "engine_version": settings.program.version,
        "data_dir": str(settings.data_dir),
        "app": settings.app,
        "buckets": settings.buckets,
        "topology": shape.topology,
        "primaries": shape.primaries,
        "replicas": shape.replicas,
        "sentinels": shape.sentinels,
        "quorum": shape.quorum,
        "base_port": settings.ports.servers[0],
        "down_after_ms": settings.down_after_ms,
        "maxmemory": format_bytes(settings.maxmemory_bytes),
        "eviction_policy": settings.eviction_policy.value,
        "appendfsync": settings.appendfsync,
        "keep_data": settings.keep_data,
        "extra_dns_names": settings.extra_dns_names,
        "rotation": settings.rotation,
    }
    if settings.ports.sentinels:
        args["sentinel_base_port"] = settings.ports.sentinels[0]
    if settings.expected_sessions is not None:
        args["expected_sessions"] = settings.expected_sessions
    return args
