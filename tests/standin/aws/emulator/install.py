"""What is put into moto before its first request."""

from __future__ import annotations

from tests.standin.aws.dataplane.api import DataPlane
from tests.standin.aws.emulator.layout import Layout, State


def install(plane: DataPlane, layout: Layout, state: State, *, delay_seconds: float) -> None:
    """Put our ElastiCache and our way of running functions into moto's server."""
