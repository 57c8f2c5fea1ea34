"""A group of ServerProcess resources without an engine: what a stack would do, from Python."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from holdfast.acl import password_hash, sentinel_acl_file, server_acl_file
from holdfast.connection import Address
from holdfast.roles import Role
from provider.diffs import DiffResult
from provider.resource import Context, PartialFailure, Severity, Stored
from provider.servers.admin import Access, Admin, Login, connect
from provider.servers.server import ServerProcess
from provider.values import Properties
from tests.certificates import Authority
from tests.processes import wait_gone
from tests.servers import Install, free_port

HOST = "127.0.0.1"
SERVICE = "holdfast"
OWNER = "project/test"
DOWN_AFTER_MS = 2000
_RESOURCE = ServerProcess()


def context(log: list[str] | None = None, *, cancelled: threading.Event | None = None) -> Context:
    """A context that keeps what is logged."""

    def keep(severity: Severity, message: str, *, ephemeral: bool = False) -> None:
        if log is not None:
            log.append(f"{severity}: {message}")

    urn = "urn:pulumi:test::project::holdfast:index:ServerProcess::node"
    return Context(urn, log=keep, cancelled=cancelled or threading.Event())


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, with room for the bus port of a cluster above them."""
    return [free_port(room_above=10000) for _ in range(count)]


