from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.errors import ConfigError
from holdfast.verify.plan import Plan, parse_plan
from holdfast.verify.plan_guard import judge
from holdfast.verify.plan_report import to_json, to_markdown, to_text
from holdfast.verify.plan_table import HOLDERS

PLANS = Path(__file__).parent / "plans"
URN = "urn:pulumi:test::holdfast::holdfast:index:LocalSessionStore$%s::name"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
STATES = st.fixed_dictionaries(
    {},
    optional={
        "inputs": VALUES
        | st.fixed_dictionaries(
            {},
            optional={
                "kind": VALUES,
                "keepData": VALUES,
                "app": VALUES,
                "acl": VALUES,
                "directives": st.dictionaries(
                    st.sampled_from(["maxmemory", "appendonly", "tls-replication", "port"]), VALUES
                ),
                "spec": VALUES,
                "metadata": VALUES,
            },
        ),
        "retainOnDelete": VALUES,
    },
)
STEPS = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["same", "create", "update", "replace", "delete", "melt"]) | VALUES,
        "urn": st.sampled_from([URN % kind for kind in HOLDERS]) | st.text(),
        "oldState": STATES | VALUES,
        "newState": STATES | VALUES,
        "replaceReasons": st.lists(st.text()) | VALUES,
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "steps": st.lists(STEPS, max_size=4) | VALUES,
        "changeSummary": VALUES,
        "diagnostics": st.lists(
            st.fixed_dictionaries({"severity": st.sampled_from(["error", "info"]) | VALUES}),
            max_size=2,
        )
        | VALUES,
    },
)


@given(DOCUMENTS | VALUES)
@example({"steps": [{"op": "update", "urn": URN % "holdfast:index:ServerProcess"}]})
def test_any_json_is_judged_or_refused_as_no_plan(document: Any) -> None:  # noqa: ANN401 - any JSON value
    judge_or_refuse(json.dumps(document))


@given(st.text() | st.binary())
@example("[" * 100_000)
@example(b"\xff\xfe{}")
def test_any_text_is_judged_or_refused_as_no_plan(text: str | bytes) -> None:
    judge_or_refuse(text)


@given(st.sampled_from(sorted(PLANS.glob("*.json"))), st.data())
def test_a_recorded_plan_that_was_cut_short_is_refused(path: Path, data: st.DataObject) -> None:
    text = path.read_text().strip()
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(ConfigError, match="preview: got"):
        parse_plan(text[:cut])


def judge_or_refuse(text: str | bytes) -> None:
    try:
        plan = parse_plan(text)
    except ConfigError:
        return
    verdict = judge(plan, used_bytes=1)
    for report in (to_text, to_markdown, to_json):
        assert report(verdict)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "'nothing'"),
        ("  \n", "'nothing'"),
        ("Previewing update (local):\n  + create", r"'Previewing update \(local\):'"),
        ('{"steps": [', "'broken JSON'"),
        ("[]", "'a JSON list'"),
        ("3", "'a JSON number'"),
        ('"text"', "'a JSON text'"),
        ("{}", "'an object with no keys'"),
        ('{"version": 3, "deployment": {}}', "'an object with deployment, version'"),
        ('{"steps": {}}', "'steps as a JSON object'"),
        ('{"steps": [1]}', r"'steps\[0\] as a JSON number'"),
        ('{"steps": [{"op": "same"}]}', r"steps\[0\] without an operation or a URN"),
        ('{"sequence": 1, "timestamp": 2}\n{"sequence": 2}', "a log of engine events"),
        ('{"sequence": 1, "timestamp": 2}', "'an engine event'"),
    ],
)
def test_what_is_no_plan_is_named(text: str, found: str) -> None:
    with pytest.raises(ConfigError, match=f"^preview: got .*{found}"):
        parse_plan(text)


def test_a_preview_that_failed_is_no_plan_and_says_why() -> None:
    with pytest.raises(ConfigError, match=r"a preview that failed \(.*store-server-0.*port: got"):
        parse_plan((PLANS / "base-port.json").read_text())


@pytest.mark.parametrize(
    "said",
    [
        {"severity": "error", "message": "error: preview failed"},
        # As the kit's own language host tells of a program that ended.
        {"severity": "info#err", "message": "error: holdfast:replicas: got 0, need 1 to 5\n"},
    ],
)
def test_a_program_that_ended_leaves_no_plan(said: dict[str, str]) -> None:
    document = {"steps": [], "changeSummary": {"same": 1}, "diagnostics": [said]}
    with pytest.raises(ConfigError, match=r"a preview that failed \("):
        parse_plan(json.dumps(document))


def test_what_a_program_writes_to_its_standard_error_does_not_matter() -> None:
    said = {"severity": "info#err", "message": "no error: all is well"}
    assert parse_plan(json.dumps({"steps": [], "diagnostics": [said]})) == Plan(())


def test_a_plan_without_steps_is_a_plan() -> None:
    assert parse_plan('{"changeSummary": {}}') == Plan(())
    assert Plan(()).stack == ""


def test_a_step_knows_its_type_without_its_parents() -> None:
    plan = parse_plan((PLANS / "maxmemory-lowered.json").read_text())
    assert plan.stack == "holdfast/test"
    step = next(step for step in plan.steps if step.op == "update")
    assert (step.type, step.name) == ("holdfast:index:ServerProcess", "store-server-0")
    assert step.old["directives"]["maxmemory"] != step.new["directives"]["maxmemory"]


def test_no_recorded_plan_names_a_machine_or_holds_a_secret() -> None:
    recorded = sorted(PLANS.glob("*.json"))
    assert len(recorded) >= 15
    for path in recorded:
        text = path.read_text()
        for word in ("/tmp", "/home", "/root", "BEGIN", '"password":', "ciphertext"):
            assert word not in text, f"{path.name} holds {word}"
