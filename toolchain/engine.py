"""Running `pulumi up` and `pulumi destroy`: what happens, told as it happens.

The CLI writes one JSON event a line; this keeps count, shows progress, prints what changes in a
stack that was there before, and every error and warning in full.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolchain import foreground
from toolchain.errors import EXIT_FAILED, EXIT_INTERRUPTED, ToolchainError
from toolchain.paths import PROJECT
from toolchain.progress import Task

QUIET_OPERATIONS = frozenset({"same", "read", "refresh"})
SHOWN = {"create": "+", "update": "~", "replace": "+-", "create-replacement": "+-", "delete": "-"}


@dataclass
class Report:
    """What an operation did so far.

    Attributes:
        changes: how many resources by operation, as the engine counts them in the end.
        steps: resources that were changed, in order: operation, kind, name.
        messages: errors and warnings, in order, colours taken out.
        detail: one line for the progress.
    """

    changes: Counter[str] = field(default_factory=Counter)
    steps: list[tuple[str, str, str]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    detail: str = ""

    def take(self, event: Mapping[str, Any]) -> None:
        """Take one event of the engine into account."""
        if "resOutputsEvent" in event:
            self._step(event["resOutputsEvent"]["metadata"])
        elif "resourcePreEvent" in event:
            metadata = event["resourcePreEvent"]["metadata"]
            self.detail = f"{metadata['op']} {_name(metadata['urn'])}"
        elif "diagnosticEvent" in event:
            self._diagnostic(event["diagnosticEvent"])
        elif "summaryEvent" in event:
            self.changes.update(event["summaryEvent"].get("resourceChanges") or {})

    @property
    def unchanged(self) -> bool:
        """Whether the operation changed nothing."""
        return not any(n for name, n in self.changes.items() if name not in QUIET_OPERATIONS)

    def summary(self) -> str:
        """What changed, in one line: "12 created, 1 updated"."""
        words = {"create": "created", "update": "updated", "delete": "deleted", "same": "unchanged"}
        counted = [f"{n} {words.get(op, op)}" for op, n in sorted(self.changes.items()) if n]
        return ", ".join(counted) or "nothing to do"

    def _step(self, metadata: Mapping[str, Any]) -> None:
        operation = metadata["op"]
        if operation in SHOWN:
            kind = str(metadata["type"]).rpartition(":")[2]
            self.steps.append((operation, kind, _name(metadata["urn"])))
        self.detail = f"{len(self.steps)} changed"

    def _diagnostic(self, event: Mapping[str, Any]) -> None:
        text = re.sub(r"<\{%.*?%\}>", "", event.get("prefix", "") + event["message"]).rstrip()
        if text and event["severity"] in ("error", "warning", "info#err"):
            self.messages.append(text)


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def operate(
    pulumi: Path, arguments: Sequence[str], env: Mapping[str, str], title: str, *, verbose: bool
) -> Report:
    """Run an operation of the CLI on the project to its end.

    Args:
        pulumi: the CLI.
        arguments: the operation and its flags; how to run it unattended is added.
        env: variables added to this process's own.
        title: of the progress line.
        verbose: whether each changed resource gets a line; messages always do.

    Raises:
        ToolchainError: it failed or was interrupted; its errors were printed.
    """
    report = Report()
    rest: list[str] = []
    flags = ["--yes", "--skip-preview", "--non-interactive", "--json", "--color=never"]
    with Task(title) as task:

        def on_line(line: str) -> None:
            try:
                event = json.loads(line)
            except ValueError:
                rest.append(line)
                return
            messages, steps = len(report.messages), len(report.steps)
            report.take(event if isinstance(event, dict) else {})
            for text in report.messages[messages:]:
                task.say(text)
            for operation, kind, name in report.steps[steps:] if verbose else ():
                task.say(f"  {SHOWN[operation]} {kind} {name}")
            task.detail = report.detail

        ended = foreground.run([pulumi, *arguments, *flags], env=env, cwd=PROJECT, on_line=on_line)
        if ended.interrupted:
            raise ToolchainError(
                f"{title}: interrupted; run it again and it goes on from here",
                exit_code=EXIT_INTERRUPTED,
            )
        if ended.code != 0:
            for line in rest:
                task.say(line)
            raise ToolchainError(
                f"{title}: failed with exit code {ended.code}"
                f"{', see above' if report.messages or rest else ''}",
                exit_code=EXIT_FAILED,
            )
    return report
