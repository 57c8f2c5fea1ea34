"""Changes of a store that serves: each a deployment, with the ledger's writers at work."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from holdfast.verify.record import Kind
from tests.cluster.rig.cluster import Cluster, named_by_environment, wait_until
from tests.cluster.rig.testing import up_or_skip
from tests.cluster.stack import WHERE, ClusterStack, deployed
from tests.records import keep

pytestmark = [pytest.mark.timeout(1500), pytest.mark.whole]

UP = shlex.join(["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "test"])
OLD, NEW = "8.1.1", "9.1.2"
FIVE = "five"


def change(stack: ClusterStack, name: str) -> None:
    """Deploy while writers write: nothing lost, and no pause above that of a hand-over."""
    (result,) = stack.drill("--while", UP)
    assert result["ok"], result["failures"]
    assert result["figures"]["lost"] == 0
    stack.forget()
    keep(stack.connection, Kind.CHANGE, name, result["figures"], where=WHERE, writers=8)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[ClusterStack]:
    folder = tmp_path_factory.mktemp("changes")
    settings = {"engineVersion": OLD, "image": f"valkey/valkey:{OLD}"}
    with deployed(folder, cluster, **settings) as stack:
        yield stack


def test_the_servers_are_upgraded_to_a_newer_series(stack: ClusterStack) -> None:
    assert stack.connection.engine_version == OLD
    stack.set(engineVersion=NEW, image=f"valkey/valkey:{NEW}")
    change(stack, "version upgrade")
    assert stack.connection.engine_version == NEW
    stack.run("smoke")


def test_servers_are_given_more_memory(stack: ClusterStack) -> None:
    stack.set(memoryLimit="448mb", maxmemory="80mb", storage="256mb")
    change(stack, "resources")
    limits = {
        container["resources"]["limits"]["memory"]
        for pod in stack.get("pods", "-l", "app.kubernetes.io/component=server")["items"]
        for container in pod["spec"]["containers"]
        if container["name"] == "server"
    }
    assert limits == {"448Mi"}


def test_volumes_grow_through_their_claims_and_nothing_restarts(stack: ClusterStack) -> None:
    before = stack.pod_ids()
    stack.set(storage="512mb")
    change(stack, "volume growth")
    assert stack.pod_ids() == before

    def grown() -> bool:
        claims = stack.get("pvc", "-l", "app.kubernetes.io/component=server")["items"]
        return {claim["status"]["capacity"]["storage"] for claim in claims} == {"512Mi"}

    wait_until("the volumes have grown", 60, grown)
    stack.engine.up_unchanged()


def test_a_volume_is_not_made_smaller(stack: ClusterStack) -> None:
    stack.set(storage="256mb")
    refused = stack.engine.up(fails=True)
    assert "holdfast:storage" in refused.shown
    stack.set(storage="512mb")
    stack.engine.up_unchanged()


def test_three_sentinels_become_five(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> None:
    if named_by_environment() is not None:
        pytest.skip("five nodes are needed, and the cluster is not ours")
    rig = up_or_skip(pytestconfig, nodes=5, name=FIVE)
    try:
        with deployed(tmp_path_factory.mktemp("five"), rig) as stack:
            stack.set(sentinels="5")
            change(stack, "five Sentinels")
            known = len(stack.connection.sentinels)
            assert known == 5
            stack.run("smoke")
            (result,) = stack.drill("kill-primary")
            assert result["ok"], result["failures"]
    finally:
        rig.down()
