"""The servers of the emulated ElastiCache end with what started them, however that ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.aws.stores import Logins, group_spec, open_plane
from tests.processes import lives, wait_gone
from tests.servers import Install, wait_until
from tests.standin.aws.dataplane.api import DataPlaneError
from tests.standin.aws.dataplane.valkey import ValkeyDataPlane

PROJECT = Path(__file__).parents[2]

OWNER = """
import sys, time
from pathlib import Path
from tests.aws.stores import Logins, group_spec
from tests.standin.aws.dataplane.valkey import open_data_plane
plane = open_data_plane(Path(sys.argv[1]))
plane.create_group(group_spec("store", Logins().states()))
print([s.node.process.pid for s in map(plane.server, sys.argv[2:])])
sys.stdout.flush()
time.sleep(600)
"""


def _pids(plane: ValkeyDataPlane, *members: str) -> list[int]:
    processes = [plane.server(member).node.process for member in members]
    return [process.pid for process in processes if process is not None]


def test_close_ends_every_process_and_removes_every_name(
    server_install: Install, tmp_path: Path
) -> None:
    with open_plane(tmp_path / "plane") as plane:
        plane.create_group(group_spec("store", Logins().states()))
        pids = _pids(plane, "store-001", "store-002")
        assert len(pids) == 2
        assert all(map(lives, pids))
        plane.close()
        assert wait_gone(pids) == []
        assert json.loads(plane.names_file.read_text()) == {}
        assert not any((tmp_path / "plane" / "groups").iterdir())


def test_servers_outlive_the_thread_that_asked_for_them(
    server_install: Install, tmp_path: Path
) -> None:
    with open_plane(tmp_path) as plane:
        spec = group_spec("store", Logins().states(), replicas=0)
        request = threading.Thread(target=plane.create_group, args=(spec,))
        request.start()
        request.join()
        task = Path(f"/proc/self/task/{request.native_id}")
        wait_until("the kernel to be done with the thread", lambda: not task.exists())
        assert plane.server("store-001").call("PING") == "PONG"
        assert all(map(lives, _pids(plane, "store-001")))


def test_nothing_outlives_a_killed_owner(server_install: Install, tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), "store-001", "store-002"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert owner.stdout is not None
        pids = json.loads(owner.stdout.readline())
        assert len(pids) == 2
        assert all(map(lives, pids))
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        owner.stdout.close()  # type: ignore[union-attr]
    assert wait_gone(pids) == []


def test_no_secret_is_readable_by_others_or_in_a_processs_arguments(
    server_install: Install, tmp_path: Path
) -> None:
    with open_plane(tmp_path / "plane") as plane:
        plane.create_group(group_spec("store", Logins().states(), replicas=0))
        server = plane.server("store-001")
        assert (tmp_path / "plane").stat().st_mode & 0o077 == 0
        for name in ("conf", "users.acl", "tls.key"):
            assert (server.folder / name).stat().st_mode & 0o077 == 0
        (pid,) = _pids(plane, "store-001")
        arguments = Path(f"/proc/{pid}/cmdline").read_text()
        (password,) = [
            line.split()[1]
            for line in (server.folder / "conf").read_text().splitlines()
            if line.startswith("masterauth")
        ]
        assert password not in arguments
        assert password not in repr(server.__dict__)
        assert not list((tmp_path / "plane").rglob("ca.key"))


def test_a_store_that_cannot_be_made_leaves_nothing_behind(
    server_install: Install, tmp_path: Path
) -> None:
    states = Logins().states()
    bad = {"svc": states["svc"].__class__("svc", "on +no-such-command")}
    with open_plane(tmp_path) as plane:
        with pytest.raises(DataPlaneError, match="ended at once"):
            plane.create_group(group_spec("store", bad))
        assert json.loads(plane.names_file.read_text()) == {}
        with pytest.raises(DataPlaneError, match="no store store"):
            plane.primaries("store")
        plane.create_group(group_spec("store", states, replicas=0))


def test_a_failover_of_a_primary_that_is_gone_is_refused_at_once(
    server_install: Install, tmp_path: Path
) -> None:
    with open_plane(tmp_path, detection_seconds=600) as plane:
        plane.create_group(group_spec("store", Logins().states()))
        plane.kill_node("store-001")
        with pytest.raises(DataPlaneError, match="store-001 is lost"):
            plane.test_failover("store", "0001")
        assert plane.primaries("store") == {"0001": "store-001"}
