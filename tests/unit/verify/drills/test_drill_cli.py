"""The command line of drills: what it refuses before anything is sent."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from holdfast.verify.drills.catalogue import DRILLS, select
from holdfast.verify.drills.choice import group_folder
from holdfast.verify.drills.cli import main, refuse_production, render
from holdfast.verify.drills.result import DrillResult, Figures, to_json
from holdfast.verify.drills.stage import Facts
from holdfast.verify.result import ExitCode
from tests.unit.verify.fakes import connection

FIGURES = Figures(6.1, 6.0, 100, 50, 2, 0, 0, 1, 0, 0, 0, 0)
RESULT = DrillResult("kill-primary", (), FIGURES, "all agree", ((1.0, "kill"),), 20.0)


def test_the_list_names_every_drill(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == ExitCode.PASS
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()] == [drill.name for drill in DRILLS]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["kill-primary", "--all"],
        ["--writers", "0", "--all"],
        ["--repeat", "0", "--all"],
        ["--repeat", "many", "--all"],
    ],
)
def test_unclear_arguments_are_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == ExitCode.USAGE


def test_an_unknown_drill_shows_those_that_are_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kill-primry"]) == ExitCode.USAGE
    assert "did you mean kill-primary or" in capsys.readouterr().err


def test_drills_are_selected_in_the_order_given_and_once() -> None:
    names = ["lost-replies", "kill-primary", "lost-replies"]
    assert [drill.name for drill in select(names)] == ["lost-replies", "kill-primary"]


@pytest.mark.parametrize("preset", ["prod", None, "unheard-of"])
def test_production_is_not_hurt_by_mistake(preset: str | None) -> None:
    with pytest.raises(ConfigError, match="--i-know"):
        refuse_production(preset, known=False)
    refuse_production(preset, known=True)


@pytest.mark.parametrize("preset", ["dev", "staging"])
def test_other_stacks_may_be_drilled(preset: str) -> None:
    refuse_production(preset, known=False)


def test_a_connection_file_does_not_say_that_it_is_not_production(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "connection.json"
    file.write_text(connection().to_json())
    assert main(["kill-primary", "--connection", str(file)]) == ExitCode.USAGE
    assert "--i-know" in capsys.readouterr().err


def test_the_folder_is_where_the_connection_files_are(tmp_path: Path) -> None:
    outputs = {"connection_files": {"svc": str(tmp_path / "connection-svc.json")}}
    assert group_folder(None, outputs) == tmp_path
    (tmp_path / "server-0").mkdir()
    (tmp_path / "server-0" / "process.json").write_text("{}")
    assert group_folder(str(tmp_path / "any.json"), {}) == tmp_path


def test_a_file_that_lies_elsewhere_names_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="use --stack"):
        group_folder(str(tmp_path / "connection.json"), {})


def test_the_bounds_follow_the_down_after_of_the_store() -> None:
    facts = Facts(down_after_seconds=5, min_replicas=1, max_lag_seconds=3, coordinated=True)
    bounds = {drill.name: drill.bounds(facts) for drill in DRILLS}
    assert bounds["kill-primary"].resume_seconds == 6.5
    assert bounds["freeze-primary"].resume_seconds == 7.5
    assert bounds["kill-primary"].lost_seconds == 4.5
    assert bounds["planned-failover"].pause_seconds == 1.2
    assert bounds["planned-failover"].lost_seconds == 0
    older = replace(facts, coordinated=False)
    assert select(["planned-failover"])[0].bounds(older).pause_seconds == pytest.approx(1.3)


def test_a_result_is_one_line_with_its_figures() -> None:
    assert render(RESULT, verbose=False) == (
        "ok   kill-primary           resumed after 6.10 s, acknowledged 100 (50 confirmed), "
        "lost 2 (0), duplicates 0"
    )
    failed = DrillResult("kill-primary", ("too late",), FIGURES, "", (), 20.0)
    assert "FAIL" in render(failed, verbose=False)
    assert "- too late" in render(failed, verbose=False)
    assert "1.00 s  kill" in render(RESULT, verbose=True)


def test_the_json_is_one_object_that_says_whether_all_held() -> None:
    found = json.loads(to_json("local store", [RESULT]))
    assert found["ok"]
    assert found["drills"][0]["figures"]["resumed_after_seconds"] == 6.1
    assert not json.loads(to_json("local store", []))["ok"]
