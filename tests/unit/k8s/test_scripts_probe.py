"""probe.sh: which answers let a pod pass."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.unit.k8s.scripts import Pod

_INFO = "loading:{loading}\r\n# Replication\r\nrole:{role}\r\n"
_LINK = "master_link_status:{link}\r\nmaster_sync_in_progress:{syncing}\r\n"


def _code(folder: Path, probe: str, command: str, text: str, kind: str = "server") -> int:
    pod = Pod(folder / "pod", kind=kind)
    pod.answer("localhost", command, text)
    return pod.run("probe.sh", probe).code


@pytest.mark.parametrize("probe", ["startup", "liveness"])
@pytest.mark.parametrize(
    "text",
    [
        "PONG",
        "LOADING Valkey is loading the dataset in memory",
        "MASTERDOWN Link with MASTER is down",
        "BUSY Valkey is busy running a script",
        "NOAUTH Authentication required.",
    ],
)
def test_a_server_that_has_something_to_do_is_alive(probe: str, text: str, tmp_path: Path) -> None:
    assert _code(tmp_path, probe, "PING", text) == 0


def test_a_server_whose_probe_password_is_changing_is_alive(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod")
    pod.answer("localhost", "PING", "AUTH failed: WRONGPASS\nNOAUTH Authentication required.")
    assert pod.run("probe.sh", "liveness").code == 0


@pytest.mark.parametrize("probe", ["startup", "liveness", "readiness"])
@pytest.mark.parametrize("kind", ["server", "sentinel"])
def test_nobody_who_is_silent_passes(probe: str, kind: str, tmp_path: Path) -> None:
    assert _code(tmp_path, probe, "*", "!refused", kind) == 1


@pytest.mark.parametrize("text", ["", "ERR internal", "not PONG"])
def test_another_answer_is_no_life(text: str, tmp_path: Path) -> None:
    assert _code(tmp_path, "liveness", "PING", text) == 1


@pytest.mark.parametrize(
    ("role", "link", "syncing", "loading", "code"),
    [
        ("master", None, 0, 0, 0),
        ("master", None, 0, 1, 1),
        ("slave", "up", 0, 0, 0),
        ("slave", "up", 1, 0, 1),
        ("slave", "down", 0, 0, 1),
        ("slave", "up", 0, 1, 1),
    ],
)
def test_a_server_is_ready_as_a_primary_or_in_step(
    role: str, link: str | None, syncing: int, loading: int, code: int, tmp_path: Path
) -> None:
    text = _INFO.format(loading=loading, role=role)
    if link is not None:
        text += _LINK.format(link=link, syncing=syncing)
    assert _code(tmp_path, "readiness", "INFO persistence replication", text) == code


@pytest.mark.parametrize(("text", "code"), [("sentinel_masters:1", 0), ("sentinel_masters:0", 1)])
def test_a_sentinel_is_ready_when_it_watches_its_primary(
    text: str, code: int, tmp_path: Path
) -> None:
    assert _code(tmp_path, "readiness", "INFO sentinel", text, "sentinel") == code


def test_a_probe_logs_in_as_probe_on_the_port_of_its_kind(tmp_path: Path) -> None:
    for kind, port in (("server", "6379"), ("sentinel", "26379")):
        pod = Pod(tmp_path / kind, kind=kind)
        pod.answer("localhost", "PING", "PONG")
        pod.run("probe.sh", "liveness")
        arguments = (pod.folder / "fake" / "argv").read_text()
        assert f"-p {port} --user probe --tls" in arguments


def test_a_probe_that_does_not_exist_fails(tmp_path: Path) -> None:
    result = Pod(tmp_path / "pod").run("probe.sh", "health")
    assert (result.code, "usage" in result.log) == (1, True)


def test_an_agent_that_turns_is_alive_and_one_that_hangs_is_not(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod")
    assert pod.run("probe.sh", "agent").code == 1
    alive = pod.folder / "run" / "agent.alive"
    alive.touch()
    assert pod.run("probe.sh", "agent").code == 0
    assert pod.run("probe.sh", "agent").code == 1
    later = time.time() + 10
    os.utime(alive, (later, later))
    assert pod.run("probe.sh", "agent").code == 0
