from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from holdfast.verify.plan_guard import Finding, Verdict
from holdfast.verify.plan_report import headline, to_json, to_markdown, to_text
from holdfast.verify.plan_rules import Harm

URN = "urn:pulumi:prod::shop::a:b:C::store"


def verdict(*findings: Finding, notes: tuple[str, ...] = ()) -> Verdict:
    return Verdict("shop/prod", findings, notes, changes=2)


def finding(what: str = "it goes", *, accepted: bool = False, urn: str = URN) -> Finding:
    return Finding(urn, "delete", Harm.DELETE, what, accepted)


def test_the_headline_says_what_follows() -> None:
    assert headline(verdict()).startswith("passed: nothing")
    assert headline(verdict(finding())).startswith("refused: 1 change would harm")
    assert headline(verdict(finding(accepted=True))).startswith("passed, with 1 accepted change")


def test_a_refusal_names_the_resource_and_the_way_out() -> None:
    for report in (to_text(verdict(finding())), to_markdown(verdict(finding()))):
        assert URN in report
        assert "--allow" in report
    assert "--allow" not in to_text(verdict(finding(accepted=True)))


def test_json_holds_everything() -> None:
    document = json.loads(to_json(verdict(finding(), notes=("look",))))
    assert document["ok"] is False
    assert document["findings"][0]["harm"] == "deletes sessions"
    assert document["notes"] == ["look"]


@given(st.text(), st.text())
def test_a_name_can_neither_break_the_table_nor_become_markup(what: str, name: str) -> None:
    found = finding(what, urn=f"urn:pulumi:prod::shop::a:b:C::{name}")
    report = to_markdown(verdict(found, notes=(what,)))
    rows = [line for line in report.split("\n") if line.startswith("|")]
    assert len(rows) == 3
    row = rows[2].replace("\\|", "")
    assert row.count("|") == 5
    assert row.replace("\\`", "").count("`") == 2
