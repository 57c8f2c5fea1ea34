"""Emulators that the tests of this folder share.

``emulator`` has no servers behind its stores and is up in a second; ``aws`` has real ones. Both are
shared: use names of your own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
