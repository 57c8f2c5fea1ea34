"""A lab for each server version, programming interface and client library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.servers import Install, Servers, start_cluster, start_standalone
from tests.stores import Lab, open_lab

_MATRIX = {
    "9.1-sync": (("valkey", "9.1"), "sync", "redis"),
    "9.1-async": (("valkey", "9.1"), "async", "redis"),
    "9.1-sync-valkey-py": (("valkey", "9.1"), "sync", "valkey"),
    "8.0-async-valkey-py": (("valkey", "8.0"), "async", "valkey"),
    "8.0-sync": (("valkey", "8.0"), "sync", "redis"),
    "redis-7.0-sync": (("redis", "7.0"), "sync", "redis"),
}

Starter = Callable[[str, str], Servers]


def _pick(installs: list[Install], engine: str, version: str) -> Install:
    for install in installs:
        if install.engine == engine and f"{install.version}.".startswith(f"{version}."):
            return install
    pytest.skip(f"no {engine} {version} in HOLDFAST_TEST_SERVERS")


@pytest.fixture(scope="session")
def standalone(
    server_installs: list[Install], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Starter]:
    """Starts one server a version, shared by all tests of the run."""
    running: dict[tuple[str, str], Servers] = {}
    with ExitStack() as stack:

        def start(engine: str, version: str) -> Servers:
            if (engine, version) not in running:
                install = _pick(server_installs, engine, version)
                folder = tmp_path_factory.mktemp(f"{engine}-{install.version}")
                running[engine, version] = stack.enter_context(start_standalone(install, folder))
            return running[engine, version]

        yield start


@pytest.fixture(params=list(_MATRIX))
def lab(request: pytest.FixtureRequest, standalone: Starter) -> Iterator[Lab]:
    """Every test of the store runs on each of these."""
    (engine, version), api, library = _MATRIX[request.param]
    if library == "valkey":
        pytest.importorskip("valkey")
    with open_lab(standalone(engine, version), api=api, library=library) as found:
        yield found


@pytest.fixture
def sync_lab(standalone: Starter) -> Iterator[Lab]:
    """For tests that need threads or the synchronous face; the newest server."""
    with open_lab(standalone("valkey", "9.1"), api="sync", library="redis") as found:
        yield found


@pytest.fixture(scope="session")
def cluster(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """3 + 3 for the store's tests."""
    with start_cluster(server_install, tmp_path_factory.mktemp("store-cluster")) as servers:
        yield servers


@pytest.fixture(params=["sync", "async"])
def cluster_lab(request: pytest.FixtureRequest, cluster: Servers) -> Iterator[Lab]:
    """A lab on a cluster."""
    with open_lab(cluster, api=request.param, library="redis") as found:
        yield found
