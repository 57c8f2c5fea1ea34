"""The settings of a stack: read, completed and checked before anything is created.

``python -m config.settings`` prints the table of ``docs/settings.md``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from config.aws_room import plan_nodes
from config.aws_settings import AwsSettings, load_aws_settings
from config.capacity import NodePlan, Room, UnknownRoom, check_session_bytes
from config.existing_settings import ExistingSettings, load_existing_settings
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
)
from config.schema import (
    SETTINGS,
    Appendfsync,
    EvictionPolicy,
    Preset,
    Target,
    Value,
)
from config.shape import Shape, existing_shape, resolve_shape
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
    own: LocalSettings | KubernetesSettings | AwsSettings | ExistingSettings

    @property
    def target(self) -> Target:
        """Where the store runs."""
        match self.own:
            case LocalSettings():
                return Target.LOCAL
            case KubernetesSettings():
                return Target.KUBERNETES
            case AwsSettings():
                return Target.AWS
            case ExistingSettings():
                return Target.EXISTING
            case _:
                assert_never(self.own)

    @property
    def maxmemory_bytes(self) -> int:
        """Memory for data of each server: on aws what the reserve leaves; 0: nobody told it."""
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
    target = given.choice(Target, "target")
    given.refuse_others(target)
    preset = given.choice(Preset, "preset")
    reader = given.with_preset(PRESETS[target][preset])
    expected = check_expected_sessions(reader.optional_number("expectedSessions"))
    plan = _plan(target, reader, preset, place, expected)
    room = plan.room
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
        shape=plan.shape,
        down_after_ms=check_down_after_ms(reader.number("downAfterMs")),
        eviction_policy=check_eviction_policy(reader.text("evictionPolicy")),
        appendfsync=reader.choice(Appendfsync, "appendfsync"),
        cold=check_cold(reader.choice(Cold, "cold")),
        expected_sessions=expected,
        room=room,
        extra_dns_names=check_dns_names(reader.texts("extraDnsNames")),
        rotation=rotation,
        # Last: the only rule that may run a program.
        own=_own(target, reader, plan, preset=preset, rotation=rotation, place=place),
    )


def _plan(
    target: Target, reader: ConfigReader, preset: Preset, place: Place, expected: int | None
) -> NodePlan:
    """How many of what, and what fits. Raises ConfigError."""
    session_bytes = check_session_bytes(reader.optional_number("sessionBytes"))
    buckets = check_buckets(reader.number("buckets"))
    if target is Target.AWS:
        return plan_nodes(
            reader, preset, expected=expected, session_bytes=session_bytes, buckets=buckets
        )
    topology, primaries = reader.choice(Topology, "topology"), reader.optional_number("primaries")
    if target is Target.EXISTING:
        shape = existing_shape(topology, primaries=primaries)
        amount = reader.optional_text("maxmemory")
        if amount is None:
            return NodePlan(shape, UnknownRoom(0, session_bytes, shape.primaries, buckets))
        maxmemory_bytes = check_maxmemory(amount, servers=shape.servers)
        return NodePlan(shape, Room(maxmemory_bytes, session_bytes, shape.primaries, buckets))
    shape = resolve_shape(
        topology,
        primaries=primaries,
        replicas=reader.optional_number("replicas"),
        sentinels=reader.optional_number("sentinels"),
        quorum=reader.optional_number("quorum"),
    )
    check_preset(preset, shape)
    maxmemory_bytes = check_maxmemory(
        reader.text("maxmemory"),
        servers=shape.servers,
        machine_bytes=place.memory_bytes if target is Target.LOCAL else None,
    )
    return NodePlan(shape, Room(maxmemory_bytes, session_bytes, shape.primaries, buckets))


def _own(
    target: Target,
    reader: ConfigReader,
    plan: NodePlan,
    *,
    preset: Preset,
    rotation: RotationSettings,
    place: Place,
) -> LocalSettings | KubernetesSettings | AwsSettings | ExistingSettings:
    match target:
        case Target.LOCAL:
            return load_local_settings(reader, plan.shape, place)
        case Target.KUBERNETES:
            return load_kubernetes_settings(reader, plan.shape, rotation, place)
        case Target.AWS:
            return load_aws_settings(
                reader, plan.shape, plan.node, preset=preset, rotation=rotation, place=place
            )
        case Target.EXISTING:
            return load_existing_settings(reader, plan.shape, place, plan.room.maxmemory_bytes)
        case _:
            assert_never(target)


def settings_table() -> str:
    """The settings as a Markdown table, for ``docs/settings.md``."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for setting in SETTINGS:
        default = setting.automatic or f"`{_shown(setting.default)}`"
        lines.append(f"| `{setting.key}` | {setting.kind} | {default} | {setting.description} |")
    for targets in _by_values(PRESETS):
        stages = PRESETS[targets[0]]
        names = list(stages[Preset.DEV])
        lines += ["", f"| preset ({', '.join(targets)}) | {' | '.join(names)} |"]
        lines.append("|---|" + "---|" * len(names))
        lines += [
            f"| `{preset}` | " + " | ".join(f"`{value}`" for value in values.values()) + " |"
            for preset, values in stages.items()
        ]
    return "\n".join(lines) + "\n"


def _by_values(
    presets: Mapping[Target, Mapping[Preset, Mapping[str, Value]]],
) -> list[list[Target]]:
    """Targets that have the same stages, together; none of those whose stages say nothing."""
    groups: list[list[Target]] = []
    for target, stages in presets.items():
        if len({json.dumps(dict(values)) for values in stages.values()}) == 1:
            continue
        same = next((group for group in groups if presets[group[0]] == stages), None)
        if same is None:
            groups.append([target])
        else:
            same.append(target)
    return groups


def _shown(value: Value) -> str:
    return json.dumps(value) if isinstance(value, bool | tuple) else str(value)


if __name__ == "__main__":
    sys.stdout.write(settings_table())
