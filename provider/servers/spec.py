"""What a ServerProcess shall be: its inputs as one typed value, and the config they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from holdfast.connection import Address
from provider.servers.conffile import ConfFile, Directives, grouped, seeded
from provider.values import Properties

CLUSTER_BUS_OFFSET: Final = 10_000
DEFAULT_ADDRESS: Final = "127.0.0.1"
DEFAULT_START_TIMEOUT_SECONDS: Final = 30.0


class Kind(StrEnum):
    """What the process is."""

    SERVER = "server"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the files of a node are: all in one folder, ``<group_dir>/<node>``."""

    folder: Path
    kind: Kind

    @property
    def conf(self) -> Path:
        """The config file."""
        return self.folder / ("sentinel.conf" if self.kind is Kind.SENTINEL else "server.conf")

    @property
    def data(self) -> Path:
        """AOF, RDB, cluster state; the process's working folder."""
        return self.folder / "data"

    @property
    def certificate(self) -> Path:
        """The certificate (PEM)."""
        return self.folder / "tls" / "server.crt"

    @property
    def key(self) -> Path:
        """The certificate's private key (PEM)."""
        return self.folder / "tls" / "server.key"

    @property
    def ca(self) -> Path:
        """The trusted CA certificates (PEM)."""
        return self.folder / "tls" / "ca.crt"

    @property
    def acl(self) -> Path:
        """The users."""
        return self.folder / "users.acl"

    @property
    def log(self) -> Path:
        """What the process prints."""
        return self.folder / "log"

    @property
    def record(self) -> Path:
        """Who owns the folder and how to start the process again."""
        return self.folder / "process.json"


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """The inputs of a ServerProcess. Field names are those of the resource in snake case."""

    node: str
    kind: Kind
    group_dir: Path
    owner: str
    executable: Path
    port: int
    tls_certificate_pem: str
    tls_ca_pem: str
    admin_username: str
    tls_private_key_pem: str = field(repr=False)
    admin_password: str = field(repr=False)
    acl: str = field(repr=False)
    address: str = DEFAULT_ADDRESS
    directives: Directives = field(default_factory=dict)
    seed: Directives = field(default_factory=dict)
    secret_directives: Directives = field(default_factory=dict, repr=False)
    keep_data: bool = False
    start_timeout_seconds: float = DEFAULT_START_TIMEOUT_SECONDS

    @classmethod
    def from_properties(cls, inputs: Properties) -> Self:
        """Read checked inputs, everything known."""
        return cls(
            node=inputs["node"],
            kind=Kind(inputs["kind"]),
            group_dir=Path(inputs["groupDir"]),
            owner=inputs["owner"],
            executable=Path(inputs["executable"]),
            port=int(inputs["port"]),
            tls_certificate_pem=inputs["tlsCertificatePem"],
            tls_private_key_pem=inputs["tlsPrivateKeyPem"],
            tls_ca_pem=inputs["tlsCaPem"],
            admin_username=inputs["adminUsername"],
            admin_password=inputs["adminPassword"],
            acl=inputs["acl"],
            address=inputs.get("address", DEFAULT_ADDRESS),
            directives=inputs.get("directives", {}),
            seed=inputs.get("seed", {}),
            secret_directives=inputs.get("secretDirectives", {}),
            keep_data=bool(inputs.get("keepData", False)),
            start_timeout_seconds=float(
                inputs.get("startTimeoutSeconds", DEFAULT_START_TIMEOUT_SECONDS)
            ),
        )

    @property
    def layout(self) -> Layout:
        """The node's files."""
        return Layout(self.group_dir / self.node, self.kind)

    @property
    def endpoint(self) -> Address:
        """Where it listens, TLS only."""
        return Address(self.address, self.port)

    @property
    def clustered(self) -> bool:
        """Whether the server is a node of a cluster, which keeps its own order."""
        return str(self.directives.get("cluster-enabled", "no")).lower() == "yes"

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port the process binds."""
        bus = (self.port + CLUSTER_BUS_OFFSET,) if self.clustered else ()
        return (self.port, *bus)

    @property
    def quorum(self) -> int | None:
        """The quorum that a Sentinel is seeded with; later changes of it are applied."""
        monitor = seeded(self.seed, {}).monitor if self.kind is Kind.SENTINEL else None
        return monitor.quorum if monitor else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be masked wherever text of the server is shown."""
        values = [self.admin_password, self.tls_private_key_pem]
        for lines in grouped(self.secret_directives).values():
            values.extend(words[-1] for words in lines)
        return tuple(sorted((v for v in values if v), key=len, reverse=True))

    @property
    def managed(self) -> dict[str, str | Sequence[str]]:
        """Every directive that the file must say, secrets included."""
        layout = self.layout
        return {
            "port": "0",
            "tls-port": str(self.port),
            "bind": self.address,
            "tls-replication": "yes",
            "tls-auth-clients": "no",
            "tls-cert-file": str(layout.certificate),
            "tls-key-file": str(layout.key),
            "tls-ca-cert-file": str(layout.ca),
            "aclfile": str(layout.acl),
            "dir": str(layout.data),
            **({"tls-cluster": "yes"} if self.clustered else {}),
            **self.directives,
            **self.secret_directives,
        }

    def new_conf(self) -> ConfFile:
        """The file of a node that has none."""
        return seeded(self.seed, self.managed)

    def patched_conf(self, found: ConfFile, previous: ServerSpec | None) -> ConfFile:
        """The file of a stopped node, brought to these inputs."""
        conf = found.patch(self.managed, previous=previous.managed if previous else None)
        monitor, quorum = conf.monitor, self.quorum
        if monitor and quorum and monitor.quorum != quorum:
            words = ("sentinel", "monitor", monitor.service)
            host, port = monitor.address.host, monitor.address.port
            conf = conf.patch({" ".join(words): f"{host} {port} {quorum}"})
        return conf

    def conf_differences(self, found: ConfFile) -> tuple[str, ...]:
        """Names of what the file should say and does not."""
        names = found.differences(self.managed)
        monitor, quorum = found.monitor, self.quorum
        if self.kind is Kind.SENTINEL and quorum and (not monitor or monitor.quorum != quorum):
            names = (*names, "sentinel monitor")
        return names
