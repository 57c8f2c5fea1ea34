"""The settings that only target local has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from config.place import Place
from config.reader import ConfigReader
from config.rules import Ports, plan_ports
from config.schema import BY_NAME, Engine
from config.server import ServerProgram, find_program
from config.shape import Shape
from holdfast.errors import ConfigError


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What server processes on this machine need.

    Attributes:
        ports: of the processes.
        program: what they run.
        data_dir: for data, configuration and connection files.
        keep_data: whether data outlives the stack.
    """

    ports: Ports
    program: ServerProgram
    data_dir: Path
    keep_data: bool


def load_local_settings(reader: ConfigReader, shape: Shape, place: Place) -> LocalSettings:
    """Read what only target local has. Runs the server's ``--version``. Raises ConfigError."""
    path = reader.optional_text("serverPath")
    return LocalSettings(
        ports=plan_ports(
            shape,
            base_port=reader.number("basePort"),
            sentinel_base_port=reader.optional_number("sentinelBasePort"),
        ),
        data_dir=_data_dir(reader.optional_text("dataDir"), place),
        keep_data=reader.flag("keepData"),
        # Last: the only rule that runs a program.
        program=find_program(
            path=None if path is None else str(place.path("serverPath", path)),
            engine=reader.optional_choice(Engine, "engine"),
            version=reader.optional_text("engineVersion"),
            environment=place.environment,
            run=place.run_server,
        ),
    )


def _data_dir(setting: str | None, place: Place) -> Path:
    if setting is None:
        return place.root / ".holdfast" / place.stack
    folder = Path(os.path.normpath(place.path("dataDir", setting)))
    if place.root.is_relative_to(folder):
        raise ConfigError(
            BY_NAME["dataDir"].key,
            setting,
            "a folder of its own, outside the path that leads to the project",
            "name a new folder",
        )
    return folder
