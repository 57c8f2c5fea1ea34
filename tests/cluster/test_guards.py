"""Each guard of a cluster is seen to matter: taken out, the drill that it carries fails.

The others are taken out of a local store: ``tests/local/test_guards.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster.rig.cluster import Cluster
from tests.cluster.stack import ClusterStack, deployed

pytestmark = [pytest.mark.timeout(1500), pytest.mark.whole]

NOT_WITHOUT_NAMES = (
    "the kill while the DNS was silent",
    "not well between two faults",
    "the Sentinels name another primary",
    "the Sentinels do not agree on a primary",
)
"""What a store fails at that has to ask for names, and nothing that a test cluster may do wrong."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[ClusterStack]:
    with deployed(tmp_path_factory.mktemp("guards"), cluster) as stack:
        yield stack


def patch(stack: ClusterStack, kind: str, path: str) -> None:
    """Take something out of the template of one kind of pod, and wait for the roll."""
    operation = json.dumps([{"op": "remove", "path": path}])
    stack.cluster.kubectl(
        *("-n", stack.namespace, "patch", "statefulset", f"store-{kind}"),
        *("--type=json", "-p", operation),
    )


@pytest.fixture
def mended(stack: ClusterStack) -> Iterator[ClusterStack]:
    """The stack, whole again afterwards by a deployment alone."""
    yield stack
    stack.up("--refresh")
    stack.until_ready()
    stack.engine.up_unchanged()


def test_without_the_hand_over_before_a_stop_a_deleted_primary_is_missed_for_long(
    mended: ClusterStack,
) -> None:
    patch(mended, "server", "/spec/template/spec/containers/0/lifecycle")
    mended.until_ready()
    (result,) = mended.drill("pod-deleted", fails=True)
    assert any("a writer paused for" in failure for failure in result["failures"])


def test_without_pinned_names_a_silent_dns_keeps_the_store_from_failing_over(
    mended: ClusterStack,
) -> None:
    for kind in ("sentinel", "server"):
        patch(mended, kind, "/spec/template/spec/hostAliases")
    mended.until_ready()
    (result,) = mended.drill("silent-dns", fails=True)
    failures = " ".join(result["failures"])
    assert any(known in failures for known in NOT_WITHOUT_NAMES), failures
