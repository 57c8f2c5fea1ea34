"""Which suites `make test` runs, and what it says about the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolchain.servers import MATRIX, ServerInstall
from toolchain.test import SUITES, plan, server_list

CLI = "the Pulumi CLI"
SERVERS = {f"{engine} {version}": "no mirror" for engine, version in MATRIX}


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    """All suites, aws without a test in it."""
    for suite in SUITES:
        (tmp_path / suite).mkdir()
        (tmp_path / suite / "helpers.py").touch()
        if suite != "aws":
            (tmp_path / suite / "test_x.py").touch()
    return tmp_path


def test_every_suite_with_tests_runs_in_order(suites: Path) -> None:
    runs, left_out = plan(suites, {})
    assert runs == ["unit", "policy", "local", "cluster", "apps"]
    assert left_out == {"aws": "no tests yet"}


@pytest.mark.parametrize("missing", [{CLI: "no network"}, SERVERS])
def test_suites_that_need_what_cannot_be_had_are_left_out_with_a_reason(
    suites: Path, missing: dict[str, str]
) -> None:
    runs, left_out = plan(suites, missing)
    assert runs == ["unit", "policy", "cluster"]
    assert "Pulumi CLI and a server" in left_out["local"]


def test_one_missing_server_of_the_matrix_keeps_no_suite_from_running(suites: Path) -> None:
    runs, _ = plan(suites, {"redis 7.0.15": "no mirror"})
    assert "local" in runs


def test_the_tests_are_told_engine_version_and_path_of_each_server() -> None:
    found = [
        ServerInstall(Path("/v/valkey-server"), Path("/v/valkey-cli"), "9.1.2", "valkey", "PATH"),
        ServerInstall(Path("/r/redis-server"), Path("/r/redis-cli"), "7.0.15", "redis", "PATH"),
    ]
    assert server_list(found) == "9.1.2=/v/valkey-server,redis-7.0.15=/r/redis-server"
