"""The plugin ``pulumi-resource-holdfast``. The engine starts it; nobody runs it by hand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import metadata

from provider.credentials.authority import CertificateAuthority
from provider.credentials.certificate import Certificate
from provider.credentials.password import Password
from provider.credentials.secret_file import SecretFile
from provider.package import Package
from provider.plugin import run
from provider.resource import Resource
from provider.servers.cluster import ClusterFormation
from provider.servers.server import ServerProcess


def resources() -> list[Resource]:
    """All resource types of the package."""
    return [
        Password(),
        CertificateAuthority(),
        Certificate(),
        SecretFile(),
        ServerProcess(),
        ClusterFormation(),
    ]


def main(argv: Sequence[str]) -> int:
    """Serve the package."""
    return run(Package("holdfast", metadata.version("holdfast"), resources()), argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
