"""The settings of a stack: read, completed and checked before anything is created.

``python -m config.settings`` prints the table of ``docs/settings.md``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from config.capacity import Room, check_session_bytes
from config.presets import PRESETS
from config.reader import ConfigReader
from config.rules import (
    Ports,
    check_app,
    check_buckets,
    check_cold,
    check_dns_names,
    check_down_after_ms,
    check_eviction_policy,
    check_expected_sessions,
    check_maxmemory,
    check_preset,
    check_target,
    plan_ports,
)
from config.schema import (
    BY_NAME,
    SETTINGS,
    Appendfsync,
    Engine,
    EvictionPolicy,
    Preset,
    Target,
    Value,
)
from config.server import Runner, ServerProgram, ask_version, find_program
from config.shape import Shape, resolve_shape
from holdfast.connection import Cold, Topology
from holdfast.errors import ConfigError
from holdfast.rotation.settings import (
    CaStage,
    PasswordStage,
    RotationSettings,
    check_serial,
    parse_rotations,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the program runs; what settings depend on beside their own values.

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
        """Whose processes and folders these are: ``<project>/<stack>``."""
        return f"{self.project}/{self.stack}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of a stack, checked. Units are in the names; schema.py says what each means."""

    owner: str
    target: Target
    preset: Preset
    app: str
    shape: Shape
    ports: Ports
    program: ServerProgram
    down_after_ms: int
    eviction_policy: EvictionPolicy
    appendfsync: Appendfsync
    data_dir: Path
    keep_data: bool
    cold: Cold
    expected_sessions: int | None
    room: Room
    extra_dns_names: tuple[str, ...]
    rotation: RotationSettings

    @property
    def maxmemory_bytes(self) -> int:
        """Memory for data of each server."""
        return self.room.maxmemory_bytes

    @property
    def buckets(self) -> int:
        """Hash-tag buckets."""
        return self.room.buckets

    @property
    def advice(self) -> str | None:
        """What a person should know although the settings are sound."""
        return None if self.expected_sessions is None else self.room.advice(self.expected_sessions)


def machine_memory_bytes() -> int | None:
    """Memory of this machine, None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def load_settings(raw: Mapping[str, object], place: Place) -> Settings:
    """Read a stack's settings.

    Args:
        raw: by name without namespace, text or plain values; keys that are not there take the
            preset's value or the default.
        place: where the program runs.

    Raises:
        ConfigError: a key is unknown, or a value breaks a rule. Nothing was created or started;
            the only program run is the server's ``--version``.
    """
    given = ConfigReader(raw)
    target = check_target(given.choice(Target, "target"))
    preset = given.choice(Preset, "preset")
    reader = given.with_preset(PRESETS[preset])
    shape = resolve_shape(
        reader.choice(Topology, "topology"),
        primaries=reader.optional_number("primaries"),
        replicas=reader.optional_number("replicas"),
        sentinels=reader.optional_number("sentinels"),
        quorum=reader.optional_number("quorum"),
    )
    check_preset(preset, shape)
    room = Room(
        maxmemory_bytes=check_maxmemory(
            reader.text("maxmemory"), servers=shape.servers, machine_bytes=place.memory_bytes
        ),
        session_bytes=check_session_bytes(reader.optional_number("sessionBytes")),
        primaries=shape.primaries,
        buckets=check_buckets(reader.number("buckets")),
    )
    expected = check_expected_sessions(reader.optional_number("expectedSessions"))
    if expected is not None and given.optional_number("expectedSessions") is not None:
        # A preset's figure is no statement about this store: it is only advised on.
        room.check(expected)
    return Settings(
        owner=place.owner,
        target=target,
        preset=preset,
        app=check_app(reader.text("app")),
        shape=shape,
        ports=plan_ports(
            shape,
            base_port=reader.number("basePort"),
            sentinel_base_port=reader.optional_number("sentinelBasePort"),
        ),
        down_after_ms=check_down_after_ms(reader.number("downAfterMs")),
        eviction_policy=check_eviction_policy(reader.text("evictionPolicy")),
        appendfsync=reader.choice(Appendfsync, "appendfsync"),
        data_dir=_data_dir(reader.optional_text("dataDir"), place),
        keep_data=reader.flag("keepData"),
        cold=check_cold(reader.choice(Cold, "cold")),
        expected_sessions=expected,
        room=room,
        extra_dns_names=check_dns_names(reader.texts("extraDnsNames")),
        rotation=RotationSettings(
            password_rotations=parse_rotations(reader.optional_text("passwordRotations")),
            password_stage=reader.choice(PasswordStage, "passwordStage"),
            certificate_rotation=check_serial(
                "certificateRotation", reader.number("certificateRotation")
            ),
            ca_rotation=check_serial("caRotation", reader.number("caRotation")),
            ca_stage=reader.choice(CaStage, "caStage"),
        ),
        # Last: the only rule that runs a program.
        program=find_program(
            path=_server_path(reader.optional_text("serverPath"), place),
            engine=reader.optional_choice(Engine, "engine"),
            version=reader.optional_text("engineVersion"),
            environment=place.environment,
            run=place.run_server,
        ),
    )


def _data_dir(setting: str | None, place: Place) -> Path:
    if setting is None:
        return place.root / ".holdfast" / place.stack
    folder = Path(os.path.normpath(place.root / _expanded("dataDir", setting)))
    if place.root.is_relative_to(folder):
        raise ConfigError(
            BY_NAME["dataDir"].key,
            setting,
            "a folder of its own, outside the path that leads to the project",
            "name a new folder",
        )
    return folder


def _server_path(setting: str | None, place: Place) -> str | None:
    return None if setting is None else str(place.root / _expanded("serverPath", setting))


def _expanded(name: str, setting: str) -> Path:
    try:
        return Path(setting).expanduser()
    except RuntimeError:
        raise ConfigError(
            BY_NAME[name].key, setting, "a user that exists after ~", "write the path in full"
        ) from None


def settings_table() -> str:
    """The settings as a Markdown table, for ``docs/settings.md``."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for setting in SETTINGS:
        default = setting.automatic or f"`{_shown(setting.default)}`"
        lines.append(f"| `{setting.key}` | {setting.kind} | {default} | {setting.description} |")
    lines += ["", "| preset | " + " | ".join(PRESETS[Preset.DEV]) + " |", "|---|" + "---|" * 3]
    lines += [
        f"| `{preset}` | " + " | ".join(f"`{value}`" for value in values.values()) + " |"
        for preset, values in PRESETS.items()
    ]
    return "\n".join(lines) + "\n"


def _shown(value: Value) -> str:
    return json.dumps(value) if isinstance(value, bool | tuple) else str(value)


if __name__ == "__main__":
    sys.stdout.write(settings_table())
