"""The plugin ``pulumi-resource-aws``. The engine starts it; nobody runs it by hand."""

from __future__ import annotations

import sys
from importlib import metadata

from provider.plugin import run
from tests.standin.aws.package import AwsPackage

if __name__ == "__main__":
    sys.exit(run(AwsPackage(metadata.version("pulumi-aws")), sys.argv[1:]))
