"""The rig in a test session."""

from __future__ import annotations

import pytest

from tests.cluster.rig.cluster import named_by_environment
from tests.cluster.rig.errors import RigError
from tests.cluster.rig.possible import why_not
from tests.cluster.rig.rig import Rig
from toolchain.errors import ToolchainError


def up_or_skip(config: pytest.Config, nodes: int, name: str) -> Rig:
    """Bring a rig up with its progress on the screen, or skip and say why there is none."""
    if named_by_environment() is not None:
        pytest.skip("nodes are not cut off or switched off in a cluster that is not ours")
    if reason := why_not():
        pytest.skip(reason)
    capture = config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        try:
            return Rig.up(nodes=nodes, name=name)
        except ToolchainError as error:
            reason = str(error)
        except RigError as error:
            pytest.fail(str(error))
    pytest.skip(reason)
