from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from holdfast.sizing import Workload, size
from holdfast.verify.result import ExitCode
from scripts.size import main

PROJECT = Path(__file__).resolve().parents[3]


def test_the_report_says_what_the_model_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--sessions", "10000", "--message-bytes", "600"]) is ExitCode.PASS
    need = size(Workload(10_000, message_bytes=600))
    out = capsys.readouterr().out
    assert f"{need.session_bytes:,} bytes" in out
    assert f"holdfast:sessionBytes {need.session_bytes}" in out
    assert "not due" in out


def test_json_holds_the_inputs_and_the_needs(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--sessions", "10", "--history", "timeline", "--json"]
    assert main([*arguments, "--turns-per-second", "8000"]) is ExitCode.PASS
    document = json.loads(capsys.readouterr().out)
    assert document["workload"]["history"] == "timeline"
    assert document["needs"]["cluster_due"] is True
    assert document["needs"]["primaries"] == 3
    assert "fit" not in document


def test_the_nodes_on_aws_and_their_cost_are_said_with_date_and_source(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["--sessions", "20000", "--message-bytes", "600"]
    assert main(arguments) is ExitCode.PASS
    out = capsys.readouterr().out
    assert "3 x cache.t4g.medium: about $114 a month" in out
    assert "read 2026-10-02" in out
    assert main([*arguments, "--json"]) is ExitCode.PASS
    document = json.loads(capsys.readouterr().out)
    assert document["aws"]["node_type"] == "cache.t4g.medium"
    assert (document["aws"]["shards"], document["aws"]["nodes"]) == (1, 3)
    assert round(document["aws"]["monthly_dollars"]) == 114
    # 0.71 GB at $0.084 a GB and hour.
    assert round(document["serverless"]["monthly_dollars"]) == 44
    assert "us-east-1" in document["prices"]


def test_a_server_that_is_too_small_fails(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--sessions", "10000", "--maxmemory"]
    assert main([*arguments, "512mb"]) is ExitCode.CHECK_FAILED
    assert "512mb is too small" in capsys.readouterr().out
    assert main([*arguments, "2gb"]) is ExitCode.PASS
    assert "2gb is enough" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sessions", "0"], "sessions: got 0, need a whole number from 1"),
        (["--sessions", "10", "--headroom", "nan"], "headroom: got nan"),
        (["--sessions", "10", "--maxmemory", "much"], "--maxmemory: got 'much'"),
        (["--sessions", "10", "--maxmemory", "0"], "--maxmemory: got '0'"),
        (["--sessions", "1000000000"], "divide the sessions over several stores"),
    ],
)
def test_a_wrong_argument_is_named(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) is ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_without_sessions_there_is_nothing_to_size() -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == ExitCode.USAGE


def test_the_worked_example_of_the_page_is_what_the_command_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (PROJECT / "docs" / "sizing.md").read_text()
    command = next(line for line in page.splitlines() if line.startswith("$ scripts/size.py "))
    main(shlex.split(command.removeprefix("$ scripts/size.py ")))
    assert f"```\n{capsys.readouterr().out}```" in page
