"""The policy pack and the preview guard on a store on AWS, through the real engine.

Emulation: the stand-in plugin over moto on this machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.verify.plan import parse_plan
from holdfast.verify.plan_guard import Verdict, judge
from holdfast.verify.plan_rules import Harm
from tests.aws.standin_project import ENGINE_SECONDS, REGION, environment
from tests.engine import PROJECT, Engine, Run
from tests.standin.aws.emulator import Emulator
from tests.standin.aws.install import is_standin


def run(engine: Engine, *arguments: str) -> Run:
    return engine.run(*arguments, deadline_seconds=ENGINE_SECONDS)


def planned(engine: Engine, **changes: str) -> Verdict:
    for name, value in changes.items():
        engine.set_config(name, value)
    try:
        return judge(parse_plan(run(engine, "preview", "--json").stdout))
    finally:
        for name in changes:
            run(engine, "config", "rm", name)


@pytest.mark.whole
@pytest.mark.timeout(900)
def test_an_emulated_store_holds_to_the_policies_and_its_changes_to_the_guard(
    emulator: Emulator, tmp_path: Path
) -> None:
    engine = Engine.of_checkout(tmp_path)
    engine.use_aws(environment(emulator.endpoint_url))
    if not is_standin(engine.plugin):
        pytest.skip("the official plugin is here: nothing stands in for it")
    engine.set_config("target", "aws")
    engine.set_config("region", REGION)
    engine.set_config("engineVersion", "9.1")
    engine.set_config("preset", "dev")
    run(engine, "config", "set", "--path", "holdfast:alarmEmails[0]", "on-call@example.com")

    first = run(engine, "preview", "--policy-pack", str(PROJECT / "policy"))
    assert "holdfast@v" in first.stdout
    assert "[mandatory]" not in first.stdout
    assert "[advisory]" not in first.stdout

    run(engine, "up", "--yes", "--skip-preview")
    try:
        assert planned(engine).ok
        at_once = planned(engine, nodeType="cache.m7g.large")
        assert at_once.ok
        assert any("is made at once" in note for note in at_once.notes)
        assert at_once.cost is not None
        waiting = planned(engine, nodeType="cache.m7g.large", applyImmediately="false")
        assert {finding.harm for finding in waiting.refused} == {Harm.WAITS}
        lowered = planned(engine, engineVersion="8.1")
        assert Harm.REPLACE in {finding.harm for finding in lowered.refused}
        gone = run(engine, "destroy", "--preview-only", "--json").stdout
        harms = [finding.harm for finding in judge(parse_plan(gone)).refused]
        assert sorted(harms) == sorted([Harm.ACCESS, Harm.DELETE, Harm.DELETE])
    finally:
        run(engine, "destroy", "--yes", "--skip-preview")
