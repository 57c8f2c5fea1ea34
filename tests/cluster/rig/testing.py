"""The rig in a test session."""

from __future__ import annotations

import os
from typing import Final

import pytest

from tests.cluster.rig.cluster import named_by_environment
from tests.cluster.rig.errors import RigError
from tests.cluster.rig.possible import why_not
from tests.cluster.rig.rig import Rig
from toolchain.errors import ToolchainError

REQUIRED_VARIABLE: Final = "HOLDFAST_TEST_CLUSTER"
"""``required`` where a run is about the cluster: none is then a failure and no skip."""


def up_or_skip(config: pytest.Config, nodes: int, name: str) -> Rig:
    """Bring a rig up with its progress on the screen, or skip and say why there is none."""
    if named_by_environment() is not None:
        pytest.skip("nodes are not cut off or switched off in a cluster that is not ours")
    reason = why_not()
    if not reason:
        capture = config.pluginmanager.getplugin("capturemanager")
        assert capture is not None
        with capture.global_and_fixture_disabled():
            try:
                return Rig.up(nodes=nodes, name=name)
            except ToolchainError as error:
                reason = str(error)
            except RigError as error:
                pytest.fail(str(error))
    if os.environ.get(REQUIRED_VARIABLE) == "required":
        pytest.fail(f"{reason} ({REQUIRED_VARIABLE} is required)")
    pytest.skip(reason)
