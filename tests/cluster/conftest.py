"""The cluster that the tests of this folder share.

``cluster`` is the one that ``HOLDFAST_TEST_KUBECONFIG`` names, else the rig; ``rig`` is the rig
alone, for tests that hurt nodes. One that was up before the tests stays up after them. Where there
can be none, tests are skipped with the reason.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.cluster.rig.cluster import Cluster, named_by_environment
from tests.cluster.rig.logs import last_words
from tests.cluster.rig.rig import DEFAULT_NAME, Rig, attach_or_none
from tests.cluster.rig.testing import up_or_skip

_TEST_SECONDS = 900
"""Building the cluster's programs counts for the first test, and takes minutes once."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of a cluster more time than the others have."""
    for item in items:
        if "tests/cluster/" in str(item.path) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_TEST_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the last lines of the cluster's logs with a test that failed."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for value in item.funcargs.values():
            if isinstance(value, Rig):
                report.sections.append(("logs of the cluster", last_words(value.layout.root)))
    return report


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Any cluster; make a namespace of your own in it, and hurt no node."""
    named = named_by_environment()
    if named is not None:
        return named
    found: Cluster = request.getfixturevalue("rig")
    return found


@pytest.fixture(scope="session")
def rig(pytestconfig: pytest.Config) -> Iterator[Rig]:
    """The rig with three nodes; put back in order what you break."""
    before = attach_or_none(DEFAULT_NAME)
    found = up_or_skip(pytestconfig, nodes=3, name=DEFAULT_NAME)
    yield found
    if before is None:
        found.down()
