"""Emulators and stores that the tests of this folder share.

``emulator`` has no servers behind its stores and is up in a second; ``aws`` has real ones. Both are
shared: use names of your own. ``staging`` is a store that is deployed already. ``plane`` is servers
without an API before them, a module's own, and ``group``, ``cluster`` and ``serverless`` are stores
there.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.aws.stack import AwsStack, deployed
from tests.aws.stores import Store, create_group, create_serverless, open_plane
from tests.servers import Install
from tests.standin.aws.dataplane.valkey import ValkeyDataPlane
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


@pytest.fixture(scope="module")
def plane(
    server_install: Install, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ValkeyDataPlane]:
    """Servers, whose names and authority this process knows."""
    with open_plane(tmp_path_factory.mktemp("plane")) as found:
        yield found


@pytest.fixture(scope="module")
def group(plane: ValkeyDataPlane) -> Store:
    """A primary and two replicas."""
    return create_group(plane, "group", replicas=2)


@pytest.fixture(scope="module")
def cluster(plane: ValkeyDataPlane) -> Store:
    """Two shards, each with a replica."""
    return create_group(plane, "cluster", shards=2)


@pytest.fixture(scope="module")
def serverless(plane: ValkeyDataPlane) -> Store:
    """A serverless cache."""
    return create_serverless(plane, "serverless")
