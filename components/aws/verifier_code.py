"""The verifier's code: the installed holdfast and redis-py, file by file.

Text files alone, in sorted order: the same sources give the same archive on every machine, so a
deployment without a change has none to upload. No compiled wheel goes in: which one fits would
depend on the machine that deploys, and plain Python parses a smoke run's replies well enough.
boto3 is the runtime's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pulumi

from holdfast.errors import ConfigError

PACKAGES: Final = ("holdfast", "redis")
HANDLER: Final = "holdfast.aws.lambda_handler.handler"
_SUFFIXES: Final = frozenset({".py", ".lua", ".typed"})


def code_files() -> dict[str, Path]:
    """Where each file of the archive is, by its name in it.

    Raises:
        ConfigError: a package is not installed as files.
    """
    return dict(sorted(entry for package in PACKAGES for entry in _files(package)))


def code_archive() -> pulumi.AssetArchive:
    """The archive; with what tells each package's version."""
    assets: dict[str, pulumi.Asset | pulumi.Archive] = {
        name: pulumi.FileAsset(str(path)) for name, path in code_files().items()
    }
    for package in PACKAGES:
        known = version(package)
        text = f"Metadata-Version: 2.1\nName: {package}\nVersion: {known}\n"
        assets[f"{package}-{known}.dist-info/METADATA"] = pulumi.StringAsset(text)
    return pulumi.AssetArchive(dict(sorted(assets.items())))


def _files(package: str) -> Iterator[tuple[str, Path]]:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ConfigError(
            "verifier", package, "a package that is installed as files", "install it with pip"
        )
    root = Path(spec.origin).parent
    for path in root.rglob("*"):
        if path.suffix in _SUFFIXES and path.is_file():
            yield f"{package}/{path.relative_to(root).as_posix()}", path
