"""One dispatch: settings in, the store of their target out."""

from __future__ import annotations

from typing import assert_never

from components.existing import ExistingSessionStore, existing_args
from components.local import LocalSessionStore
from components.local_spec import LocalSessionStoreArgs
from components.outputs import SessionStore
from config.aws_settings import AwsSettings
from config.existing_settings import ExistingSettings
from config.kubernetes_settings import KubernetesSettings
from config.local_settings import LocalSettings
from config.settings import Settings
from holdfast.units import format_bytes

STORE_NAME = "store"
"""Name of the store component; identity of everything below it."""


def create_store(settings: Settings) -> SessionStore:
    """Create the store that the settings ask for.

    Raises:
        HoldfastError: an argument is refused, or the cluster is not fit for the store. Nothing
            was registered.
    """
    match settings.own:
        case LocalSettings() as own:
            return LocalSessionStore(STORE_NAME, local_args(settings, own))
        case KubernetesSettings() as own:
            # Its SDK is an extra: a local stack needs none.
            from components.kubernetes_factory import create_kubernetes_store  # noqa: PLC0415

            return create_kubernetes_store(STORE_NAME, settings, own)
        case AwsSettings() as own:
            from components.aws.factory import create_aws_store  # noqa: PLC0415 - likewise

            return create_aws_store(STORE_NAME, settings, own)
        case ExistingSettings() as own:
            return ExistingSessionStore(STORE_NAME, existing_args(settings, own))
        case _:
            assert_never(settings.own)


def local_args(settings: Settings, own: LocalSettings) -> LocalSessionStoreArgs:
    """Settings in the words of the local component."""
    shape = settings.shape
    args: LocalSessionStoreArgs = {
        "owner": settings.owner,
        "server_path": str(own.program.path),
        "engine": own.program.engine,
        "engine_version": own.program.version,
        "data_dir": str(own.data_dir),
        "app": settings.app,
        "buckets": settings.buckets,
        "topology": shape.topology,
        "primaries": shape.primaries,
        "replicas": shape.replicas,
        "sentinels": shape.sentinels,
        "quorum": shape.quorum,
        "base_port": own.ports.servers[0],
        "down_after_ms": settings.down_after_ms,
        "maxmemory": format_bytes(settings.maxmemory_bytes),
        "eviction_policy": settings.eviction_policy.value,
        "appendfsync": settings.appendfsync,
        "keep_data": own.keep_data,
        "extra_dns_names": settings.extra_dns_names,
        "rotation": settings.rotation,
    }
    if own.ports.sentinels:
        args["sentinel_base_port"] = own.ports.sentinels[0]
    if settings.expected_sessions is not None:
        args["expected_sessions"] = settings.expected_sessions
    return args
