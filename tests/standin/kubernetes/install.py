"""Puts the stand-in where the engine looks for the official plugin."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

_NAME: Final = "pulumi-resource-kubernetes"
_PLUGIN: Final = Path(__file__).with_name(_NAME)


def install(pulumi_home: Path, version: str | None = None) -> Path:
    """Install for a Pulumi home, unless a plugin of that version is there.

    Args:
        pulumi_home: $PULUMI_HOME.
        version: of the SDK that the program uses; by default the one that is installed.

    Returns:
        The plugin that the engine will use: the official one where it is present.
    """
    version = version or metadata.version("pulumi-kubernetes")
    plugin = pulumi_home / "plugins" / f"resource-kubernetes-v{version}" / _NAME
    if plugin.exists():
        return plugin
    plugin.parent.mkdir(parents=True, exist_ok=True)
    plugin.unlink(missing_ok=True)  # a link to a checkout that is gone
    plugin.symlink_to(_PLUGIN)
    return plugin


def is_standin(plugin: Path) -> bool:
    """Whether results of this plugin are the stand-in's."""
    return plugin.resolve() == _PLUGIN.resolve()


def main() -> int:
    """Install into $PULUMI_HOME and print which plugin is there now."""
    parser = argparse.ArgumentParser(prog="tests.standin.kubernetes.install", description=__doc__)
    parser.add_argument("--pulumi-home", type=Path, default=os.environ.get("PULUMI_HOME"))
    home = parser.parse_args().pulumi_home
    if home is None:
        parser.error("PULUMI_HOME is not set: run it after `make env`, or give --pulumi-home")
    sys.stdout.write(f"{install(home)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
