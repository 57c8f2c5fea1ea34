"""Smoke against real servers: it passes where all is well, leaves nothing, and ends as it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from holdfast.connection import Connection
from holdfast.roles import APPLICATION_ROLES, Role
from holdfast.verify.catalogue import CHECKS
from holdfast.verify.cli import main
from holdfast.verify.record import Kind, read_records
from holdfast.verify.result import Outcome, Report
from holdfast.verify.runner import verify
from tests.records import strict
from tests.servers import (
    Install,
    Servers,
    start_cluster,
    start_sentinel,
    start_standalone,
    wait_until,
)

PROJECT = Path(__file__).parents[2]
# So slow to give up on anybody that a machine that stalls makes nothing fail over.
start_calm_sentinel = partial(start_sentinel, down_after_ms=60_000)
STARTERS: dict[str, Callable[..., AbstractContextManager[Servers]]] = {
    "standalone": start_standalone,
    "sentinel": start_calm_sentinel,
    "cluster": start_cluster,
}
NOT_CHECKED = {"standalone": 4, "sentinel": 1, "cluster": 2}


def _matrix() -> list[str]:
    """The labels of HOLDFAST_TEST_SERVERS, or one that stands for the newest server."""
    text = os.environ.get("HOLDFAST_TEST_SERVERS", "")
    return [entry.partition("=")[0].strip() for entry in text.split(",") if entry] or ["newest"]


@pytest.fixture(scope="module", params=_matrix())
def install(request: pytest.FixtureRequest, server_installs: list[Install]) -> Install:
    label = request.param
    if label == "newest":
        return server_installs[0]
    return next(i for i in server_installs if label in (i.version, f"{i.engine}-{i.version}"))


@pytest.fixture(scope="module", params=sorted(STARTERS))
def servers(
    request: pytest.FixtureRequest, install: Install, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    with STARTERS[request.param](install, tmp_path_factory.mktemp(request.param)) as started:
        yield started


@pytest.fixture(scope="module")
def single(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A server of this module alone: it counts keys."""
    with start_standalone(server_install, tmp_path_factory.mktemp("single")) as started:
        yield started


