"""Bad input to a local stack: a clear error, nothing changed, and the next ``up`` recovers."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.connection import Topology
from tests.engine import Run
from tests.local.stack import LocalStack, processes_in
from tests.servers import HOST, Install

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, server_install: Install
) -> Iterator[LocalStack]:
    """A standalone store that is up; no test changes it."""
    folder = tmp_path_factory.mktemp("running")
    stack = LocalStack.prepare(folder, Topology.STANDALONE, server_install)
    try:
        stack.up()
        yield stack
    finally:
        stack.engine.destroy()


@contextmanager
def listening(port: int) -> Iterator[None]:
    """Somebody else, this test, holds a port."""
    with socket.create_server((HOST, port)):
        yield


def refused(stack: LocalStack, settings: dict[str, str]) -> Run:
    """``preview`` and ``up`` with these settings on top; the stack's file is put back."""
    file = stack.engine.project / "config" / f"Pulumi.{stack.engine.stack}.yaml"
    before = file.read_text()
    for key, value in settings.items():
        stack.engine.set_config(key, value)
    try:
        stack.engine.preview(fails=True)
        return stack.engine.up(fails=True)
    finally:
        file.write_text(before)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"holdfast:replcas": "3"},
            ["holdfast:replcas: got '3'", "did you mean holdfast:replicas?"],
        ),
        (
            {"holdfast:sentinels": "4"},
            ["holdfast:sentinels: got 4, need 0 with topology standalone"],
        ),
        (
            {"holdfast:evictionPolicy": "allkeys-lru"},
            ["holdfast:evictionPolicy: got 'allkeys-lru'", "without a TTL"],
        ),
        (
            {"holdfast:cold": "postgres"},
            ["holdfast:cold: got 'postgres'", "not built yet"],
        ),
        (
            {"holdfast:target": "azure"},
            ["holdfast:target: got 'azure'", "need one of local, kubernetes, aws, existing"],
        ),
        ({"holdfast:basePort": "80"}, ["holdfast:basePort: got 80, need 1024 to "]),
        ({"holdfast:app": "No Spaces"}, ["holdfast:app: got 'No Spaces'"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_is_refused_and_changes_nothing(
    running: LocalStack, settings: dict[str, str], told: list[str]
) -> None:
    before = running.nodes()
    run = refused(running, settings)
    for text in told:
        assert text in run.shown
    assert "Traceback" not in run.shown
    assert running.nodes() == before


def test_an_even_number_of_sentinels_is_refused_before_anything_is_created(
    tmp_path: Path, server_install: Install
) -> None:
    stack = LocalStack.prepare(tmp_path, Topology.SENTINEL, server_install)
    run = refused(stack, {"holdfast:sentinels": "4"})
    assert "holdfast:sentinels: got 4, need an odd number" in run.shown
    assert stack.engine.resources() == []
    assert not stack.data_dir.exists()


def test_a_server_too_old_is_refused_and_the_running_one_stays(
    running: LocalStack, tmp_path: Path
) -> None:
    old = tmp_path / "valkey-server"
    old.write_text("#!/bin/sh\necho 'Valkey server v=7.1.0 sha=00000000:0'\n")
    old.chmod(0o755)
    before = running.nodes()
    run = refused(running, {"holdfast:serverPath": str(old)})
    assert f"valkey 7.1.0 at {old} (from holdfast:serverPath)" in run.shown
    assert "Valkey 7.2 or newer, or Redis 7.0 or newer" in run.shown
    assert running.nodes() == before


def test_after_every_refusal_the_next_up_finds_nothing_to_change(running: LocalStack) -> None:
    refused(running, {"holdfast:replcas": "3"})
    running.up_unchanged("--refresh")


def test_a_port_in_use_is_named_with_its_holder_and_up_recovers_once_it_is_free(
    tmp_path: Path, server_install: Install
) -> None:
    stack = LocalStack.prepare(tmp_path, Topology.STANDALONE, server_install)
    try:
        with listening(stack.base_port):
            run = stack.engine.up(fails=True)
            assert str(stack.base_port) in run.shown
            assert str(os.getpid()) in run.shown
            assert processes_in(stack.engine.project) == {}
        stack.up()
        assert stack.alive() == {"server-0"}
        stack.up_unchanged("--refresh")
    finally:
        stack.engine.destroy()


def test_an_up_that_failed_halfway_is_finished_by_the_next_one(
    tmp_path: Path, server_install: Install
) -> None:
    stack = LocalStack.prepare(tmp_path, Topology.SENTINEL, server_install)
    try:
        with listening(stack.port_of("server-2")):
            run = stack.engine.up(fails=True)
            assert str(stack.port_of("server-2")) in run.shown
        began = stack.nodes()
        assert "server-0" in stack.alive()
        stack.up()
        assert len(stack.alive()) == 6
        assert stack.nodes()["server-0"] == began["server-0"]
        stack.up_unchanged("--refresh")
    finally:
        stack.engine.destroy()


def test_a_data_folder_of_another_stack_is_refused_and_stays_whole(
    running: LocalStack, tmp_path: Path, server_install: Install
) -> None:
    other = LocalStack.prepare(tmp_path, Topology.STANDALONE, server_install)
    before = running.nodes()
    other.engine.run("stack", "init", "other")
    for key, value in {
        "topology": "standalone",
        "basePort": str(other.base_port),
        "dataDir": str(running.data_dir),
    }.items():
        other.engine.run("config", "set", "--stack", "other", key, value)
    try:
        run = other.engine.up("--stack", "other", fails=True)
        assert "holdfast/test" in run.shown
        assert "holdfast/other" in run.shown
    finally:
        other.engine.run("destroy", "--yes", "--skip-preview", "--stack", "other")
    assert running.nodes() == before
    assert running.alive() == {"server-0"}
    running.up_unchanged("--refresh")
