"""What of a plan for AWS no single property shows: users that come and go, changes that wait.

Pure functions over steps; plan_guard makes findings of what they yield.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from holdfast.verify.plan import Step
from holdfast.verify.plan_rules import Harm, value_at
from holdfast.verify.plan_table_aws import GROUP, PARAMETERS, USER, USER_GROUP_TYPE
from holdfast.verify.protections import UNKNOWN, present

_PARAMETERS: Final = "parameterGroupName"
_WAITING: Final = (
    "nodeType",
    "engineVersion",
    _PARAMETERS,
    "userGroupIds",
    "transitEncryptionMode",
    "automaticFailoverEnabled",
    "clusterMode",
)
"""Changes of a replication group that AWS makes in the maintenance window unless it is told to make
them at once (ModifyReplicationGroup, ApplyImmediately; what may be pending stands in
ReplicationGroupPendingModifiedValues; pulumi-aws 2039)."""

_ROLLED: Final = frozenset({"nodeType", "engineVersion"})
"""Those that replace every node, the primary last and by a failover."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Something about a step.

    Attributes:
        step: the step.
        harm: why it is refused; None for a note.
        what: in words.
    """

    step: Step
    harm: Harm | None
    what: str


def look(steps: Sequence[Step], *, waiting: bool = False) -> Iterator[Seen]:
    """What is to be said about the steps for AWS.

    Args:
        steps: of a plan.
        waiting: a person accepts changes that wait for the maintenance window.
    """
    yield from _users(steps)
    for step in steps:
        if step.type == GROUP and step.op == "update":
            yield from _waits(step, waiting=waiting)
            yield from _outlived(step, steps)


def _users(steps: Sequence[Step]) -> Iterator[Seen]:
    users = [step for step in steps if step.type == USER]
    come = [step for step in users if step.op in ("create", "replace")]
    go = [step for step in users if step.op in ("delete", "replace") and not step.retained]
    groups = [step for step in steps if step.type == USER_GROUP_TYPE and step.op == "update"]
    for group in groups:
        added, removed = _members(group)
        if (added and removed) or (come and go):
            yield Seen(
                group,
                Harm.USERS,
                f"user group {group.name}: users are added and removed in one update: the provider "
                "may lose what is added (terraform-provider-aws 49945); add first, remove with the "
                "next update",
            )
    for step in go:
        if step.op == "replace":
            reasons = ", ".join(step.replaced_by) or "the engine gives no reason"
            yield Seen(
                step,
                Harm.USERS,
                f"user {step.name} is replaced ({reasons}): it is removed while it is a member of "
                "its group, and whoever logs in as it is cut off; add another, move, remove this",
            )
        else:
            yield Seen(step, None, f"user {step.name} goes: nobody can log in as it any more")


def _members(group: Step) -> tuple[set[str], set[str]]:
    """Who comes into a user group and who leaves it."""
    before, after = (_ids(inputs.get("userIds")) for inputs in (group.old, group.new))
    return after - before, before - after


def _ids(value: object) -> set[str]:
    return {str(item) for item in value} if isinstance(value, list) else set()


def _waits(step: Step, *, waiting: bool) -> Iterator[Seen]:
    at_once = step.new.get("applyImmediately") is True
    window = step.new.get("maintenanceWindow") or "of AWS's choice"
    for name in _WAITING:
        old, new = value_at(step.old, (name,)), value_at(step.new, (name,))
        if old == new or not present(old) or not present(new):
            continue
        change = f"replication group {step.name}: {name} {_shown(old)} -> {_shown(new)}"
        if not at_once:
            what = (
                f"{change} waits for the maintenance window ({window}): the update ends, and the "
                "store stays as it is until then"
            )
            yield Seen(step, None if waiting else Harm.WAITS, what)
        elif name in _ROLLED:
            what = f"{change} is made at once: every node is replaced, the primary by a failover"
            yield Seen(step, None, what)


def _outlived(group: Step, steps: Sequence[Step]) -> Iterator[Seen]:
    """A parameter group that goes while the store still has it: nobody can accept that wait."""
    if group.new.get("applyImmediately") is True:
        return
    if value_at(group.old, (_PARAMETERS,)) == value_at(group.new, (_PARAMETERS,)):
        return
    for step in steps:
        if step.type == PARAMETERS and step.op in ("replace", "delete") and not step.retained:
            what = (
                f"parameter group {step.name} is deleted, and the store has it until the "
                "maintenance window: AWS refuses, and the update ends in an error; a new major "
                "version is made at once (holdfast:applyImmediately true)"
            )
            yield Seen(step, Harm.WAITS, what)


def _shown(value: object) -> str:
    if value == UNKNOWN or isinstance(value, list | dict):
        return "(not shown)"
    return str(value)
