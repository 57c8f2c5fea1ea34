"""The roles as a page of the documentation: ``python -m holdfast.roles_table``."""

from __future__ import annotations

import sys

from holdfast.roles import ADAPTATIONS, RULES, Adaptation, Place, Role, Rule


def markdown_table() -> str:
    """The rules as the documentation shows them."""
    lines: list[str] = []
    for place, rules in RULES.items():
        lines += [
            f"### On a {place if place is Place.SERVER else place.capitalize()}",
            "",
            "| role | what for | commands | keys | channels |",
            "|---|---|---|---|---|",
        ]
        lines += [_row(role, rule) for role, rule in rules.items()]
        lines.append("")
    lines += [
        "### Where targets differ",
        "",
        "| where | roles | change | why |",
        "|---|---|---|---|",
    ]
    lines += [_difference(adaptation) for adaptation in ADAPTATIONS]
    return "\n".join(lines) + "\n"


def _row(role: Role, rule: Rule) -> str:
    if rule.unlimited:
        return f"| `{role}` | {rule.purpose} | all | all | all |"
    commands = _code(rule.commands)
    keys = _code(rule.keys)
    for selector in rule.selectors:
        commands += f"; only on {_code(selector.keys)}: {_code(selector.commands)}"
    return f"| `{role}` | {rule.purpose} | {commands} | {keys} | {_code(rule.channels)} |"


def _difference(adaptation: Adaptation) -> str:
    engine = adaptation.engine or "every engine"
    where = [engine if adaptation.place is Place.SERVER else f"Sentinel, {engine}"]
    if adaptation.since > (0,):
        where.append("from " + ".".join(map(str, adaptation.since)))
    if adaptation.before is not None:
        where.append("before " + ".".join(map(str, adaptation.before)))
    if adaptation.cluster is not None:
        where.append("cluster" if adaptation.cluster else "no cluster")
    change = [f"+ {_code(adaptation.add)}"] if adaptation.add else []
    change += [f"- {_code(adaptation.drop)}"] if adaptation.drop else []
    roles = ", ".join(f"`{role}`" for role in adaptation.roles)
    return f"| {', '.join(where)} | {roles} | {'; '.join(change)} | {adaptation.reason} |"


def _code(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word.replace('|', chr(92) + '|')}`" for word in words) or "-"


if __name__ == "__main__":
    sys.stdout.write(markdown_table())
