"""The servers that the toolchain finds or unpacks are what they are said to be, and have TLS."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.servers import Install
from toolchain.servers import probe


@pytest.fixture
def found(server_installs: list[Install]) -> list[Install]:
    """Every server of the matrix."""
    return server_installs


def test_each_is_of_the_engine_and_version_it_is_said_to_be_and_has_tls(
    found: list[Install],
) -> None:
    for install in found:
        looked_at = probe(install.executable, "the matrix")
        assert looked_at.problem == ""
        assert looked_at.install.engine == install.engine
        assert looked_at.install.version == install.version


def test_each_has_a_client_that_speaks_tls(found: list[Install]) -> None:
    for install in found:
        client = probe(install.executable, "the matrix").install.cli
        shown = subprocess.run([client, "--help"], capture_output=True, text=True, check=False)
        assert "--cacert" in shown.stdout + shown.stderr


def test_a_server_runs_as_the_process_that_was_started(
    found: list[Install], tmp_path: Path
) -> None:
    for install in found:
        socket = tmp_path / "server.sock"
        argv = [str(install.executable), "--port", "0", "--unixsocket", str(socket)]
        argv += ["--dir", str(tmp_path), "--save", "", "--daemonize", "no"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            for line in server.stdout:
                if "eady to accept connections" in line:
                    break
            info = subprocess.run(
                [probe(install.executable, "").install.cli, "-s", socket, "info", "server"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            server.terminate()
            server.communicate(timeout=20)
        assert f"process_id:{server.pid}\r" in info.replace("\n", "\r")


def test_a_program_that_is_no_server_is_told_apart(tmp_path: Path) -> None:
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\necho something else\n")
    program.chmod(0o755)
    assert "does not run" in probe(program, "PATH").problem
