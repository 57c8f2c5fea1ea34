"""What ``pulumi preview --json`` says, read strictly: a plan is judged whole or not at all.

What judges plans (this module, plan_rules, plan_table, plan_guard) lives beside the other checks,
so that it runs wherever the package is installed: in CI without this checkout, on plans of any
program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from holdfast.errors import ConfigError

SECRET: Final = "[secret]"  # noqa: S105 - what the engine shows in place of one
_FIELD: Final = "preview"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_HOW: Final = "run `pulumi preview --json > plan.json` and pass that file"
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One resource and what would be done to it.

    Attributes:
        op: ``same``, ``create``, ``update``, ``replace``, ``delete`` ...
        urn: the resource.
        old: inputs as last applied; empty for a new resource.
        new: inputs to apply; empty where it goes.
        replaced_by: properties whose change forces a replacement.
        retained: whether the engine forgets it on deletion and leaves it alone.
    """

    op: str
    urn: str
    old: Mapping[str, Any] = field(default_factory=lambda: _NOTHING, repr=False)
    new: Mapping[str, Any] = field(default_factory=lambda: _NOTHING, repr=False)
    replaced_by: tuple[str, ...] = ()
    retained: bool = False

    @property
    def type(self) -> str:
        """The resource's type, without its parents'."""
        parts = self.urn.split("::")
        return parts[2].rpartition("$")[2] if len(parts) > 2 else ""  # noqa: PLR2004 - urn:pulumi:<stack>::<project>::<types>::<name>

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.split("::", 3)[-1]


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of one preview, in the engine's order."""

    steps: tuple[Step, ...]

    @property
    def stack(self) -> str:
        """``<project>/<stack>``, empty where the plan has no step."""
        for step in self.steps:
            stack, project, *_ = step.urn.removeprefix("urn:pulumi:").split("::")
            return f"{project}/{stack}"
        return ""


def parse_plan(text: str | bytes) -> Plan:
    """Read a preview.

    Raises:
        ConfigError: it is no preview, or one that the engine could not finish.
    """
    document = _load(text)
    if not isinstance(document, dict):
        raise _wrong(f"a JSON {_kind(document)}", "the object that `pulumi preview --json` prints")
    if "steps" not in document and {"sequence", "timestamp"} & document.keys():
        raise _wrong("an engine event", "a plan and not a log", _HOW + " without an event log")
    problems = [_message(item) for item in _list(document, "diagnostics") if _is_error(item)]
    if problems:
        # Steps after the error are missing: what is there must not be taken for the whole.
        raise _wrong(f"a preview that failed ({problems[0]})", "one that ran to its end", "mend it")
    if "steps" not in document and "changeSummary" not in document:
        keys = ", ".join(sorted(map(str, document))[:5]) or "no keys"
        raise _wrong(f"an object with {keys}", "one with steps and changeSummary")
    return Plan(tuple(_step(item, place) for place, item in enumerate(_list(document, "steps"))))


def _load(text: str | bytes) -> object:
    if not text.strip():
        raise _wrong("nothing", "the output of `pulumi preview --json`")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        # Plans may hold what was shown with --show-secrets; only the first letters are quoted
        # where they look like a message for people.
        line = text[:_SHOWN] if isinstance(text, str) else text[:_SHOWN].decode(errors="replace")
        found = "broken JSON" if line.lstrip().startswith(("{", "[")) else line.splitlines()[0]
        if _is_event_log(text):
            found = "a log of engine events, one a line"
        raise _wrong(found, f"JSON ({type(error).__name__})") from None


def _is_event_log(text: str | bytes) -> bool:
    first = text.strip().splitlines()[0]
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _step(item: object, place: int) -> Step:
    if not isinstance(item, dict):
        raise _wrong(f"steps[{place}] as a JSON {_kind(item)}", "objects as steps")
    op, urn = item.get("op"), item.get("urn")
    if not isinstance(op, str) or not isinstance(urn, str) or len(urn.split("::")) < 4:  # noqa: PLR2004 - as in Step.type
        raise _wrong(f"steps[{place}] without an operation or a URN", "both in every step")
    old, new = (_state(item, side, place) for side in ("oldState", "newState"))
    return Step(
        op=op,
        urn=urn,
        old=_inputs(old, place),
        new=_inputs(new, place),
        replaced_by=tuple(str(name) for name in _list(item, "replaceReasons")),
        retained=old.get("retainOnDelete") is True,
    )


def _state(item: Mapping[str, Any], side: str, place: int) -> Mapping[str, Any]:
    state = item.get(side)
    if state is None:
        return _NOTHING
    if not isinstance(state, dict):
        raise _wrong(f"steps[{place}].{side} as a JSON {_kind(state)}", "an object")
    return state


def _inputs(state: Mapping[str, Any], place: int) -> Mapping[str, Any]:
    inputs = state.get("inputs")
    if inputs is None:
        return _NOTHING
    if not isinstance(inputs, dict):
        raise _wrong(f"steps[{place}] with inputs as a JSON {_kind(inputs)}", "an object")
    return inputs


def _list(item: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = item.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _wrong(f"{name} as a JSON {_kind(value)}", "a list")
    return value


def _is_error(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    # What a program writes to its standard error is no error of the engine; but a language host
    # that tells of the program's end in this way leaves no other sign that steps are missing.
    ended = item.get("severity") == "info#err" and str(item.get("message")).startswith("error: ")
    return ended or item.get("severity") == "error"


def _message(item: Mapping[str, Any]) -> str:
    words = " ".join(str(item.get("message", "")).split())
    return words.removeprefix("error: ")


def _kind(value: object) -> str:
    names = {list: "list", str: "text", bool: "boolean", type(None): "null", dict: "object"}
    return names.get(type(value), "number")


def _wrong(found: str, rule: str, fix: str = _HOW) -> ConfigError:
    return ConfigError(_FIELD, found, rule, fix)
