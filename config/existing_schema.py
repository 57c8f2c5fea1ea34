"""The keys that only target existing has."""

from __future__ import annotations

from typing import Final

from config.setting import Setting, Target

_EXISTING: Final = (Target.EXISTING,)

EXISTING_SETTINGS: Final[tuple[Setting, ...]] = ()
