"""The tables of docs/proof.md, from records and from what is to be shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from holdfast.connection import Topology
from holdfast.verify.proof.failures import FAILURES, Failure
from holdfast.verify.proof.promises import AWS, PROMISES, Promise, Run
from holdfast.verify.record import Kind, Record, Spread

NOT_SHOWN: Final = "**not shown**"
NOT_COVERED: Final = "**not covered yet**"
EMULATED: Final = "emulation"
"""Stands in the ``where`` of a record that an emulated service gave."""

_FIGURES: Final = (
    ("resumed_after_seconds", "resumed after", " s"),
    ("longest_pause_seconds", "longest pause", " s"),
    ("lost", "lost", ""),
    ("lost_confirmed", "lost though confirmed", ""),
    ("duplicates", "duplicates", ""),
    ("failed", "failed requests", ""),
    ("passed", "checks passed", ""),
    ("failed_checks", "failed", ""),
    ("not_checked", "not checked", ""),
    ("duration_seconds", "took", " s"),
    ("millicores", "CPU", " millicores"),
    ("mebibytes", "memory", " MiB"),
)

Key = tuple[Kind, str, str]


def page(records: Iterable[Record]) -> str:
    """All tables.

    Args:
        records: in the order of their runs; of the same run on the same target, topology and
            version the last one counts, whatever it says.
    """
    newest = _newest(records)
    return "\n".join(
        [
            "## Promises",
            "",
            "| promise | shown by | target | engine | date | runs that held | figures |",
            "|---|---|---|---|---|---|---|",
            *(line for promise in PROMISES for line in _promise(promise, newest)),
            "",
            "## Ways to fail",
            "",
            "| # | failure | drill | test | not shown here |",
            "|---|---|---|---|---|",
            *(_failure(failure, newest) for failure in FAILURES),
            "",
        ]
    )


def _newest(records: Iterable[Record]) -> Mapping[Key, Sequence[Record]]:
    by_version: dict[tuple[Key, str, str, str], Record] = {}
    for record in records:
        key = (record.kind, record.name, record.target)
        by_version[key, record.topology, record.engine, record.engine_version] = record
    found: dict[Key, list[Record]] = {}
    for (key, *_), record in by_version.items():
        found.setdefault(key, []).append(record)
    return {
        key: sorted(group, key=lambda r: (r.engine, _numbers(r.engine_version)), reverse=True)
        for key, group in found.items()
    }


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _promise(promise: Promise, newest: Mapping[Key, Sequence[Record]]) -> Iterable[str]:
    rows = [row for run in promise.runs for row in _runs(run, newest)]
    rows += [[_test(test), "any", "", "", "", ""] for test in promise.tests]
    if promise.missing:
        rows.append([promise.missing, "", "", "", NOT_SHOWN, ""])
    for index, row in enumerate(rows):
        yield _row([promise.text if index == 0 else "", *row])


def _runs(run: Run, newest: Mapping[Key, Sequence[Record]]) -> Iterable[list[str]]:
    for target in run.targets:
        found = newest.get((run.kind, run.name, target), ())
        if not found:
            yield [_run(run), target, "", "", NOT_SHOWN, ""]
        for record in found:
            held = f"{record.held} of {record.runs}"
            yield [
                _run(run),
                _place(record),
                f"{record.engine} {record.engine_version}",
                record.date[:10],
                held if record.ok else f"{NOT_SHOWN}: {held}",
                _figures(record),
            ]


def _place(record: Record) -> str:
    """Target, topology where a target has several, and what stood in for what."""
    several = record.topology != Topology.SENTINEL
    place = f"{record.target}, {record.topology}" if several else record.target
    return f"{place}: {record.where}" if record.where else place


def _run(run: Run) -> str:
    return f"{run.kind} `{run.name}`" if run.kind is not Kind.SMOKE else "`smoke`"


def _figures(record: Record) -> str:
    """In words. What an emulation took for something is no figure of the service."""
    timed = EMULATED not in record.where
    return ", ".join(
        f"{words} {_amount(record.figures[name], unit)}"
        for name, words, unit in _FIGURES
        if name in record.figures and (timed or not name.endswith("_seconds"))
    )


def _amount(found: Spread, unit: str) -> str:
    if found.min == found.max:
        return f"{found.median:g}{unit}"
    return f"{found.median:g}{unit} ({found.min:g} to {found.max:g})"


def _failure(failure: Failure, newest: Mapping[Key, Sequence[Record]]) -> str:
    drills = "; ".join(_drill(name, newest) for name in failure.drills)
    tests = "<br>".join(map(_test, failure.tests))
    missing = failure.missing or ("" if failure.covered else NOT_COVERED)
    return _row([str(failure.number), failure.text, drills, tests, missing])


def _drill(name: str, newest: Mapping[Key, Sequence[Record]]) -> str:
    held = sorted(
        target
        for (kind, of, target), found in newest.items()
        # Where a service runs the servers, these ways to fail are the service's own.
        if kind is Kind.DRILL and of == name and target != AWS and found[0].ok
    )
    return f"`{name}` ({', '.join(held) if held else NOT_SHOWN})"


def _test(node: str) -> str:
    file, _, name = node.partition("::")
    return f"`{file}`<br>{name.removeprefix('test_').replace('_', ' ')}" if name else f"`{file}`"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
