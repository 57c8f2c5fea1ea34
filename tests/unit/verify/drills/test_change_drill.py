"""``drill --while``: a command that changes the store while writers are at work."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from holdfast.connection import Address, Connection, Topology
from holdfast.errors import StoreUnavailable
from holdfast.verify.drills import cli, runner
from holdfast.verify.drills.catalogue import DRILLS, Drill, change_drill, possible
from holdfast.verify.drills.cli import main
from holdfast.verify.drills.judge import Bounds
from holdfast.verify.drills.means import Action, Means, Process
from holdfast.verify.drills.result import DrillResult
from holdfast.verify.drills.runner import run_drills
from holdfast.verify.drills.stage import Facts, Stage
from holdfast.verify.ledger import Placement
from holdfast.verify.result import ExitCode
from tests.unit.verify.fakes import connection

FACTS = Facts(down_after_seconds=5, min_replicas=1, max_lag_seconds=3, coordinated=True)
BEFORE = connection(topology=Topology.SENTINEL)
AFTER = connection(topology=Topology.SENTINEL)


@dataclass
class FakeMeans:
    """Runs nothing, and has another Connection afterwards."""

    now: Callable[[], Connection] = lambda: AFTER
    calls: list[str] = field(default_factory=list)

    def actions(self) -> frozenset[Action]:
        return frozenset()

    def supervised(self) -> bool:
        return False

    def prepare(self, needed: frozenset[Action]) -> None:
        self.calls.append("prepare")

    def processes(self) -> Sequence[Process]:
        return ()

    def run(self, command: Sequence[str]) -> None:
        self.calls.append(f"run {list(command)}")

    def connection(self) -> Connection:
        self.calls.append("connection")
        return self.now()

    def put_back(self) -> None:
        self.calls.append("put back")

    def left_behind(self) -> Sequence[str]:
        return ()


class FakeLedger:
    """Writers that always write."""

    entries = ()

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def start(self) -> None: ...

    def close(self) -> None: ...

    def stop(self) -> bool:
        return True

    def behind(self, since: float) -> tuple[str, ...]:
        return ()

    def read(self) -> Placement:
        return Placement(1, 0, 1, (), (), (), 0, 0, 0, 0, (), (), 0)


class FakeCleanup:
    def __init__(self, *_: object) -> None: ...

    def run(self) -> str:
        return "nothing was there"


class FakeLease:
    def __init__(self, store: Connection) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@dataclass
class Rehearsal:
    """Runs a drill on a store that nobody runs."""

    looked: list[Connection] = field(default_factory=list)

    def run(self, drill: Drill, means: FakeMeans) -> DrillResult:
        (result,) = run_drills(BEFORE, cast("Means", means), [drill])
        return result

    def agree(self, store: Connection, *_: object, **__: object) -> tuple[str, str]:
        self.looked.append(store)
        return "all agree", ""


@pytest.fixture
def rehearsal(monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    found = Rehearsal()
    monkeypatch.setattr(runner, "agree", found.agree)
    monkeypatch.setattr(runner, "read_facts", lambda _: FACTS)
    monkeypatch.setattr(runner, "Ledger", FakeLedger)
    monkeypatch.setattr(runner, "DrillLease", FakeLease)
    monkeypatch.setattr(runner, "Cleanup", FakeCleanup)
    monkeypatch.setattr(runner, "WARM_UP_SECONDS", 0.0)
    return found


def drill(run: Callable[[Stage], None] = lambda _: None, *, changing: bool) -> Drill:
    return Drill("a-drill", "nothing", run, lambda _: Bounds(), changing=changing)


def test_after_a_change_the_store_is_looked_at_as_it_is_then(rehearsal: Rehearsal) -> None:
    means = FakeMeans()
    result = rehearsal.run(drill(changing=True), means)
    first, last = rehearsal.looked
    assert first is BEFORE
    assert last is AFTER
    assert means.calls == ["prepare", "put back", "connection"]
    assert result.failures == ()


def test_other_drills_do_not_ask_for_another_connection(rehearsal: Rehearsal) -> None:
    means = FakeMeans()
    rehearsal.run(drill(changing=False), means)
    assert rehearsal.looked[-1] is BEFORE
    assert "connection" not in means.calls


def test_a_connection_that_cannot_be_read_again_is_a_failure_and_the_rest_is_still_done(
    rehearsal: Rehearsal,
) -> None:
    def gone() -> Connection:
        raise StoreUnavailable("no such output")

    result = rehearsal.run(drill(changing=True), FakeMeans(gone))
    assert result.failures == ("connection: StoreUnavailable: no such output",)
    assert rehearsal.looked[-1] is BEFORE
    assert result.figures is not None


def test_a_command_that_fails_is_a_failure_and_all_is_put_back(rehearsal: Rehearsal) -> None:
    def fail(stage: Stage) -> None:
        raise StoreUnavailable("it broke")

    means = FakeMeans()
    result = rehearsal.run(drill(fail, changing=True), means)
    assert result.failures == ("StoreUnavailable: it broke",)
    assert means.calls == ["prepare", "put back", "connection"]


def test_the_change_runs_its_command_with_writers_before_and_after(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.verify.drills.stage.WARM_UP_SECONDS", 0.0)
    means = FakeMeans()
    result = rehearsal.run(change_drill(["pulumi", "up", "--yes"]), means)
    assert means.calls[1] == "run ['pulumi', 'up', '--yes']"
    events = [what for _, what in result.events]
    assert events[1:3] == ["run pulumi up --yes", "it is done"]
    assert events.count("every writer writes") == 2


def test_a_change_needs_nothing_of_the_target_and_may_lose_nothing() -> None:
    found = change_drill(["make", "up"])
    assert found.changing
    assert found.needs == frozenset()
    assert "make up" in found.shows
    bounds = found.bounds(FACTS)
    assert bounds.lost_seconds == 0
    assert bounds.pause_seconds == 2.0


def test_no_drill_of_the_catalogue_has_the_name_of_a_change() -> None:
    assert change_drill(["x"]).name not in {one.name for one in DRILLS}


def test_a_target_that_can_do_all_is_put_through_every_drill_in_order() -> None:
    assert possible(frozenset(Action)) == DRILLS


def test_a_target_that_can_do_nothing_is_put_through_what_needs_nothing() -> None:
    assert {one.name for one in possible(frozenset())} == {"planned-failover", "lost-replies"}


@pytest.mark.parametrize("missing", list(Action))
def test_a_drill_is_possible_only_with_all_that_it_needs(missing: Action) -> None:
    left = set(DRILLS) - set(possible(frozenset(Action) - {missing}))
    assert left
    assert all(missing in one.needs for one in left)


@dataclass
class Desk:
    """The command line, on a store of preset dev whose drills are not run."""

    chosen: list[Drill] = field(default_factory=list)

    def run(
        self, store: Connection, means: Means, drills: Sequence[Drill], **_: object
    ) -> tuple[DrillResult, ...]:
        self.chosen += drills
        return ()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    found = Desk()
    monkeypatch.setattr(cli, "resolve", lambda **_: BEFORE)
    monkeypatch.setattr(cli, "plain_outputs", lambda _: {"preset": "dev"})
    monkeypatch.setattr(cli, "means_of", lambda *_: FakeMeans())
    monkeypatch.setattr(cli, "run_drills", found.run)
    return found


def test_while_runs_its_command_as_a_shell_would_split_it(desk: Desk) -> None:
    assert main(["--stack", "dev", "--while", "make up ARGS='a b'"]) == ExitCode.PASS
    (found,) = desk.chosen
    assert found.name == "change"
    assert cast("Any", found.run).keywords == {"command": ["make", "up", "ARGS=a b"]}


@pytest.mark.parametrize("more", [["--all"], ["kill-primary"], ["kill-primary", "--all"]])
def test_while_goes_with_no_other_drill(
    desk: Desk, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--stack", "dev", "--while", "true", *more])
    assert ended.value.code == ExitCode.USAGE
    assert "--all, or --while" in capsys.readouterr().err
    assert desk.chosen == []


@pytest.mark.parametrize("command", ["", "  ", "make 'up"])
def test_a_command_that_is_none_is_a_usage_error_before_anything_is_hurt(
    desk: Desk, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--stack", "dev", "--while", command]) == ExitCode.USAGE
    assert "--while" in capsys.readouterr().err
    assert desk.chosen == []


def test_a_command_for_nodes_that_cannot_be_split_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host = Address("store-sentinel-0.agents.svc.cluster.local", 26379)
    store = cast("Connection", argparse.Namespace(target="kubernetes", sentinels=(host,)))
    monkeypatch.setattr(cli, "resolve", lambda **_: store)
    monkeypatch.setattr("holdfast.cluster.via.open_api", lambda _: None)
    words = ["--all", "--i-know", "--node-command", "switch 'node"]
    assert main(words) == ExitCode.USAGE
    assert "--node-command" in capsys.readouterr().err


def test_while_is_not_run_on_production_by_mistake(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "plain_outputs", lambda _: {"preset": "prod"})
    assert main(["--stack", "prod", "--while", "true"]) == ExitCode.USAGE
    assert "--i-know" in capsys.readouterr().err
    assert desk.chosen == []


def test_a_change_is_repeated_as_often_as_any_drill(desk: Desk, tmp_path: Path) -> None:
    main(["--stack", "dev", "--while", "true", "--repeat", "3"])
    assert len(desk.chosen) == 3