@dataclass
class Group:
    """Nodes by name: their inputs, and what a state would hold of them."""

    install: Install
    folder: Path
    topology: str = "standalone"
    owner: str = OWNER
    authority: Authority = field(default_factory=Authority)
    inputs: dict[str, Properties] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    passwords: dict[Role, str] = field(
        default_factory=lambda: {role: secrets.token_hex(16) for role in Role}
    )
    log: list[str] = field(default_factory=list)

    @property
    def ours(self) -> Context:
        """The context of every operation."""
        return context(self.log)

    def add_server(self, node: str, port: int, *, primary_port: int | None = None) -> None:
        """Describe a server."""
        self.inputs[node] = {
            **self._common(node, port),
            "kind": "server",
            "acl": server_acl_file(
                "agent", self._hashes(), engine=self.install.engine,
                version=self.install.version, topology=self.topology,
            ),
            "directives": {
                "appendonly": "yes",
                "save": "",
                "maxmemory": "64mb",
                "repl-diskless-sync-delay": "0",
                **({"cluster-enabled": "yes", "cluster-node-timeout": "2000"}
                   if self.topology == "cluster" else {}),
            },
            "secretDirectives": {
                "masterauth": self.passwords[Role.REPLICA], "masteruser": "replica",
            },
            "seed": {"replicaof": f"{HOST} {primary_port}"} if primary_port else {},
        }  # fmt: skip

    def add_sentinel(self, node: str, port: int, *, primary_port: int, quorum: int = 2) -> None:
        """Describe a Sentinel."""
        self.inputs[node] = {
            **self._common(node, port),
            "kind": "sentinel",
            "acl": sentinel_acl_file(
                self._hashes(), engine=self.install.engine, version=self.install.version
            ),
            "directives": {
                f"sentinel down-after-milliseconds {SERVICE}": str(DOWN_AFTER_MS),
                f"sentinel failover-timeout {SERVICE}": "4000",
                f"sentinel auth-user {SERVICE}": "sentinel",
                "sentinel sentinel-user": "sentinel",
            },
            "secretDirectives": {
                f"sentinel auth-pass {SERVICE}": self.passwords[Role.SENTINEL],
                "sentinel sentinel-pass": self.passwords[Role.SENTINEL],
            },
            "seed": {
                "sentinel monitor": f"{SERVICE} {HOST} {primary_port} {quorum}",
                "sentinel myid": hashlib.sha1(node.encode()).hexdigest(),  # noqa: S324 - an id
            },
        }

    def _common(self, node: str, port: int) -> Properties:
        leaf = self.authority.issue()
        return {
            "node": node,
            "groupDir": str(self.folder),
            "owner": self.owner,
            "executable": str(self.install.executable),
            "port": port,
            "tlsCertificatePem": leaf.certificate_pem,
            "tlsPrivateKeyPem": leaf.private_key_pem,
            "tlsCaPem": self.authority.pem,
            "adminUsername": "admin",
            "adminPassword": self.passwords[Role.ADMIN],
            "startTimeoutSeconds": 15,
        }

    def _hashes(self) -> dict[Role, list[str]]:
        return {role: [password_hash(word)] for role, word in self.passwords.items()}

    def change(self, node: str, **inputs: Any) -> None:  # noqa: ANN401 - property values
        """Change inputs; directives are merged."""
        for section in ("directives", "secretDirectives"):
            if section in inputs:
                inputs[section] = {**self.inputs[node].get(section, {}), **inputs[section]}
        self.inputs[node] = {**self.inputs[node], **inputs}

    def check(self, node: str) -> Properties:
        """Checked inputs; fails with what Check refuses."""
        old = self.stored[node].inputs if node in self.stored else {}
        result = _RESOURCE.check(old, self.inputs[node], self.ours)
        assert result.failures == (), [failure.reason for failure in result.failures]
        return result.inputs

    def up(self, node: str) -> DiffResult | None:
        """What ``pulumi up --refresh`` does with a node; the diff, None if it was created."""
        if node in self.stored:
            self.refresh(node)
        inputs = self.check(node)
        if node not in self.stored:
            try:
                created = _RESOURCE.create(inputs, self.ours)
            except PartialFailure as failure:
                self.stored[node] = Stored(failure.id, inputs, failure.outputs)
                raise
            self.stored[node] = Stored(created.id, inputs, created.outputs)
            return None
        diff = _RESOURCE.diff(self.stored[node], inputs, self.ours)
        if diff:
            outputs = _RESOURCE.update(self.stored[node], inputs, self.ours)
            self.stored[node] = Stored(self.stored[node].id, inputs, outputs)
        return diff

    def up_all(self, *nodes: str) -> None:
        """Several nodes at once, as the engine does; all of them in the order of their names."""
        with ThreadPoolExecutor(8) as pool:
            for result in [pool.submit(self.up, node) for node in nodes]:
                result.result()

    def refresh(self, node: str) -> Properties | None:
        """Read a node; None if it is gone, and then the state forgets it."""
        found = _RESOURCE.read(self.stored[node], self.ours)
        if found is None:
            del self.stored[node]
            return None
        self.stored[node] = replace(self.stored[node], outputs=found.outputs)
        return found.outputs

    def diff(self, node: str) -> DiffResult:
        """What an update would do."""
        return _RESOURCE.diff(self.stored[node], self.check(node), self.ours)

    def delete(self, node: str) -> None:
        """Delete a node."""
        _RESOURCE.delete(self.stored.pop(node), self.ours)

    def pid(self, node: str) -> int:
        """The process of a node as the state knows it."""
        return int(self.stored[node].outputs["pid"])

    def kill(self, *nodes: str) -> None:
        """SIGKILL, all at once, and wait until they are gone."""
        pids = [self.pid(node) for node in nodes]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert wait_gone(pids) == []

    def open(self, node: str) -> Admin:
        """An administrator's connection."""
        access = Access((Login("admin", self.passwords[Role.ADMIN]),), self.authority.pem)
        return connect(Address(HOST, self.inputs[node]["port"]), access)

    def call(self, node: str, *words: str | int) -> Any:  # noqa: ANN401 - any reply
        """One command as administrator."""
        with self.open(node) as admin:
            return admin.call(*words)

    def role(self, node: str) -> str:
        """``master`` or ``slave``, as the server says it."""
        return str(self.call(node, "ROLE")[0])

    def conf(self, node: str) -> str:
        """The text of the config file."""
        return Path(self.stored[node].outputs["confPath"]).read_text()

    def settings(self, node: str, name: str) -> Mapping[str, str]:
        """CONFIG GET."""
        reply = self.call(node, "CONFIG", "GET", name)
        return dict(zip(reply[::2], reply[1::2], strict=True))


@contextmanager
def group(install: Install, folder: Path, **arguments: Any) -> Iterator[Group]:  # noqa: ANN401
    """A group whose processes end with the test."""
    made = Group(install, folder, **arguments)
    try:
        yield made
    finally:
        for node in list(made.stored):
            made.delete(node)


def sentinel_group(made: Group) -> tuple[list[str], list[str]]:
    """Describe 1 primary, 2 replicas and 3 Sentinels; returns servers and Sentinels."""
    ports = free_ports(6)
    servers = [f"valkey-{n}" for n in range(3)]
    sentinels = [f"sentinel-{n}" for n in range(3)]
    for number, node in enumerate(servers):
        made.add_server(node, ports[number], primary_port=ports[0] if number else None)
    for node, port in zip(sentinels, ports[3:], strict=True):
        made.add_sentinel(node, port, primary_port=ports[0])
    return servers, sentinels
