from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from holdfast.connection import Address, Connection
from holdfast.verify.catalogue import CHECKS
from holdfast.verify.cli import main
from tests.unit.verify.fakes import SECRET, connection

PROJECT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _no_connection_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDFAST_CONNECTION", raising=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "nothing"],
        ["--timeout-seconds", "0"],
        ["--timeout-seconds", "soon"],
        ["--stack", "a", "--connection", "b"],
        ["--unknown"],
    ],
)
def test_wrong_arguments_end_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""


def test_no_store_named_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("smoke: connection: got 'nothing', need --stack NAME")


def test_a_document_of_a_newer_version_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "connection.json"
    file.write_text(connection().to_json().replace('"version":1', '"version":99'))
    assert main(["--connection", str(file)]) == 2
    captured = capsys.readouterr()
    assert "got 99, need at most 1" in captured.err
    assert SECRET not in captured.out + captured.err


def test_a_junit_file_that_cannot_be_written_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "missing" / "report.xml"
    assert main(["--connection", str(tmp_path / "x"), "--junit", str(bad)]) == 2
    assert "--junit" in capsys.readouterr().err


def test_the_list_names_every_check_and_needs_no_store(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CHECKS)
    assert main(["--list", "--only", "store"]) == 0
    only = capsys.readouterr().out.splitlines()
    assert only
    assert all(line.startswith("store ") for line in only)


@pytest.fixture
def dead_store(tmp_path: Path) -> Iterator[Path]:
    """A connection to a port where nobody listens, held so that nobody begins to."""
    file = tmp_path / "connection.json"
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        document = json.loads(connection().to_json())
        document["primary"] = str(Address("127.0.0.1", held.getsockname()[1]))
        file.write_text(Connection.from_json(json.dumps(document)).to_json())
        yield file


def test_a_store_that_does_not_answer_ends_with_3(
    dead_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junit = tmp_path / "report.xml"
    assert main(["--connection", str(dead_store), "--json", "--junit", str(junit)]) == 3
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["ok"] is False
    assert [check["group"] for check in document["checks"]] == ["connect"]
    assert "no connection" in document["checks"][0]["error"]
    assert "no connection" in captured.err
    root = ET.fromstring(junit.read_text())  # noqa: S314 - what was just written
    assert root.get("failures") == "1"
    assert SECRET not in captured.out + captured.err + junit.read_text()


def test_a_store_on_aws_that_does_not_answer_is_to_be_checked_from_inside(
    dead_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(dead_store.read_text()) | {"target": "aws"}
    dead_store.write_text(json.dumps(document))
    assert main(["--connection", str(dead_store)]) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "pulumi config set holdfast:verifier true, then pulumi up" in said


def test_the_script_is_the_same_command(dead_store: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROJECT / "scripts" / "smoke.py"), "--connection", str(dead_store)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 3, done.stderr
    assert "FAIL the store answers" in done.stdout
    assert SECRET not in done.stdout + done.stderr
