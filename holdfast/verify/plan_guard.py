"""Judges a plan by plan_table: pure, no engine and no store is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from holdfast.verify.plan import SECRET, Plan, Step
from holdfast.verify.plan_aws import look
from holdfast.verify.plan_cost import Cost, cost_of
from holdfast.verify.plan_rules import (
    Fixed,
    Harm,
    Holder,
    Kept,
    Noted,
    NotLower,
    Path,
    Rule,
    amount,
    value_at,
)
from holdfast.verify.plan_table import HOLDERS
from holdfast.verify.protections import UNKNOWN, present

_HARMLESS: Final = frozenset({"same", "create", "read", "refresh", "import"})
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """One change that harms, or may harm, what is stored.

    Attributes:
        urn: the resource.
        op: what would be done to it.
        harm: in which way.
        what: the change in words.
        accepted: a person accepted it by name.
    """

    urn: str
    op: str
    harm: Harm
    what: str
    accepted: bool = False

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.split("::", 3)[-1]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said about a plan.

    Attributes:
        stack: ``<project>/<stack>``.
        findings: refused and accepted changes, in the plan's order.
        notes: what a person should know although it passes.
        changes: how many resources change.
        unused: accepted URNs that no change has.
        cost: of the stores that are paid by node or by use; None where there are none.
    """

    stack: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    changes: int
    unused: tuple[str, ...] = ()
    cost: Cost | None = None

    @property
    def refused(self) -> tuple[Finding, ...]:
        """The findings that nobody accepted."""
        return tuple(finding for finding in self.findings if not finding.accepted)

    @property
    def ok(self) -> bool:
        """Whether the plan may be carried out."""
        return not self.refused


def judge(
    plan: Plan,
    *,
    used_bytes: int | None = None,
    allowed: Collection[str] = (),
    waiting: bool = False,
) -> Verdict:
    """Judge a plan.

    Args:
        plan: as the engine made it.
        used_bytes: memory that the fullest server of the running store uses, None if not known.
        allowed: URNs whose changes a person accepts.
        waiting: a person accepts changes that wait for a maintenance window.
    """
    findings: list[Finding] = []
    notes: list[str] = []
    for step in plan.steps:
        holder = HOLDERS.get(step.type)
        # What an update makes of a resource decides no less than what it was.
        if holder is None or step.op in _HARMLESS or not holder.only(step.old or step.new):
            continue
        for found in _judge(step, holder, used_bytes):
            if isinstance(found, str):
                notes.append(found)
                continue
            accepted = step.urn in allowed
            findings.append(Finding(step.urn, step.op, found[0], found[1], accepted))
    for seen in look(plan.steps, waiting=waiting):
        if seen.harm is None:
            notes.append(seen.what)
        else:
            accepted = seen.step.urn in allowed
            findings.append(Finding(seen.step.urn, seen.step.op, seen.harm, seen.what, accepted))
    changed = {step.urn for step in plan.steps if step.op not in ("same", "read", "refresh")}
    return Verdict(
        stack=plan.stack,
        findings=tuple(dict.fromkeys(findings)),
        notes=tuple(dict.fromkeys(notes)),
        changes=len(changed),
        unused=tuple(sorted(set(allowed) - {finding.urn for finding in findings})),
        cost=cost_of(plan),
    )


_Found = tuple[Harm, str] | str


def _judge(step: Step, holder: Holder, used_bytes: int | None) -> Iterator[_Found]:
    label = f"{holder.noun} {step.name}"
    match step.op:
        case "update":
            pass
        case "delete":
            yield from _gone(step, holder, label)
            return
        case "replace":
            yield from _replaced(step, holder, label)
        case _:
            # An operation that this kit does not know is not taken for a harmless one.
            yield (holder.harm or Harm.REPLACE), f"{label}: operation '{step.op}'"
            return
    for rule in holder.rules:
        yield from _apply(rule, step, label, used_bytes)


def _gone(step: Step, holder: Holder, label: str) -> Iterator[_Found]:
    if holder.harm is None:
        return
    if step.retained:
        yield f"{label} is no longer managed; it stays as it is (retainOnDelete)"
    elif holder.kept(step.old):
        yield f"{label} stops; its data is kept where it is"
    else:
        yield holder.harm, f"{label} is deleted with what it holds"


def _replaced(step: Step, holder: Holder, label: str) -> Iterator[_Found]:
    reasons = ", ".join(step.replaced_by) or "the engine gives no reason"
    if holder.harm is Harm.DELETE:
        kept = holder.kept(step.old)
        harm = Harm.EMPTY if kept else Harm.REPLACE
        fate = "the data stays where it was" if kept else "the old one goes with what it holds"
        yield harm, f"{label} is replaced by a new one ({reasons}); {fate}"
    elif holder.harm is not None:
        yield holder.harm, f"{label} is replaced ({reasons}); until then nothing guards the store"


def _apply(rule: Rule, step: Step, label: str, used_bytes: int | None) -> Iterator[_Found]:
    old, new = value_at(step.old, rule.path), value_at(step.new, rule.path)
    if old == new:
        return
    name = _words(rule.path)
    match rule:
        case Fixed():
            if old is None:
                return
            pair = (str(old), str(new))
            changed = f"{label}: {name} {_shown(old)} -> {_shown(new)}"
            if pair in rule.allowed:
                yield f"{changed}; the data is kept"
            else:
                yield Harm.EMPTY, f"{changed}; {rule.why}"
        case Kept():
            if rule.good(old) and not rule.good(new):
                yield rule.harm, f"{label}: {name}{_lost(rule, old, new)}"
        case Noted():
            if rule.good(old) and not rule.good(new):
                yield f"{label}: {name} {_shown(old)} -> {_shown(new)}; {rule.note}"
        case NotLower():
            yield from _lowered(rule, old, new, f"{label}: {name}", used_bytes)


def _lost(rule: Kept, old: object, new: object) -> str:
    if rule.shown:
        return f" {_shown(old)} -> {_shown(new)}"
    return f" no longer has {rule.wanted}" if rule.wanted and present(new) else " is removed"


def _lowered(
    rule: NotLower,
    old: object,
    new: object,
    label: str,
    used_bytes: int | None,
) -> Iterator[_Found]:
    before, after = amount(old), amount(new)
    change = f"{label} {_shown(old)} -> {_shown(new)}"
    if before is None:
        return
    if after is None:
        if new is not None:
            yield Harm.SHRINK, f"{change}; how much that is cannot be told"
    elif after < before and not rule.memory:
        yield Harm.SHRINK, change
    elif after < before:
        if used_bytes is None:
            yield f"{change}; give --connection to compare it with what is stored"
        elif after < used_bytes:
            yield Harm.SHRINK, f"{change}; {used_bytes} bytes are in use"
        else:
            yield f"{change}; {used_bytes} bytes are in use, it fits"


def _words(path: Path) -> str:
    return ".".join(str(step) for step in path).replace("directives.", "")


def _shown(value: object) -> str:
    if value is None:
        return "(none)"
    if value == UNKNOWN:
        return "(known after the update)"
    if value == SECRET or isinstance(value, dict | list):
        return "(not shown)"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
