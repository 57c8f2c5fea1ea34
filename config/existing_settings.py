"""The settings that only target existing has."""

from __future__ import annotations

from dataclasses import dataclass

from config.place import Place
from config.reader import ConfigReader
from config.shape import Shape


@dataclass(frozen=True, slots=True)
class ExistingSettings:
    """What is told of a store that runs already."""


def load_existing_settings(
    reader: ConfigReader,
    shape: Shape,
    place: Place,  # noqa: ARG001 - being built
) -> ExistingSettings:
    """Read what only target existing has. Raises ConfigError."""
    return ExistingSettings()
