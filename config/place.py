"""Where the program runs: what settings depend on beside their own values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from config.schema import BY_NAME
from config.server import Runner, ask_version
from holdfast.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Place:
    """Where the program runs.

    Attributes:
        project: the Pulumi project.
        stack: the Pulumi stack.
        root: the project's folder; relative paths start here.
        environment: variables of the process.
        memory_bytes: of this machine, None if it is not known.
        run_server: asks a server program for its version.
    """

    project: str
    stack: str
    root: Path
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    memory_bytes: int | None = None
    run_server: Runner = ask_version

    @property
    def owner(self) -> str:
        """Whose processes, folders and objects these are: ``<project>/<stack>``."""
        return f"{self.project}/{self.stack}"

    def path(self, name: str, setting: str) -> Path:
        """A path that a setting gives: ``~`` is a home folder, else relative to the project.

        Args:
            name: of the setting.
            setting: its value.

        Raises:
            ConfigError: nobody has that home folder.
        """
        try:
            return self.root / Path(setting).expanduser()
        except RuntimeError:
            raise ConfigError(
                BY_NAME[name].key, setting, "a user that exists after ~", "write the path in full"
            ) from None


def machine_memory_bytes() -> int | None:
    """Memory of this machine, None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
