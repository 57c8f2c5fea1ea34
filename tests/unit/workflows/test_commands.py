"""The commands of the workflows, with programs in place of Pulumi and GitHub's client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.verify.aws_plans import GROUP, document, step, urn

PROJECT = Path(__file__).resolve().parents[3]
COMMANDS = PROJECT / ".github"

PULUMI = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
*--json*) cat "$PLAN"; exit "$PLAN_CODE" ;;
*) cat "$POLICIES"; exit "$POLICY_CODE" ;;
esac
"""
GH = """#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
for word; do
  case "$word" in body=@*) cat "${word#body=@}" >"$WRITTEN" ;; esac
done
case "$*" in *--paginate*) cat "$FOUND" ;; esac
"""
POLICIES = """Previewing update (prod):
 +  aws:kms:Key store create
Policies:
    \u274c holdfast@v0.1.0 (local: policy)
        - [mandatory]  aws-tls-required  (aws:elasticache/replicationGroup: store)

Diagnostics:
  aws:kms:Key (store):
    error: preview failed
"""


class Fakes:
    """Programs on a PATH of their own, and what was asked of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.written = folder / "written"
        self.summary = folder / "summary.md"
        programs = folder / "bin"
        programs.mkdir()
        for name, text in (("pulumi", PULUMI), ("gh", GH)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.calls.touch()
        self.environment = {
            "PATH": os.pathsep.join(
                [str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "CALLS": str(self.calls),
            "WRITTEN": str(self.written),
            "PLAN": self.file("plan", document(step("same", GROUP))),
            "POLICIES": self.file("policies", "Previewing update (prod):\n"),
            "PLAN_CODE": "0",
            "POLICY_CODE": "0",
            "FOUND": self.file("found", ""),
            "GITHUB_REPOSITORY": "shop/store",
            "PULL_REQUEST": "7",
        }

    def file(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def run(self, command: str, *arguments: str) -> int:
        done = subprocess.run(
            [str(COMMANDS / command), *arguments],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        self.shown = done.stdout + done.stderr
        return done.returncode

    def plan(self) -> int:
        return self.run("plan", "prod", str(self.summary))


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    return Fakes(tmp_path)


def test_a_plan_that_nothing_refuses_passes_and_is_told(fakes: Fakes, tmp_path: Path) -> None:
    fakes.environment["GITHUB_STEP_SUMMARY"] = str(tmp_path / "steps")
    assert fakes.plan() == 0, fakes.shown
    summary = fakes.summary.read_text()
    assert "nothing that holds sessions is harmed" in summary.replace("\\", "")
    assert "### Policies: passed" in summary
    assert "| store | $384 (3 x cache.r7g.large)" in summary
    assert (tmp_path / "steps").read_text() == summary
    policies, plan = fakes.calls.read_text().splitlines()
    assert "--policy-pack policy" in policies
    assert "--policy-pack" not in plan


def test_a_plan_that_the_guard_refuses_fails_and_says_why(fakes: Fakes) -> None:
    fakes.environment["PLAN"] = fakes.file("plan", document(step("delete", GROUP)))
    assert fakes.plan() != 0
    assert "deletes sessions" in fakes.summary.read_text()
    fakes.environment["ALLOW"] = urn(GROUP)
    assert fakes.plan() == 0, fakes.shown


def test_a_change_that_waits_passes_where_somebody_said_so(fakes: Fakes) -> None:
    waiting = document(step("update", GROUP, nodeType="cache.r7g.xlarge"))
    fakes.environment["PLAN"] = fakes.file("plan", waiting)
    fakes.environment["ACCEPT_WAITING"] = "false"
    assert fakes.plan() != 0
    fakes.environment["ACCEPT_WAITING"] = "true"
    assert fakes.plan() == 0, fakes.shown


def test_a_plan_that_policies_refuse_fails_and_names_them(fakes: Fakes) -> None:
    fakes.environment["POLICIES"] = fakes.file("policies", POLICIES)
    fakes.environment["POLICY_CODE"] = "1"
    assert fakes.plan() != 0
    summary = fakes.summary.read_text()
    assert "### Policies: not passed" in summary
    assert "            - [mandatory]  aws-tls-required" in summary
    assert "preview failed" not in summary


def test_a_program_that_fails_leaves_a_summary_that_says_so(fakes: Fakes) -> None:
    failed = json.dumps({"steps": [], "diagnostics": [{"severity": "error", "message": "no"}]})
    fakes.environment["PLAN"] = fakes.file("plan", failed)
    assert fakes.plan() != 0
    assert "no plan to judge" in fakes.summary.read_text()


def test_a_plan_of_a_preview_that_failed_does_not_pass_whatever_it_holds(fakes: Fakes) -> None:
    fakes.environment["PLAN_CODE"] = "1"
    assert fakes.plan() != 0


def test_the_first_comment_is_written_and_the_next_one_replaces_it(fakes: Fakes) -> None:
    text = fakes.file("text.md", "### A verdict\n")
    assert fakes.run("comment", "preview prod", text) == 0, fakes.shown
    assert "--method POST repos/shop/store/issues/7/comments" in fakes.calls.read_text()
    written = fakes.written.read_text()
    assert written == "<!-- holdfast: preview prod -->\n### A verdict\n"
    fakes.environment["FOUND"] = fakes.file("found", "11\n12\n")
    assert fakes.run("comment", "preview prod", text) == 0, fakes.shown
    assert "--method PATCH repos/shop/store/issues/comments/11 " in fakes.calls.read_text()


def test_only_comments_of_the_workflow_are_replaced(fakes: Fakes) -> None:
    fakes.run("comment", "preview prod", fakes.file("text.md", ""))
    asked = fakes.calls.read_text()
    assert '.user.login == "github-actions[bot]"' in asked
    assert "startswith(env.MARK)" in asked


def test_what_a_workflow_needs_is_put_on_its_path(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\necho "/$(echo "$2" | tr . -)/$#/program"\n')
    python.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [str(COMMANDS / "tools")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = done.stdout.splitlines()
    assert lines == ["/toolchain-pulumi_cli/2", "/toolchain-venv/4"]


@pytest.mark.parametrize("command", ["tools", "plan", "comment"])
def test_the_commands_hold_to_the_rules_of_the_shell(command: str) -> None:
    checker = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [str(checker), str(COMMANDS / command)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
