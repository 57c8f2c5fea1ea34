"""Generated tables in the documentation say what the code says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from components.aws.alarm_docs import markdown_tables as alarm_tables
from config.settings import settings_table
from holdfast.roles_table import markdown_table
from holdfast.sizing_table import markdown_tables
from holdfast.verify.proof.page import page as proof_page
from holdfast.verify.record import read_records
from policy.catalogue import markdown_table as policy_table

PROJECT = Path(__file__).resolve().parents[2]
MARKER = "<!-- generated -->\n"
RUNS = PROJECT / "docs" / "proof" / "runs.jsonl"


def proof_tables() -> str:
    return proof_page(read_records(RUNS))


@pytest.mark.parametrize(
    ("page", "generate", "command"),
    [
        ("docs/security.md", markdown_table, "python -m holdfast.roles_table"),
        ("docs/alarms.md", alarm_tables, "python -m components.aws.alarm_docs"),
        ("docs/policy.md", policy_table, "python -m policy.catalogue"),
        ("docs/settings.md", settings_table, "python -m config.settings"),
        ("docs/sizing.md", markdown_tables, "python -m holdfast.sizing_table"),
        (
            "docs/proof.md",
            proof_tables,
            "python -m holdfast.verify.proof docs/proof/runs.jsonl",
        ),
    ],
)
def test_a_generated_table_is_current(page: str, generate: Callable[[], str], command: str) -> None:
    _, marker, table = (PROJECT / page).read_text().partition(MARKER)
    assert marker, f"{page} has lost the line {MARKER.strip()}"
    assert table.strip() == generate().strip(), f"print it again with {command}"


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in (PROJECT / "README.md", *(PROJECT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
