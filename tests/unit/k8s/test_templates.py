from __future__ import annotations

import re

import pytest

from config.schema import Engine
from k8s.names import Names
from k8s.templates import sentinel_template, server_template
from tests.unit.k8s.specs import config

NAMES = Names("agents", "prod")


def lines(text: str) -> list[str]:
    assert text.endswith("\n")
    return text.splitlines()


def server(**changes: object) -> list[str]:
    return lines(server_template(config(**changes)))  # type: ignore[arg-type]  # the test says what


def test_a_server_is_told_everything_it_needs_once() -> None:
    assert sorted(server()) == sorted(
        [
            "port 0",
            "tls-port 6379",
            "dir /data",
            "aclfile /acl/users.acl",
            "tls-cert-file /tls/tls.crt",
            "tls-key-file /tls/tls.key",
            "tls-ca-cert-file /tls/ca.crt",
            "tls-auth-clients no",
            "tls-replication yes",
            'tls-protocols "TLSv1.2 TLSv1.3"',
            "tls-auto-reload-interval 300",
            "maxmemory 268435456",
            "maxmemory-policy volatile-lru",
            "maxmemory-samples 10",
            "hash-max-listpack-value 1024",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "min-replicas-to-write 1",
            "min-replicas-max-lag 3",
            "repl-diskless-sync yes",
            "repl-diskless-sync-delay 0",
            "repl-timeout 60",
            "repl-backlog-size 33554432",
            "client-output-buffer-limit replica 268435456 134217728 60",
            "replica-announce-ip @HF_NODE_FQDN@",
            "replica-announce-port 6379",
            "replica-priority 0",
            "primaryuser replica",
            "primaryauth @secret:replica@",
            "tcp-keepalive 60",
            "shutdown-timeout 10",
        ]
    )


def test_a_sentinel_is_told_everything_it_needs_once() -> None:
    found = lines(sentinel_template(config(), NAMES))
    assert sorted(found) == sorted(
        [
            "port 0",
            "tls-port 26379",
            "dir /data",
            "aclfile /acl/users.acl",
            "tls-cert-file /tls/tls.crt",
            "tls-key-file /tls/tls.key",
            "tls-ca-cert-file /tls/ca.crt",
            "tls-auth-clients no",
            "tls-replication yes",
            'tls-protocols "TLSv1.2 TLSv1.3"',
            "sentinel resolve-hostnames yes",
            "sentinel announce-hostnames yes",
            "sentinel announce-ip @HF_NODE_FQDN@",
            "sentinel announce-port 26379",
            "sentinel myid @HF_SENTINEL_ID@",
            "sentinel monitor prod-agents agents-server-0.prod.svc.cluster.local 6379 2",
            "sentinel down-after-milliseconds prod-agents 5000",
            "sentinel failover-timeout prod-agents 15000",
            "sentinel parallel-syncs prod-agents 1",
            "sentinel primary-reboot-down-after-period prod-agents 15000",
            "sentinel auth-user prod-agents sentinel",
            "sentinel auth-pass prod-agents @secret:sentinel@",
            "sentinel sentinel-user sentinel",
            "sentinel sentinel-pass @secret:sentinel@",
            "sentinel deny-scripts-reconfig yes",
        ]
    )
    # Only then is there something to say about.
    monitor = next(at for at, line in enumerate(found) if " monitor " in line)
    assert all(at >= monitor for at, line in enumerate(found) if re.search(r" prod-agents ", line))


@pytest.mark.parametrize(
    ("engine", "version", "reloads"),
    [
        (Engine.VALKEY, "9.1.0", True),
        (Engine.VALKEY, "9.0.3", False),
        (Engine.VALKEY, "8.0.1", False),
        (Engine.REDIS, "10.2.0", False),
    ],
)
def test_only_servers_that_know_it_are_told_to_reload_certificates(
    engine: Engine, version: str, *, reloads: bool
) -> None:
    # An older server refuses to start on a directive that it does not know.
    found = server(engine=engine, version=version)
    assert any(line.startswith("tls-auto-reload") for line in found) is reloads


@pytest.mark.parametrize(
    ("engine", "version", "word"),
    [
        (Engine.VALKEY, "8.0.1", "primary"),
        (Engine.VALKEY, "7.2.0", "master"),
        (Engine.REDIS, "8.0.0", "master"),
    ],
)
def test_an_old_server_is_spoken_to_in_its_words(engine: Engine, version: str, word: str) -> None:
    found = server(engine=engine, version=version)
    assert f"{word}user replica" in found
    assert f"{word}auth @secret:replica@" in found
    sentinel = sentinel_template(config(engine=engine, version=version), NAMES)
    assert f"sentinel {word}-reboot-down-after-period prod-agents 15000\n" in sentinel


def test_a_bigger_quorum_reaches_the_sentinels() -> None:
    found = sentinel_template(config(sentinels=5), NAMES)
    assert "agents-server-0.prod.svc.cluster.local 6379 3\n" in found
