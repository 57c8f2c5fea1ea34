"""Puts the stand-in where the engine looks for the official plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.standin.plugins import Standin

_STANDIN: Final = Standin("aws", Path(__file__).with_name("pulumi-resource-aws"))

install = _STANDIN.install
is_standin = _STANDIN.is_standin

if __name__ == "__main__":
    raise SystemExit(_STANDIN.main())
