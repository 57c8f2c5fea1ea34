"""What a drill's figures have to be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.verify.drills.catalogue import change_drill, select
from holdfast.verify.drills.judge import Bounds, figures, judge
from holdfast.verify.drills.stage import MANAGED
from holdfast.verify.ledger import Pause, Placement

GOOD = Placement(
    acknowledged=100,
    confirmed=50,
    kept=100,
    lost=(),
    lost_confirmed=(),
    twice=(),
    unconfirmed=0,
    unconfirmed_lost=0,
    unknown=0,
    unknown_kept=0,
    refused_kept=(),
    foreign=(),
    repeated=0,
)
PAUSES = (Pause("a", 10.0, 16.0), Pause("b", 12.0, 17.0))


def judged(placement: Placement, bounds: Bounds | None = None, *, rate: float = 0) -> list[str]:
    found = figures(placement, PAUSES, 9.5)
    return list(judge(placement, found, bounds or Bounds(), rate))


def test_the_figures_are_of_the_longest_pause_and_of_the_last_writer() -> None:
    found = figures(GOOD, PAUSES, 9.5)
    assert found.longest_pause_seconds == 6.0
    assert found.resumed_after_seconds == 7.5
    assert figures(GOOD, (), 9.5).resumed_after_seconds is None
    assert figures(GOOD, PAUSES, None).resumed_after_seconds is None


def test_nothing_is_wrong_where_nothing_is() -> None:
    assert judged(GOOD, Bounds(resume_seconds=7.5, pause_seconds=6.0)) == []


@pytest.mark.parametrize(
    ("placement", "failure"),
    [
        (replace(GOOD, acknowledged=0), "the ledger shows nothing"),
        (replace(GOOD, twice=("t",)), "1 turns are stored twice"),
        (replace(GOOD, refused_kept=("t",)), "stored that were said not to be"),
        (replace(GOOD, foreign=("t",)), "stored that nobody sent"),
        (replace(GOOD, lost=("t",)), "1 acknowledged turns are lost, at most 0 may be"),
    ],
)
def test_each_thing_that_must_not_be_is_told(placement: Placement, failure: str) -> None:
    (found,) = judged(placement)
    assert failure in found


def test_loss_is_bounded_by_time_and_never_allowed_for_confirmed_turns() -> None:
    bounds = Bounds(lost_seconds=4.5)
    lost = replace(GOOD, lost=("a", "b", "c", "d"))
    assert judged(lost, bounds, rate=1) == []
    assert judged(replace(lost, lost=(*lost.lost, "e")), bounds, rate=1)
    (found,) = judged(replace(lost, lost_confirmed=("a",)), bounds, rate=1)
    assert "a replica had confirmed" in found


def test_times_beyond_the_bounds_are_told_and_unknown_times_are_no_success() -> None:
    (late,) = judged(GOOD, Bounds(resume_seconds=7.4))
    assert late == "writers resumed after 7.50 s, at most 7.40 s"
    (paused,) = judged(GOOD, Bounds(pause_seconds=5.9))
    assert paused == "a writer paused for 6.00 s, at most 5.90 s"
    (unknown,) = judge(GOOD, figures(GOOD, (), 9.5), Bounds(resume_seconds=7.5), 0)
    assert "an unknown time" in unknown


def test_a_busy_machine_gets_more_time_and_no_more_loss() -> None:
    bounds = Bounds(resume_seconds=7.0, lost_seconds=1.0).relaxed(2)
    assert bounds == Bounds(resume_seconds=9.0, pause_seconds=None, lost_seconds=1.0)


def test_requests_that_failed_are_counted_and_are_no_loss_by_themselves() -> None:
    found = figures(GOOD, PAUSES, fault_at=10.0, failed=7)
    assert found.failed == 7
    assert judge(GOOD, found, Bounds(), 0.0) == ()


def test_losses_without_a_bound_are_counted_and_confirmed_ones_fail_all_the_same() -> None:
    lost = replace(GOOD, lost=tuple("abc"))
    found = figures(lost, (), 9.5)
    assert found.lost == 3
    assert judge(lost, found, Bounds(lost_seconds=None), 0.0) == ()
    confirmed = replace(lost, lost_confirmed=("a",))
    (failure,) = judge(confirmed, figures(confirmed, (), 9.5), Bounds(lost_seconds=None), 0.0)
    assert "confirmed" in failure


def test_where_a_service_fails_over_nothing_is_bounded_in_time() -> None:
    (drill,) = select(["planned-failover"])
    bounds = drill.bounds(MANAGED)
    assert (bounds.resume_seconds, bounds.pause_seconds, bounds.lost_seconds) == (None, None, None)
    assert change_drill(["true"]).bounds(MANAGED) == bounds
