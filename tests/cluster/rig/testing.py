"""The rig in a test session."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeVar

import pytest

from tests.cluster.rig.cluster import named_by_environment
from tests.cluster.rig.errors import RigError
from tests.cluster.rig.possible import why_not
from tests.cluster.rig.rig import Rig
from toolchain.cluster.binaries import find_binaries
from toolchain.cluster.images import find_images
from toolchain.errors import ToolchainError

T = TypeVar("T")

REQUIRED_VARIABLE: Final = "HOLDFAST_TEST_CLUSTER"
"""``required`` where a run is about the cluster: none is then a failure and no skip."""


def up_or_skip(config: pytest.Config, nodes: int, name: str) -> Rig:
    """Bring a rig up with its progress on the screen, or skip and say why there is none."""
    return _or_skip(config, lambda: Rig.up(nodes=nodes, name=name))


def build_or_skip(config: pytest.Config) -> None:
    """See that there is all that a rig is brought up of, or skip and say why there is none."""
    _or_skip(config, lambda: find_images(find_binaries()))


def _or_skip(config: pytest.Config, work: Callable[[], T]) -> T:
    if named_by_environment() is not None:
        pytest.skip("nodes are not cut off or switched off in a cluster that is not ours")
    reason = why_not()
    if not reason:
        capture = config.pluginmanager.getplugin("capturemanager")
        assert capture is not None
        with capture.global_and_fixture_disabled():
            try:
                return work()
            except ToolchainError as error:
                reason = str(error)
            except RigError as error:
                pytest.fail(str(error))
    if os.environ.get(REQUIRED_VARIABLE) == "required":
        pytest.fail(f"{reason} ({REQUIRED_VARIABLE} is required)")
    pytest.skip(reason)
