"""The hands on local processes: only on those that are what the record says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.errors import ConfigError, VerificationFailed
from holdfast.verify.drills.journal import Journal
from holdfast.verify.drills.local_means import LocalMeans
from holdfast.verify.drills.means import State

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_ticks(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[19])


class Group:
    """A folder with nodes whose processes only sleep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: list[subprocess.Popen[bytes]] = []
        self.brought_back: list[str] = []

    def add(self, name: str, *, ticks_off: int = 0, cwd: Path | None = None) -> int:
        data = self.folder / name / "data"
        data.mkdir(parents=True)
        argv = [sys.executable, "-c", "import time; time.sleep(60)"]
        child = subprocess.Popen(argv, cwd=cwd or data)
        self.children.append(child)
        record = {
            "owner": "holdfast/local",
            "node": name,
            "kind": "sentinel" if name.startswith("sentinel") else "server",
            "argv": argv,
            "address": "127.0.0.1",
            "port": 7000 + len(self.children),
            "wanted": True,
            "running": {
                "pid": child.pid,
                "start_ticks": start_ticks(child.pid) + ticks_off,
                "boot_id": _BOOT_ID,
            },
        }
        (self.folder / name / "process.json").write_text(json.dumps(record))
        return child.pid

    def means(self) -> LocalMeans:
        return LocalMeans(self.folder, self.brought_back.append)

    def state(self, name: str) -> State:
        return next(p.state for p in self.means().processes() if p.name == name)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    found = Group(tmp_path)
    yield found
    for child in found.children:
        child.kill()
        child.wait()


def until(group: Group, name: str, state: State) -> None:
    deadline = time.monotonic() + 30
    while group.state(name) is not state:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_servers_come_first_with_their_state(group: Group) -> None:
    group.add("sentinel-0")
    group.add("server-0")
    found = [(p.name, p.sentinel, p.state) for p in group.means().processes()]
    assert found == [
        ("server-0", False, State.RUNNING),
        ("sentinel-0", True, State.RUNNING),
    ]
    assert group.means().owner == "holdfast/local"


def test_what_is_frozen_is_thawed_at_the_end(group: Group) -> None:
    group.add("server-0")
    means = group.means()
    means.freeze("server-0")
    until(group, "server-0", State.FROZEN)
    means.put_back()
    until(group, "server-0", State.RUNNING)
    assert group.brought_back == []


def test_what_was_killed_is_brought_back_by_the_engine(group: Group) -> None:
    group.add("server-0")
    means = group.means()
    means.kill("server-0")
    assert group.state("server-0") is State.DOWN
    means.put_back()
    assert group.brought_back == ["holdfast/local"]


@pytest.mark.parametrize("other", ["a later process", "a process elsewhere"])
def test_a_process_that_only_has_the_number_is_not_touched(
    group: Group, other: str, tmp_path: Path
) -> None:
    later = other == "a later process"
    pid = group.add("server-0", ticks_off=1 if later else 0, cwd=None if later else tmp_path)
    assert group.state("server-0") is State.DOWN
    with pytest.raises(VerificationFailed, match="does not run"):
        group.means().freeze("server-0")
    os.kill(pid, 0)


def test_only_a_server_that_is_down_loses_its_data(group: Group) -> None:
    group.add("server-0")
    data = group.folder / "server-0" / "data"
    (data / "appendonlydir").mkdir()
    (data / "appendonlydir" / "file").touch()
    means = group.means()
    with pytest.raises(VerificationFailed, match="server-0 is running"):
        means.empty("server-0")
    means.kill("server-0")
    means.empty("server-0")
    assert list(data.iterdir()) == []


def test_only_a_replica_is_started_by_itself(group: Group) -> None:
    group.add("server-0")
    conf = group.folder / "server-0" / "server.conf"
    conf.write_text("port 0\n")
    means = group.means()
    means.kill("server-0")
    with pytest.raises(VerificationFailed, match="would start as a primary"):
        means.start("server-0")
    conf.write_text("port 0\nreplicaof 127.0.0.1 7001\n")
    means.start("server-0")
    until(group, "server-0", State.RUNNING)
    means.kill("server-0")
    assert group.state("server-0") is State.DOWN


def test_a_folder_without_processes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"process\.json for each process"):
        LocalMeans(tmp_path, lambda _: None)


def test_a_damaged_record_is_told(group: Group) -> None:
    group.add("server-0")
    (group.folder / "server-0" / "process.json").write_text("{")
    with pytest.raises(ConfigError, match="a damaged record"):
        group.means()


def test_a_drill_that_was_killed_leaves_a_note_and_one_that_lives_does_not(tmp_path: Path) -> None:
    file = tmp_path / "drill.json"
    journal = Journal(file)
    journal.add("server-0", "killed")
    journal.add("server-1", "frozen")
    assert journal.orphaned() == ()
    note = json.loads(file.read_text())
    file.write_text(json.dumps(note | {"started": "1"}))
    assert journal.orphaned() == ["server-0 killed", "server-1 frozen"]
    journal.clear()
    assert journal.orphaned() == ()
    assert not file.exists()


def test_a_note_that_was_cut_short_still_says_that_something_was_done(tmp_path: Path) -> None:
    (tmp_path / "drill.json").write_text('{"pid"')
    assert Journal(tmp_path / "drill.json").orphaned() == ("an unreadable note",)
