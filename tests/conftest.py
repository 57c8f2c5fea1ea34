"""Fixtures for tests against real servers: see tests/servers.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import (
    Install,
    Servers,
    installs,
    newest_install,
    start_cluster,
    start_sentinel,
    start_standalone,
)

_NO_SERVER = "no server on this machine: set HOLDFAST_TEST_SERVERS or run `make env`"


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
    with start_sentinel(server_install, tmp_path_factory.mktemp("sentinel")) as servers:
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
