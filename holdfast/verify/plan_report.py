"""A verdict on a plan, for a pull request, a terminal or a program."""

from __future__ import annotations

import json

from holdfast.verify.plan_cost import Cost, Price
from holdfast.verify.plan_guard import Finding, Verdict
from holdfast.verify.plan_rules import Harm
from holdfast.verify.result import count_of


def headline(verdict: Verdict) -> str:
    """The verdict in one line."""
    changes = count_of(verdict.changes, "resource") + (
        " changes" if verdict.changes == 1 else " change"
    )
    if verdict.refused:
        refused = count_of(len(verdict.refused), "change")
        return f"refused: {refused} would harm what is stored ({changes})"
    if verdict.findings:
        return f"passed, with {count_of(len(verdict.findings), 'accepted change')} ({changes})"
    return f"passed: nothing that holds sessions is harmed ({changes})"


def to_text(verdict: Verdict) -> str:
    """For a terminal."""
    lines = [headline(verdict)]
    for finding in verdict.findings:
        mark = "accepted" if finding.accepted else "REFUSED"
        lines += [f"  {mark} {finding.harm}: {finding.what}", f"    {finding.urn}"]
    lines += [f"  note: {note}" for note in _notes(verdict)]
    if verdict.cost is not None:
        lines.append(f"  cost a month: {_money_line(verdict.cost)} ({verdict.cost.note})")
    if verdict.refused:
        lines.append("  to accept a change: --allow '<its URN>'")
    if _waits(verdict):
        lines.append(f"  {_ABOUT_WAITING}")
    return "\n".join(_one_line(line) for line in lines) + "\n"


def to_markdown(verdict: Verdict) -> str:
    """For a comment on a pull request."""
    stack = f" of `{_code(verdict.stack)}`" if verdict.stack else ""
    lines = [f"### Preview guard{stack}", "", f"**{_cell(headline(verdict).capitalize())}**"]
    if verdict.findings:
        lines += ["", "| verdict | harm | change | resource |", "|---|---|---|---|"]
        lines += [_row(finding) for finding in verdict.findings]
    if verdict.notes or verdict.unused:
        lines += ["", *(f"- {_cell(note)}" for note in _notes(verdict))]
    if verdict.refused:
        lines += ["", "To accept one of them: `--allow '<resource>'` with its URN from the table."]
    if _waits(verdict):
        lines += ["", _ABOUT_WAITING]
    if verdict.cost is not None:
        lines += ["", *_cost_table(verdict.cost)]
    return "\n".join(lines) + "\n"


def to_json(verdict: Verdict) -> str:
    """For programs."""
    return json.dumps(
        {
            "ok": verdict.ok,
            "stack": verdict.stack,
            "changes": verdict.changes,
            "findings": [
                {
                    "urn": finding.urn,
                    "op": finding.op,
                    "harm": finding.harm.value,
                    "what": finding.what,
                    "accepted": finding.accepted,
                }
                for finding in verdict.findings
            ],
            "notes": list(_notes(verdict)),
            "monthly_dollars": None
            if verdict.cost is None
            else {"before": verdict.cost.before, "after": verdict.cost.after},
        },
        indent=2,
    )


_ABOUT_WAITING = (
    "To let changes wait for the maintenance window: --accept-waiting; to make them at once: "
    "holdfast:applyImmediately true"
)


def _waits(verdict: Verdict) -> bool:
    return any(finding.harm is Harm.WAITS for finding in verdict.refused)


def _cost_table(cost: Cost) -> list[str]:
    lines = ["| store | a month before | a month after |", "|---|---|---|"]
    lines += [
        f"| {_cell(store.name)} | {_priced(store.before)} | {_priced(store.after)} |"
        for store in cost.stores
    ]
    if len(cost.stores) > 1:
        lines.append(f"| together | {_dollars(cost.before)} | {_dollars(cost.after)} |")
    return [*lines, "", f"{_cell(cost.note[:1].upper() + cost.note[1:])}."]


def _money_line(cost: Cost) -> str:
    return f"{_dollars(cost.before)} before, {_dollars(cost.after)} after"


def _priced(price: Price | None) -> str:
    if price is None:
        return "-"
    limit = "at most " if price.at_most and price.dollars is not None else ""
    return f"{limit}{_dollars(price.dollars)} ({_cell(price.what)})"


def _dollars(amount: float | None) -> str:
    return "no price" if amount is None else f"${amount:,.0f}"


def _notes(verdict: Verdict) -> list[str]:
    unused = [f"--allow {urn} names no change that is refused" for urn in verdict.unused]
    return [*verdict.notes, *unused]


def _row(finding: Finding) -> str:
    mark = "accepted" if finding.accepted else "**refused**"
    return f"| {mark} | {finding.harm} | {_cell(finding.what)} | `{_code(finding.urn)}` |"


def _one_line(text: str) -> str:
    indent = len(text) - len(text.lstrip(" "))
    return " " * indent + " ".join(text.split())


def _cell(text: str) -> str:
    """Names come from programs: none may break out of the table or become markup."""
    flat = _one_line(text)
    for char in "\\`*_[]<>|":
        flat = flat.replace(char, f"\\{char}")
    return flat


def _code(text: str) -> str:
    """Inside a code span only these three could end the span or the cell."""
    return _one_line(text).replace("\\", "/").replace("`", "'").replace("|", "\\|")
