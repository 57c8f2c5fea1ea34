"""Every rule, and the page about them: ``python -m policy.catalogue``."""

from __future__ import annotations

import sys
from typing import Final

from policy import aws_network, aws_operations, aws_store, aws_users, cluster_pods, cluster_servers
from policy.rule import Rule

_MODULES: Final = (
    aws_store,
    aws_users,
    aws_network,
    aws_operations,
    cluster_servers,
    cluster_pods,
)


def _place(rule: Rule) -> tuple[bool, int]:
    return rule.id.startswith("K"), int(rule.id[1:])


RULES: Final[tuple[Rule, ...]] = tuple(
    sorted((rule for module in _MODULES for rule in module.RULES), key=_place)
)


def markdown_table() -> str:
    """The rules as the documentation shows them."""
    lines = [
        "| rule | policy | what has to hold | level | where | from |",
        "|---|---|---|---|---|---|",
    ]
    for rule in RULES:
        where = "production" if rule.production else "everywhere"
        cells = (rule.id, f"`{rule.name}`", rule.title, rule.level.value, where, rule.source or "-")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown_table())
