"""Stage presets: data only. A stack's own settings override every value."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from config.schema import Preset, Value

PRESETS: Final[Mapping[Preset, Mapping[str, Value]]] = MappingProxyType(
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
