"""Emulators that the tests of this folder share.

``emulator`` has no servers behind its stores and is up in a second; ``aws`` has real ones. Both are
shared: use names of your own. ``staging`` is a store that is deployed already.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.aws.stack import AwsStack, deployed
from tests.servers import Install
from tests.standin.aws.emulator import Emulator, running


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The control plane alone."""
    with running(tmp_path_factory.mktemp("emulator")) as found:
        yield found


@pytest.fixture(scope="session")
def aws(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """With real servers."""
    with running(tmp_path_factory.mktemp("aws"), data_plane=True) as found:
        yield found


@pytest.fixture(scope="session")
def staging(
    server_install: Install, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AwsStack]:
    """A deployed store of preset staging, alone on an emulator of its own; leave it whole."""
    with (
        running(tmp_path_factory.mktemp("staging-aws"), data_plane=True) as found,
        deployed(tmp_path_factory.mktemp("staging"), found, preset="staging") as stack,
    ):
        yield stack
