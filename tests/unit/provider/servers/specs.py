"""Inputs of a ServerProcess for tests that need no server."""

from __future__ import annotations

from provider.servers.spec import ServerSpec
from provider.values import Properties


def server_inputs(**changed: object) -> Properties:
    """A server's inputs, some of them changed."""
    return {
        "node": "valkey-0",
        "kind": "server",
        "groupDir": "/g",
        "owner": "project/stack",
        "executable": "/bin/valkey-server",
        "port": 7600,
        "address": "127.0.0.1",
        "tlsCertificatePem": "certificate",
        "tlsPrivateKeyPem": "private-key",
        "tlsCaPem": "ca",
        "adminUsername": "admin",
        "adminPassword": "admin-password",
        "acl": "user default off",
        "directives": {"maxmemory": "64mb", "appendonly": "yes"},
        "secretDirectives": {"primaryauth": "replica-password"},
        "seed": {},
        **changed,
    }


def sentinel_inputs(**changed: object) -> Properties:
    """A Sentinel's inputs, some of them changed."""
    return server_inputs(
        **{
            "node": "sentinel-0",
            "kind": "sentinel",
            "port": 7603,
            "directives": {"sentinel down-after-milliseconds m": "5000"},
            "secretDirectives": {"sentinel auth-pass m": "sentinel-password"},
            "seed": {"sentinel monitor m": "127.0.0.1 7600 2"},
            **changed,
        }
    )


def server(**changed: object) -> ServerSpec:
    """A server."""
    return ServerSpec.from_properties(server_inputs(**changed))


def sentinel(**changed: object) -> ServerSpec:
    """A Sentinel."""
    return ServerSpec.from_properties(sentinel_inputs(**changed))
