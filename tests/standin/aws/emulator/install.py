"""What is put into moto before its first request."""

from __future__ import annotations

from tests.standin.aws.dataplane.api import DataPlane
from tests.standin.aws.emulator.elasticache.control import Settings
from tests.standin.aws.emulator.elasticache.wiring import install as install_elasticache
from tests.standin.aws.emulator.lambda_invoke import install as install_functions
from tests.standin.aws.emulator.layout import Layout, State


def install(plane: DataPlane, layout: Layout, state: State, *, delay_seconds: float) -> None:
    """Put our ElastiCache and our way of running functions into moto's server."""
    layout.snapshots.mkdir()
    install_elasticache(Settings(plane, layout.snapshots, delay_seconds))
    install_functions(layout, state)
