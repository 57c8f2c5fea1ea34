"""The rig's own rules that need neither root nor a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.rig import cluster, node_config
from tests.cluster.rig.cluster import named_by_environment, wait_until
from tests.cluster.rig.errors import RigError
from tests.cluster.rig.layout import Layout, Programs, run_folder
from tests.cluster.rig.namespaces import Guest, Process, record, recorded
from tests.cluster.rig.possible import why_not
from toolchain.cluster.images import PAUSE


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    programs = Programs("/programs/kube", "/programs/containerd", "/programs/cni")
    return Layout("main", tmp_path, 3, programs, {"a:1": "/a.tar"}, 4 << 30, 7)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("name", ["", "Main", "a/b", "..", "-a", "a" * 32, "a b"])
def test_a_name_that_is_no_folder_and_no_cgroup_is_refused(name: str) -> None:
    with pytest.raises(RigError, match="lower case letters, digits and hyphens"):
        run_folder(name)


def test_a_layout_is_read_as_it_was_written(layout: Layout) -> None:
    layout.store()
    assert Layout.load(layout.root) == layout


def test_a_process_is_not_taken_for_a_later_one_with_its_number(
    sleeper: subprocess.Popen[bytes],
) -> None:
    found = Process.of(sleeper.pid)
    assert found is not None
    assert found.runs()
    impostor = Process(sleeper.pid, found.started - 1)
    assert not impostor.runs()
    impostor.kill()
    assert found.runs(), "an identity that does not match is left alone"
    found.kill()
    wait_until("end", 30, lambda: not found.runs())


def test_a_guest_is_read_as_it_was_written_down(tmp_path: Path) -> None:
    guest = Guest("node-1", Process(10, 20), Process(11, 21))
    record(tmp_path, Guest("node-1", Process(1, 2), Process(3, 4)))
    record(tmp_path, guest)
    assert recorded(tmp_path) == {"node-1": guest}


def test_a_wait_ends_with_what_was_missed_and_the_last_refusal() -> None:
    def refuse() -> bool:
        raise RigError("not yet")

    with pytest.raises(RigError, match=r"door open: not within 0\.05 s: not yet"):
        wait_until("door open", 0.05, refuse)


def test_a_cluster_of_somebody_else_is_taken_and_offers_no_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kubeconfig"
    monkeypatch.setenv(cluster.KUBECONFIG_VARIABLE, str(path))
    with pytest.raises(RigError, match="need the path of a kubeconfig"):
        named_by_environment()
    path.write_text("{}")
    found = named_by_environment()
    assert found is not None
    assert found.kubeconfig == path
    assert not found.has_faults
    monkeypatch.delenv(cluster.KUBECONFIG_VARIABLE)
    assert named_by_environment() is None


def test_a_machine_without_root_is_told_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert why_not() == "the test cluster needs root: namespaces, mounts and cgroups of its own"


def test_a_cache_that_a_node_would_not_see_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/lib/somebody")
    assert "set XDG_CACHE_HOME to a folder outside of" in why_not()


def test_a_node_reserves_what_it_does_not_offer(layout: Layout) -> None:
    value = node_config.kubelet(layout, "node-1")
    reserved = int(value["systemReserved"]["memory"])
    assert reserved == max(0, node_config.memory_total() - layout.memory_bytes)
    assert value["cgroupRoot"] == "/holdfast-rig/main/node-1"
    json.dumps(value)


def test_a_node_has_a_range_of_its_own_and_the_image_that_is_there(layout: Layout) -> None:
    assert node_config.cni("node-2")["plugins"][0]["ipam"]["ranges"] == [
        [{"subnet": "10.244.2.0/24"}]
    ]
    assert f'sandbox = "{PAUSE}"' in node_config.containerd(layout, "node-2")
