"""The templates of ``valkey.conf`` and ``sentinel.conf``.

:mod:`k8s.environment` says how the start scripts fill them in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from config.directives import (
    ServerConfig,
    sentinel_directives,
    sentinel_secrets,
    server_directives,
    server_secrets,
)
from config.schema import Engine
from holdfast.acl import parse_version
from holdfast.roles import Place, Role
from holdfast.sizing import REPLICA_BUFFER_BYTES
from k8s.environment import ACL_DIR, ACL_FILE, DATA_DIR, TLS_DIR, Variable
from k8s.names import Names

SERVER_PORT: Final = 6379
SENTINEL_PORT: Final = 26379
PORTS: Final[Mapping[Place, int]] = {Place.SERVER: SERVER_PORT, Place.SENTINEL: SENTINEL_PORT}
SHUTDOWN_TIMEOUT_SECONDS: Final = 10
_TLS_RELOAD_SECONDS: Final = 300
_TLS_RELOAD_SINCE: Final = (9, 1)
_OWN_NAME: Final = f"@{Variable.NODE_FQDN}@"
_OWN_ID: Final = "@HF_SENTINEL_ID@"


def server_template(config: ServerConfig) -> str:
    """``valkey.conf``, the same for every server of a store."""
    soft = REPLICA_BUFFER_BYTES // 2
    directives = {
        **_place_directives(SERVER_PORT),
        **server_directives(config),
        **_reloading(config),
        "replica-announce-ip": _OWN_NAME,
        "replica-announce-port": str(SERVER_PORT),
        # Nobody is elected before the agent has seen it in step with a primary.
        "replica-priority": "0",
        "repl-diskless-sync": "yes",
        "repl-timeout": "60",
        "client-output-buffer-limit": f"replica {REPLICA_BUFFER_BYTES} {soft} 60",
        "tcp-keepalive": "60",
        "shutdown-timeout": str(SHUTDOWN_TIMEOUT_SECONDS),
    }
    return _render(directives, server_secrets(config))


def sentinel_template(config: ServerConfig, names: Names) -> str:
    """``sentinel.conf`` of a Sentinel that has none yet.

    It begins with the first server as the primary; from then on the file belongs to the Sentinel.
    """
    first = names.fqdn(Place.SERVER, 0)
    directives = {
        **_place_directives(SENTINEL_PORT),
        # Announced names are known from /etc/hosts; addresses would not match certificates.
        "sentinel resolve-hostnames": "yes",
        "sentinel announce-hostnames": "yes",
        "sentinel announce-ip": _OWN_NAME,
        "sentinel announce-port": str(SENTINEL_PORT),
        "sentinel myid": _OWN_ID,
        f"sentinel monitor {config.service}": f"{first} {SERVER_PORT} {config.shape.quorum}",
        **sentinel_directives(config),
    }
    return _render(directives, sentinel_secrets(config))


def _place_directives(port: int) -> dict[str, str]:
    return {
        "port": "0",
        "tls-port": str(port),
        "dir": DATA_DIR,
        "aclfile": f"{ACL_DIR}/{ACL_FILE}",
        "tls-cert-file": f"{TLS_DIR}/tls.crt",
        "tls-key-file": f"{TLS_DIR}/tls.key",
        "tls-ca-cert-file": f"{TLS_DIR}/ca.crt",
    }


def _reloading(config: ServerConfig) -> dict[str, str]:
    """Servers that read their certificate again by themselves; others are told by the agent."""
    reloads = config.engine is Engine.VALKEY and parse_version(config.version) >= _TLS_RELOAD_SINCE
    return {"tls-auto-reload-interval": str(_TLS_RELOAD_SECONDS)} if reloads else {}


def _render(directives: Mapping[str, str], secrets: Mapping[str, Role]) -> str:
    lines: Iterable[str] = (
        *(f"{name} {_value(name, value)}" for name, value in directives.items()),
        *(f"{name} @secret:{role}@" for name, role in secrets.items()),
    )
    return "\n".join(lines) + "\n"


def _value(name: str, value: str) -> str:
    """Quoted where the whole is one word; what takes several words stays as it is."""
    one_word = name in {"tls-protocols", "save"}
    return f'"{value}"' if one_word else value
