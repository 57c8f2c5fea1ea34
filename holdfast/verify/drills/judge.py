"""What a drill's figures have to be. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from holdfast.verify.drills.result import Figures
from holdfast.verify.ledger import Pause, Placement

LOSS_SLACK_SECONDS: Final = 1.5
"""Beyond min-replicas-max-lag: a primary checks its replicas once a second."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What must hold, besides that nothing is stored twice and nothing confirmed is lost.

    Attributes:
        resume_seconds: from the fault until every writer writes again; None: not bounded.
        pause_seconds: the longest pause of a writer; None: not bounded.
        lost_seconds: acknowledged turns that may be lost, as seconds of writing; 0: none; None:
            counted and not bounded.
    """

    resume_seconds: float | None = None
    pause_seconds: float | None = None
    lost_seconds: float | None = 0.0

    def relaxed(self, seconds: float) -> Bounds:
        """The same with so much more time; what may be lost stays."""

        def more(bound: float | None) -> float | None:
            return None if bound is None else bound + seconds

        return replace(
            self,
            resume_seconds=more(self.resume_seconds),
            pause_seconds=more(self.pause_seconds),
        )


def figures(
    placement: Placement,
    pauses: Sequence[Pause],
    fault_at: float | None,
    failed: int = 0,
) -> Figures:
    """The figures of a run.

    Args:
        placement: where the turns are.
        pauses: each writer's longest after the fault, the longest first.
        fault_at: when the fault was made, monotonic seconds; None where there was none.
        failed: requests that ended in an error or in none.
    """
    resumed = max(p.ended for p in pauses) - fault_at if pauses and fault_at is not None else None
    return Figures(
        resumed_after_seconds=None if resumed is None else round(resumed, 3),
        longest_pause_seconds=round(pauses[0].seconds, 3) if pauses else None,
        acknowledged=placement.acknowledged,
        confirmed=placement.confirmed,
        lost=len(placement.lost),
        lost_confirmed=len(placement.lost_confirmed),
        duplicates=len(placement.twice),
        repeated=placement.repeated,
        unconfirmed=placement.unconfirmed,
        unconfirmed_lost=placement.unconfirmed_lost,
        unknown=placement.unknown,
        unknown_kept=placement.unknown_kept,
        failed=failed,
    )


def judge(
    placement: Placement, found: Figures, bounds: Bounds, rate_per_second: float
) -> tuple[str, ...]:
    """What does not hold, in words.

    Args:
        placement: where the turns are.
        found: the figures.
        bounds: what they have to be.
        rate_per_second: acknowledged turns a second before the fault; what loss is bounded by.
    """
    unbounded = bounds.lost_seconds is None
    may_lose = int((bounds.lost_seconds or 0.0) * rate_per_second)
    checks = (
        (placement.acknowledged > 0, "no turn was acknowledged: the ledger shows nothing"),
        (not placement.twice, f"{len(placement.twice)} turns are stored twice"),
        (
            not placement.lost_confirmed,
            f"{len(placement.lost_confirmed)} turns that a replica had confirmed are lost",
        ),
        (
            unbounded or found.lost <= may_lose,
            f"{found.lost} acknowledged turns are lost, at most {may_lose} may be",
        ),
        (
            not placement.refused_kept,
            f"{len(placement.refused_kept)} turns are stored that were said not to be",
        ),
        (not placement.foreign, f"{len(placement.foreign)} turns are stored that nobody sent"),
        _within(found.resumed_after_seconds, bounds.resume_seconds, "writers resumed after"),
        _within(found.longest_pause_seconds, bounds.pause_seconds, "a writer paused for"),
    )
    return tuple(text for holds, text in checks if not holds)


def _within(found: float | None, bound: float | None, what: str) -> tuple[bool, str]:
    if bound is None:
        return True, ""
    if found is None:
        return False, f"{what} an unknown time: no writer wrote before and after"
    return found <= bound, f"{what} {found:.2f} s, at most {bound:.2f} s"
