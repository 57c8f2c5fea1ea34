"""What a check found, and what the whole run comes to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from holdfast.errors import HoldfastError, VerificationFailed

INTERRUPTED_REASON: Final = "interrupted before it ran to its end"


class ExitCode(IntEnum):
    """What a script's exit status says."""

    PASS = 0
    CHECK_FAILED = 1
    USAGE = 2
    """Wrong arguments, settings or Connection document; nothing was sent."""
    NO_CONNECTION = 3
    """The store did not answer, or refused the login; no check ran."""
    INTERRUPTED = 130


class Group(StrEnum):
    """The sections of a report, in their order."""

    CONNECT = "connect"
    PATTERNS = "patterns"
    STORE = "store"
    SECURITY = "security"
    CLEANUP = "cleanup"


class Outcome(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - the word for a check that held
    FAIL = "fail"
    NOT_CHECKED = "not-checked"


class NotChecked(HoldfastError):
    """Raised by a check that cannot be made here; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed check tells a person.

    Attributes:
        expected: what should hold.
        found: what does.
        fix: what to do.
    """

    expected: str
    found: str
    fix: str


class CheckFailed(VerificationFailed):
    """Raised by a check that does not hold."""

    def __init__(self, expected: str, found: str, fix: str) -> None:
        self.failure = Failure(expected, found, fix)
        super().__init__(f"expected {expected}; found {found}; {fix}")


def require(holds: bool, expected: str, found: object, fix: str) -> None:
    """Raise CheckFailed unless ``holds``."""
    if not holds:
        raise CheckFailed(expected, str(found), fix)


def count_of(number: int, noun: str) -> str:
    """``1 server``, ``2 servers``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's outcome.

    Attributes:
        group: the section it belongs to.
        check: its name, a phrase that says what should hold.
        outcome: pass, fail or not-checked.
        duration_ms: how long it took.
        details: what was seen; for not-checked the reason.
        failure: set where the outcome is fail.
        shown: details say something a person should read even when all is well.
    """

    group: Group
    check: str
    outcome: Outcome
    duration_ms: float
    details: str = ""
    failure: Failure | None = None
    shown: bool = False

    @property
    def error(self) -> str | None:
        """The failure in one line."""
        if self.failure is None:
            return None
        return f"expected {self.failure.expected}; found {self.failure.found}; {self.failure.fix}"


@dataclass(frozen=True, slots=True)
class Report:
    """Every result of a run, in the order of the catalogue."""

    target: str
    checks: tuple[CheckResult, ...]
    duration_ms: float
    interrupted: bool = False

    @classmethod
    def of_refusal(cls, target: str, failure: Failure) -> Report:
        """The report of a run that could not begin."""
        refused = CheckResult(
            Group.CONNECT, "the store answers", Outcome.FAIL, 0.0, failure=failure
        )
        return cls(target, (refused,), 0.0)

    @property
    def ok(self) -> bool:
        """True where something was checked and nothing failed."""
        counts = self.counts
        return not counts[Outcome.FAIL] and bool(counts[Outcome.PASS]) and not self.interrupted

    @property
    def counts(self) -> Counter[Outcome]:
        """How many checks ended in each way."""
        return Counter(result.outcome for result in self.checks)

    def by_group(self) -> Sequence[tuple[Group, Sequence[CheckResult]]]:
        """The results by section; empty sections are left out."""
        sections = ((group, [r for r in self.checks if r.group is group]) for group in Group)
        return [(group, results) for group, results in sections if results]

    def to_json(self) -> str:
        """One object: ``target``, ``ok``, ``checks``."""
        return json.dumps(
            {
                "target": self.target,
                "ok": self.ok,
                "checks": [
                    {
                        "group": result.group.value,
                        "check": result.check,
                        "outcome": result.outcome.value,
                        "duration_ms": round(result.duration_ms, 1),
                        "details": result.details,
                        "error": result.error,
                    }
                    for result in self.checks
                ],
            },
            indent=2,
        )