@pytest.fixture(scope="module")
def group(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Primary, replicas and Sentinels of this module alone."""
    with start_calm_sentinel(server_install, tmp_path_factory.mktemp("group")) as started:
        yield started


def keys_left(servers: Servers) -> int:
    return sum(int(servers.call(node.name, "DBSIZE")) for node in servers.servers)


def failures(report: Report) -> list[tuple[str, str | None]]:
    return [(r.check, r.error) for r in report.checks if r.outcome is Outcome.FAIL]


def command(file: Path, *arguments: str) -> list[str]:
    smoke = str(PROJECT / "scripts" / "smoke.py")
    return [sys.executable, smoke, "--connection", str(file), *arguments]


@pytest.fixture
def document(single: Servers, tmp_path: Path) -> Path:
    file = tmp_path / "connection.json"
    file.write_text(single.connection.to_json())
    return file


def test_a_sound_store_passes_every_check_twice_in_less_than_5_seconds(servers: Servers) -> None:
    durations_ms = []
    for run in range(2):
        report = verify(servers.connection, CHECKS)
        assert failures(report) == []
        assert report.ok
        unnumbered = run == 1 and servers.install.engine == "redis"
        expected = NOT_CHECKED[servers.topology.value]
        assert report.counts[Outcome.NOT_CHECKED] in {expected, expected + unnumbered}
        durations_ms.append(report.duration_ms)
        assert wait_until("replicas to drop the keys too", lambda: keys_left(servers) == 0)
    # The better one: the machine may have other work, too.
    assert min(durations_ms) < (5000 if strict() else 30_000)


def test_two_runs_at_once_do_not_disturb_each_other(group: Servers, tmp_path: Path) -> None:
    file = tmp_path / "connection.json"
    file.write_text(group.connection.to_json())
    running = [subprocess.Popen(command(file), stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in running:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, out


def test_every_check_of_the_catalogue_is_made_on_some_topology(
    single: Servers, group: Servers, server_install: Install, tmp_path: Path
) -> None:
    made: set[str] = set()
    with start_cluster(server_install, tmp_path, replicas_per_primary=0) as cluster:
        for servers in (single, group, cluster):
            report = verify(servers.connection, CHECKS)
            made |= {r.check for r in report.checks if r.outcome is Outcome.PASS}
    assert made == {c.name for c in CHECKS} | {"every key that this run wrote is gone"}


@pytest.mark.parametrize("role", APPLICATION_ROLES)
def test_with_one_role_what_it_cannot_look_at_is_not_checked(group: Servers, role: Role) -> None:
    report = verify(group.connection.for_role(role), CHECKS)
    assert failures(report) == []
    own = next(r for r in report.checks if r.check.startswith(f"{role} can do"))
    assert own.outcome is Outcome.PASS
    reasons = {r.details for r in report.checks if r.outcome is Outcome.NOT_CHECKED}
    others = [r for r in APPLICATION_ROLES if r is not role]
    assert {f"the connection holds no {other} role" for other in others} <= reasons
    wait_until("replicas to drop the keys too", lambda: keys_left(group) == 0)


def test_the_report_reads_at_80_columns_and_keeps_secrets(document: Path, single: Servers) -> None:
    done = subprocess.run(
        command(document, "--verbose"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "\033[" not in done.stdout
    for group in ("patterns", "store", "security", "cleanup"):
        assert group in lines
    assert lines[-1].startswith("holds: ")
    for user in single.connection.users.values():
        assert user.password is not None
        assert user.password not in done.stdout + done.stderr


def test_json_and_junit_tell_the_same(document: Path, tmp_path: Path) -> None:
    junit = tmp_path / "report.xml"
    done = subprocess.run(
        command(document, "--json", "--junit", str(junit), "--only", "store"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert {check["group"] for check in report["checks"]} == {"store", "cleanup"}
    root = ET.fromstring(junit.read_text())  # noqa: S314 - what was just written
    names = [case.get("name") for case in root.iter("testcase")]
    assert names == [check["check"] for check in report["checks"]]


def test_the_environment_names_the_store_too(single: Servers) -> None:
    done = subprocess.run(
        [sys.executable, str(PROJECT / "scripts" / "smoke.py"), "--only", "patterns"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOLDFAST_CONNECTION": single.connection.to_json()},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_a_whole_run_showed_is_kept_and_a_part_is_not(group: Servers, tmp_path: Path) -> None:
    file, kept = tmp_path / "connection.json", tmp_path / "runs.jsonl"
    file.write_text(group.connection.to_json())
    arguments = ["--connection", str(file), "--record", str(kept), "--where", "a test"]
    assert main([*arguments, "--only", "patterns"]) == 0
    assert not kept.exists()
    assert main(arguments) == 0
    (found,) = read_records(kept)
    assert (found.kind, found.ok, found.where) == (Kind.SMOKE, True, "a test")
    assert found.figures["failed_checks"].max == 0 < found.figures["passed"].min


def test_a_wrong_password_is_no_connection(single: Servers, tmp_path: Path) -> None:
    document = json.loads(single.connection.to_json())
    for user in document["users"].values():
        user["password"] = "not-the-password"
    file = tmp_path / "connection.json"
    file.write_text(Connection.from_json(json.dumps(document)).to_json())
    done = subprocess.run(command(file), capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "refuses the login" in done.stderr
    assert "not-the-password" not in done.stdout + done.stderr


def held_in_the_middle(single: Servers, document: Path) -> subprocess.Popen[str]:
    """A run that has written, and cannot end because the server takes no writes for a while."""
    node = single.servers[0].name
    for _ in range(5):
        running = subprocess.Popen(
            command(document), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            wait_until(
                "the run to write",
                lambda: keys_left(single) > 0 or running.poll() is not None,  # noqa: B023 - now
            )
            single.call(node, "CLIENT", "PAUSE", 10_000, "WRITE")
            # Without keys, it has removed them or has yet to write: this hold came too late.
            if running.poll() is None and keys_left(single) > 0:
                return running
        except BaseException:
            running.kill()
            raise
        single.call(node, "CLIENT", "UNPAUSE")
        running.communicate(timeout=60)
    pytest.fail("every run ended before it could be held")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle_it_removes_its_keys(
    single: Servers, document: Path, number: signal.Signals
) -> None:
    node = single.servers[0].name
    running = held_in_the_middle(single, document)
    try:
        running.send_signal(number)
        assert running.stderr is not None
        said = running.stderr.readline() + running.stderr.readline()
        assert "stopping and removing the keys of this run" in said
        single.call(node, "CLIENT", "UNPAUSE")
        out, _ = running.communicate(timeout=30)
    finally:
        single.call(node, "CLIENT", "UNPAUSE")
        running.kill()
    assert running.returncode == 130
    assert "interrupted" in out.splitlines()[-1]
    assert "ok   every key that this run wrote is gone" in out
    assert keys_left(single) == 0
