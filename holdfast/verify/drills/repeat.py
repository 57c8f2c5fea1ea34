"""A drill run several times: one verdict, and the spread of its figures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from holdfast.connection import Connection
from holdfast.verify.drills.result import DrillResult
from holdfast.verify.record import Kind, Record, Spread, record, spreads

_SHOWN: Final = (
    ("resumed_after_seconds", "resumed after", " s"),
    ("longest_pause_seconds", "longest pause", " s"),
    ("lost", "lost", ""),
    ("lost_confirmed", "of them confirmed", ""),
    ("duplicates", "duplicates", ""),
)


@dataclass(frozen=True, slots=True)
class Repeated:
    """All runs of one drill.

    Attributes:
        drill: its name.
        results: of each run that was not interrupted.
    """

    drill: str
    results: tuple[DrillResult, ...]

    @property
    def held(self) -> int:
        """How many runs held; the drill holds if all did."""
        return sum(result.ok for result in self.results)

    def figures(self) -> Mapping[str, Spread]:
        """Over all runs that have figures."""
        return spreads(asdict(r.figures) for r in self.results if r.figures is not None)

    def summary(self) -> str:
        """In one line: median and, in brackets, least and most."""
        found = self.figures()
        parts = [
            f"{words} {found[name].median:g}{unit} ({found[name].min:g} to {found[name].max:g})"
            for name, words, unit in _SHOWN
            if name in found
        ]
        return ", ".join([f"{self.held} of {len(self.results)} runs held", *parts])


def repeated(results: Sequence[DrillResult]) -> tuple[Repeated, ...]:
    """The runs by drill, in the order of their first run; interrupted ones show nothing."""
    runs: dict[str, list[DrillResult]] = {}
    for result in results:
        if not result.interrupted:
            runs.setdefault(result.drill, []).append(result)
    return tuple(Repeated(drill, tuple(found)) for drill, found in runs.items())


def records(
    connection: Connection, results: Sequence[DrillResult], *, writers: int, where: str = ""
) -> tuple[Record, ...]:
    """One record a drill, for docs/proof.md.

    Args:
        connection: the store.
        results: of all runs.
        writers: how many wrote at the same time.
        where: what the store ran on, where its target does not say it all.
    """
    return tuple(
        record(
            connection,
            Kind.DRILL,
            found.drill,
            [(r.ok, asdict(r.figures) if r.figures else {}) for r in found.results],
            where=where,
            down_after_seconds=found.results[0].down_after_seconds,
            writers=writers,
        )
        for found in repeated(results)
    )
