"""Stage presets: data only. A stack's own settings override every value."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from config.schema import Preset, Target, Value

_SERVERS: Final[Mapping[Preset, Mapping[str, Value]]] = MappingProxyType(
    {
        Preset.DEV: MappingProxyType(
            {"topology": "sentinel", "maxmemory": "256mb", "expectedSessions": 1_000}
        ),
        Preset.STAGING: MappingProxyType(
            {"topology": "sentinel", "maxmemory": "512mb", "expectedSessions": 5_000}
        ),
        Preset.PROD: MappingProxyType(
            {"topology": "sentinel", "maxmemory": "1gb", "expectedSessions": 11_000}
        ),
    }
)
"""Each leaves the headroom of docs/sizing.md at the default size of a session."""

_AWS: Final[Mapping[Preset, Mapping[str, Value]]] = MappingProxyType(
    {
        Preset.DEV: MappingProxyType(
            {
                "topology": "replication-group",
                "replicas": 0,
                "expectedSessions": 1_000,
                "availabilityZones": 2,
                "snapshotRetentionDays": 1,
                "applyImmediately": "true",
                "verifier": "false",
            }
        ),
        Preset.STAGING: MappingProxyType(
            {
                "topology": "replication-group",
                "replicas": 1,
                "expectedSessions": 5_000,
                "availabilityZones": 3,
                "snapshotRetentionDays": 3,
                "applyImmediately": "true",
                "verifier": "true",
            }
        ),
        Preset.PROD: MappingProxyType(
            {
                "topology": "replication-group",
                "replicas": 2,
                "expectedSessions": 11_000,
                "availabilityZones": 3,
                "snapshotRetentionDays": 7,
                "applyImmediately": "false",
                "verifier": "true",
            }
        ),
    }
)
"""The node type follows from the sessions."""

_EXISTING: Final[Mapping[Preset, Mapping[str, Value]]] = MappingProxyType(
    {preset: MappingProxyType({"topology": "standalone"}) for preset in Preset}
)
"""A stage says nothing about what is there already."""

PRESETS: Final[Mapping[Target, Mapping[Preset, Mapping[str, Value]]]] = MappingProxyType(
    {
        Target.LOCAL: _SERVERS,
        Target.KUBERNETES: _SERVERS,
        Target.AWS: _AWS,
        Target.EXISTING: _EXISTING,
    }
)
