"""The settings of a stack: read, completed and checked before anything is created.

``python -m config.settings`` prints the table of ``docs/settings.md``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from config.capacity import Room, check_session_bytes
from config.kubernetes_settings import KubernetesSettings, load_kubernetes_settings
from config.local_settings import LocalSettings, load_local_settings
from config.place import Place
from config.presets import PRESETS
from config.reader import ConfigReader
from config.rules import (
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
)
from config.schema import (
    SETTINGS,
    Appendfsync,
    EvictionPolicy,
    Preset,
    Target,
    Value,
)
from config.shape import Shape, resolve_shape
from holdfast.connection import Cold, Topology
from holdfast.rotation.settings import (
    CaStage,
    PasswordStage,
    RotationSettings,
    check_serial,
    parse_rotations,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of a stack, checked. Units are in the names; schema.py says what each means.

    What only one target has is in ``own``, whose type says which target it is.
    """

    owner: str
    preset: Preset
    app: str
    shape: Shape
    down_after_ms: int
    eviction_policy: EvictionPolicy
    appendfsync: Appendfsync
    cold: Cold
    expected_sessions: int | None
    room: Room
    extra_dns_names: tuple[str, ...]
    rotation: RotationSettings
    own: LocalSettings | KubernetesSettings

    @property
    def target(self) -> Target:
        """Where the store runs."""
        return Target.LOCAL if isinstance(self.own, LocalSettings) else Target.KUBERNETES

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


def load_settings(raw: Mapping[str, object], place: Place) -> Settings:
    """Read a stack's settings.

    Args:
        raw: by name without namespace, text or plain values; keys that are not there take the
            preset's value or the default.
        place: where the program runs.

    Raises:
        ConfigError: a key is unknown or of another target, or a value breaks a rule. Nothing was
            created or started, and no cluster asked; the only program run, with target local, is
            the server's ``--version``.
    """
    given = ConfigReader(raw)
    target = check_target(given.choice(Target, "target"))
    given.refuse_others(target)
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
            reader.text("maxmemory"),
            servers=shape.servers,
            machine_bytes=place.memory_bytes if target is Target.LOCAL else None,
        ),
        session_bytes=check_session_bytes(reader.optional_number("sessionBytes")),
        primaries=shape.primaries,
        buckets=check_buckets(reader.number("buckets")),
    )
    expected = check_expected_sessions(reader.optional_number("expectedSessions"))
    if expected is not None and given.optional_number("expectedSessions") is not None:
        # A preset's figure is no statement about this store: it is only advised on.
        room.check(expected)
    rotation = RotationSettings(
        password_rotations=parse_rotations(reader.optional_text("passwordRotations")),
        password_stage=reader.choice(PasswordStage, "passwordStage"),
        certificate_rotation=check_serial(
            "certificateRotation", reader.number("certificateRotation")
        ),
        ca_rotation=check_serial("caRotation", reader.number("caRotation")),
        ca_stage=reader.choice(CaStage, "caStage"),
    )
    return Settings(
        owner=place.owner,
        preset=preset,
        app=check_app(reader.text("app")),
        shape=shape,
        down_after_ms=check_down_after_ms(reader.number("downAfterMs")),
        eviction_policy=check_eviction_policy(reader.text("evictionPolicy")),
        appendfsync=reader.choice(Appendfsync, "appendfsync"),
        cold=check_cold(reader.choice(Cold, "cold")),
        expected_sessions=expected,
        room=room,
        extra_dns_names=check_dns_names(reader.texts("extraDnsNames")),
        rotation=rotation,
        # Last: the only rule that may run a program.
        own=load_local_settings(reader, shape, place)
        if target is Target.LOCAL
        else load_kubernetes_settings(reader, shape, rotation, place),
    )


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
