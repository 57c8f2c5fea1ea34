"""Several runs of a drill: one verdict."""

from __future__ import annotations

from dataclasses import replace

from holdfast.verify.drills.repeat import records, repeated
from holdfast.verify.drills.result import DrillResult, Figures
from tests.unit.verify.fakes import connection

FIGURES = Figures(6.0, 6.0, 100, 50, 2, 0, 0, 1, 0, 0, 0, 0)


def run(resumed: float, *, drill: str = "kill-primary", failure: str = "") -> DrillResult:
    figures = replace(FIGURES, resumed_after_seconds=resumed)
    failures = (failure,) if failure else ()
    return DrillResult(drill, failures, figures, "all agree", (), 20.0, down_after_seconds=5.0)


def test_runs_are_gathered_by_drill_in_the_order_they_began() -> None:
    found = repeated([run(6.0), run(6.2), run(7.0, drill="freeze-primary"), run(6.1)])
    assert [(r.drill, len(r.results)) for r in found] == [
        ("kill-primary", 3),
        ("freeze-primary", 1),
    ]


def test_the_line_shows_the_median_and_the_extremes() -> None:
    (found,) = repeated([run(6.0), run(6.4), run(6.1)])
    assert found.summary() == (
        "3 of 3 runs held, resumed after 6.1 s (6 to 6.4), longest pause 6 s (6 to 6), "
        "lost 2 (2 to 2), of them confirmed 0 (0 to 0), duplicates 0 (0 to 0)"
    )


def test_every_run_has_to_hold() -> None:
    (found,) = records(connection(), [run(6.0), run(9.0, failure="too late")], writers=8)
    assert (found.runs, found.held, found.ok) == (2, 1, False)
    assert found.figures["resumed_after_seconds"].max == 9.0
    assert (found.down_after_seconds, found.writers) == (5.0, 8)


def test_a_run_without_figures_counts_as_one_that_did_not_hold() -> None:
    broken = replace(run(6.0, failure="the store did not answer"), figures=None)
    (found,) = records(connection(), [broken], writers=8)
    assert (found.runs, found.held, dict(found.figures)) == (1, 0, {})


def test_an_interrupted_run_shows_nothing() -> None:
    assert records(connection(), [replace(run(6.0), interrupted=True)], writers=8) == ()
