"""Puts stand-ins where the engine looks for official plugins."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class Standin:
    """A plugin of ours in place of an official one.

    Attributes:
        package: ``kubernetes``; its SDK is the distribution ``pulumi-<package>``.
        plugin: our executable.
    """

    package: str
    plugin: Path

    def install(self, pulumi_home: Path, version: str | None = None) -> Path:
        """Install for a Pulumi home, unless a plugin of that version is there.

        Args:
            pulumi_home: $PULUMI_HOME.
            version: of the SDK that the program uses; by default the one that is installed.

        Returns:
            The plugin that the engine will use: the official one where it is present.
        """
        version = version or metadata.version(f"pulumi-{self.package}")
        folder = pulumi_home / "plugins" / f"resource-{self.package}-v{version}"
        plugin = folder / f"pulumi-resource-{self.package}"
        if plugin.exists():
            return plugin
        folder.mkdir(parents=True, exist_ok=True)
        plugin.unlink(missing_ok=True)  # a link to a checkout that is gone
        plugin.symlink_to(self.plugin)
        return plugin

    def is_standin(self, plugin: Path) -> bool:
        """Whether results of this plugin are the stand-in's."""
        return plugin.resolve() == self.plugin.resolve()

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Install into $PULUMI_HOME and print which plugin is there now."""
        program = f"tests.standin.{self.package}.install"
        parser = argparse.ArgumentParser(prog=program, description=__doc__)
        parser.add_argument("--pulumi-home", type=Path, default=os.environ.get("PULUMI_HOME"))
        home = parser.parse_args(argv).pulumi_home
        if home is None:
            parser.error("PULUMI_HOME is not set: run it after `make env`, or give --pulumi-home")
        plugin = self.install(home)
        if self.is_standin(plugin):
            what = f"the official pulumi-{self.package} plugin is not here: this is a stand-in"
        else:
            what = f"the official pulumi-{self.package} plugin is here, and stays"
        sys.stderr.write(f"{what}\n")
        sys.stdout.write(f"{plugin}\n")
        return 0
