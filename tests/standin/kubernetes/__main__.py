"""The plugin ``pulumi-resource-kubernetes``. The engine starts it; nobody runs it by hand."""

from __future__ import annotations

import sys
from importlib import metadata

from provider.plugin import run
from tests.standin.kubernetes.package import KubernetesPackage

if __name__ == "__main__":
    sys.exit(run(KubernetesPackage(metadata.version("pulumi-kubernetes")), sys.argv[1:]))
