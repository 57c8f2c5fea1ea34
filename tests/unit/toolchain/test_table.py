"""The table that `make up` ends with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from toolchain.table import render


@pytest.fixture
def outputs(tmp_path: Path) -> dict[str, Any]:
    """Outputs of a Sentinel stack, with the monitor's file."""
    folder = tmp_path / ".holdfast" / "local"
    folder.mkdir(parents=True)
    connection = {
        "sentinels": ["127.0.0.1:7700", "127.0.0.1:7701"],
        "sentinel_service": "agent",
        "users": {"monitor": {"name": "monitor", "password": "not-to-be-shown"}},
    }
    file = folder / "connection-monitor.json"
    file.write_text(json.dumps(connection))
    return {
        "target": "local",
        "topology": "sentinel",
        "engine": "valkey 9.1.2",
        "endpoints": ["127.0.0.1:7700", "127.0.0.1:7701"],
        "app": "agent",
        "roles": ["svc", "monitor"],
        "connection_files": {
            "svc": str(folder / "connection-svc.json"),
            "monitor": str(file),
        },
        "ca_file": str(folder / "ca.pem"),
        "connection": "[secret]",
    }


def test_it_fits_a_terminal_and_shows_no_secret(outputs: dict[str, Any], tmp_path: Path) -> None:
    text = render(outputs, tmp_path)
    assert max(map(len, text.splitlines())) <= 80
    assert "not-to-be-shown" not in text
    assert "127.0.0.1:7700, 127.0.0.1:7701" in text
    assert "svc, monitor" in text
    assert 'holdfast.connect(".holdfast/local/connection-svc.json"' in text
    assert "make down" in text


def test_its_commands_put_the_password_into_the_environment_and_not_on_the_command_line(
    outputs: dict[str, Any], tmp_path: Path
) -> None:
    lines = render(outputs, tmp_path).splitlines()
    first = next(n for n, line in enumerate(lines) if "REDISCLI_AUTH" in line)
    last = next(n for n, line in enumerate(lines) if line.startswith("  cli -p 7700"))
    client = tmp_path / "valkey-cli"
    client.write_text('#!/bin/sh\necho "$REDISCLI_AUTH|$*"\n')
    client.chmod(0o755)
    script = "\n".join([f'PATH="{tmp_path}:$PATH"', *lines[first : last + 1]])
    printed = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert printed == (
        "not-to-be-shown|--tls --cacert .holdfast/local/ca.pem --user monitor -h 127.0.0.1 "
        "-p 7700 sentinel get-master-addr-by-name agent\n"
    )


def test_a_target_without_files_gets_no_commands_that_need_them(
    outputs: dict[str, Any], tmp_path: Path
) -> None:
    text = render(outputs | {"connection_files": {}, "ca_file": ""}, tmp_path)
    assert "valkey-cli" not in text
    assert "holdfast.connect" not in text
