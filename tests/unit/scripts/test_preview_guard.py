from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.verify.result import ExitCode
from scripts.preview_guard import main
from tests.unit.verify.aws_plans import GROUP, document, step

PROJECT = Path(__file__).resolve().parents[3]
PLANS = PROJECT / "tests" / "unit" / "verify" / "plans"
STORE = "urn:pulumi:test::holdfast::holdfast:index:LocalSessionStore::store"


def plan(name: str) -> str:
    return str(PLANS / f"{name}.json")


def test_a_plan_that_harms_nothing_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([plan("unchanged")]) is ExitCode.PASS
    assert capsys.readouterr().out.startswith("passed")


def test_a_plan_that_harms_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([plan("app")]) is ExitCode.CHECK_FAILED
    assert "app agent -&gt; other" not in (out := capsys.readouterr().out)
    assert "app agent -> other" in out


def test_an_accepted_change_passes() -> None:
    assert main([plan("app"), "--allow", STORE]) is ExitCode.PASS


def test_a_plan_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input = io.TextIOWrapper(io.BytesIO(Path(plan("app")).read_bytes()))
    monkeypatch.setattr("sys.stdin", standard_input)
    assert main([]) is ExitCode.CHECK_FAILED


def test_the_summary_goes_to_a_file_beside_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    assert main([plan("app"), "--markdown", str(summary), "--json"]) is ExitCode.CHECK_FAILED
    assert summary.read_text().startswith("### Preview guard of `holdfast/test`")
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_the_summary_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([plan("app"), "--markdown"]) is ExitCode.CHECK_FAILED
    assert capsys.readouterr().out.startswith("### Preview guard")


def test_changes_that_wait_pass_where_somebody_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = tmp_path / "plan.json"
    waiting.write_text(document(step("update", GROUP, nodeType="cache.r7g.xlarge")))
    assert main([str(waiting)]) is ExitCode.CHECK_FAILED
    assert "--accept-waiting" in capsys.readouterr().out
    assert main([str(waiting), "--accept-waiting"]) is ExitCode.PASS
    assert "note: replication group store: nodeType" in capsys.readouterr().out


def test_what_is_no_plan_is_wrong_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "plan.txt"
    text.write_text("Previewing update (local)\n")
    assert main([str(text)]) is ExitCode.USAGE
    assert "got 'Previewing update (local)'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["missing.json"], [plan("unchanged"), "--connection", "missing.json"]]
)
def test_a_file_that_is_not_there_is_wrong_input(arguments: list[str]) -> None:
    assert main(arguments) is ExitCode.USAGE


def test_a_summary_that_cannot_be_written_is_wrong_input(tmp_path: Path) -> None:
    summary = str(tmp_path / "no" / "folder.md")
    assert main([plan("unchanged"), "--markdown", summary]) is ExitCode.USAGE


def test_a_failed_preview_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([plan("base-port")]) is ExitCode.USAGE
    assert "a preview that failed" in capsys.readouterr().err


@pytest.mark.parametrize("script", ["preview_guard.py", "size.py"])
def test_the_command_runs_as_a_program(script: str) -> None:
    done = subprocess.run(
        [sys.executable, str(PROJECT / "scripts" / script), "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "exit codes" in done.stdout
