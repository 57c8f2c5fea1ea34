"""The pack as the real engine loads it, over stacks that a provider only echoes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policy.catalogue import RULES
from policy.rule import Level, Resource
from tests.engine import PROJECT, Engine
from tests.policy.cases import BAD, GOOD, METRICS, SERVERLESS_METRICS, alarms, changed, good

PACK = PROJECT / "policy"
ECHO = PROJECT / "tests" / "policy" / "echo" / "pulumi-resource-echo"
PACKAGES = ("aws", "kubernetes")
PROGRAM = """
import json
from pathlib import Path

import pulumi

for number, (kind, props) in enumerate(json.loads(Path("stack.json").read_text())):
    pulumi.CustomResource(kind, f"it-{number}", props)
pulumi.export("preset", "prod")
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path, PROGRAM)
    for package in PACKAGES:
        name = f"pulumi-resource-{package}"
        plugin = Path(
            made.environment["PULUMI_HOME"], "plugins", f"resource-{package}-v0.0.1", name
        )
        plugin.parent.mkdir(parents=True)
        plugin.symlink_to(ECHO)
    return made


def plan(engine: Engine, *resources: Resource) -> None:
    stack = [(resource.type, resource.props) for resource in resources]
    (engine.project / "stack.json").write_text(json.dumps(stack))


def test_every_rule_refuses_a_bad_stack_in_the_engine(engine: Engine) -> None:
    plan(engine, *(one for bad in BAD for one in (changed(bad), *bad.beside)))
    run = engine.run("preview", "--policy-pack", str(PACK), fails=True)
    assert "holdfast@v0.1.0" in run.stdout
    # Alarms are looked for in the whole stack, and others bring them: the next test asks alone.
    for rule in RULES:
        if rule.name != "aws-alarms":
            assert f"[{rule.level}]  {rule.name}" in run.stdout, rule.name
    assert "hunter2" not in run.shown
    assert "can't run policy" not in run.stdout


def test_advice_alone_lets_a_preview_pass_and_is_said(engine: Engine) -> None:
    advised = [bad for bad in BAD if bad.rule == "aws-alarms"]
    plan(engine, *(changed(bad) for bad in advised))
    run = engine.run("preview", "--policy-pack", str(PACK))
    assert f"[{Level.ADVISORY}]  aws-alarms" in run.stdout
    assert "[mandatory]" not in run.stdout


def test_a_good_stack_passes_in_the_engine(engine: Engine) -> None:
    serverless = alarms(*SERVERLESS_METRICS, clusterId="shop-prod")
    plan(engine, *(good(kind) for kind in GOOD), *alarms(*METRICS), *serverless)
    run = engine.run("preview", "--policy-pack", str(PACK))
    assert "[advisory]" not in run.stdout
    assert "[mandatory]" not in run.stdout
    assert "holdfast@v0.1.0" in run.stdout
