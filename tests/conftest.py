"""Fixtures for tests against real servers: see tests/servers.py."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.records import STRICT
from tests.servers import (
    Install,
    Servers,
    installs,
    newest_install,
    start_cluster,
    start_sentinel,
    start_standalone,
)

# No property is about time: a machine that stalls for a moment refutes none.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_NO_SERVER = "no server on this machine: set HOLDFAST_TEST_SERVERS or run `make env`"


_WHOLE = "only in a whole run: make test-cluster, or --whole"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tests marked ``whole`` take minutes each."""
    parser.addoption("--whole", action="store_true", help="also run tests that take minutes each")


def pytest_configure(config: pytest.Config) -> None:
    """A whole run is judged by the catalogue's bounds of time: it is nobody's quick check."""
    if config.getoption("--whole"):
        os.environ[STRICT] = "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say of each test that is left out why."""
    if not config.getoption("--whole"):
        for item in items:
            if item.get_closest_marker("whole") is not None:
                item.add_marker(pytest.mark.skip(reason=_WHOLE))


@pytest.fixture(scope="session")
def server_install() -> Install:
    """The newest Valkey."""
    found = newest_install()
    if found is None:
        pytest.skip(_NO_SERVER)
    return found


@pytest.fixture(scope="session")
def server_installs() -> list[Install]:
    """Every server of the matrix, newest first."""
    found = installs()
    if not found:
        pytest.skip(_NO_SERVER)
    return found


@pytest.fixture(scope="session")
def standalone_server(
    server_install: Install, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    """One server that tests share: leave it running, use keys of your own."""
    with start_standalone(server_install, tmp_path_factory.mktemp("standalone")) as servers:
        yield servers


@pytest.fixture(scope="session")
def sentinel_servers(
    server_install: Install, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    """1 + 2 + 3 that tests share: do not kill here, start a group of your own for that."""
    # So slow to give up on anybody that a machine that stalls makes nothing fail over.
    with start_sentinel(
        server_install, tmp_path_factory.mktemp("sentinel"), down_after_ms=60_000
    ) as servers:
        yield servers


@pytest.fixture(scope="session")
def cluster_servers(
    server_install: Install, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    """3 + 3 that tests share: do not kill here, start a group of your own for that."""
    with start_cluster(server_install, tmp_path_factory.mktemp("cluster")) as servers:
        yield servers


@pytest.fixture(params=["redis", "valkey"])
def library(request: pytest.FixtureRequest) -> str:
    """Both client libraries; valkey-py only where it is installed."""
    name = str(request.param)
    if name == "valkey":
        pytest.importorskip("valkey")
    return name
