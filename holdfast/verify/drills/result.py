"""What a drill found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from holdfast.errors import HoldfastError
from holdfast.verify.record import Record


class Interrupted(HoldfastError):
    """The person at the keyboard wants the drill to end."""


class Unhealthy(HoldfastError):
    """The store was not well to begin with; nothing was done to it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the ledger came to. Times in seconds, None where nobody was interrupted.

    Attributes:
        resumed_after_seconds: from the fault until the last writer's longest pause ended.
        longest_pause_seconds: the longest time that a writer went without an acknowledged turn.
        acknowledged: turns that were acknowledged as asked for.
        confirmed: those among them for which a replica was asked for.
        lost: acknowledged turns that the store does not have.
        lost_confirmed: those among them that a replica had confirmed.
        duplicates: turns that the store has more than once.
        repeated: turns that were sent again after they had been stored, and answered as such.
        unconfirmed: turns stored on fewer replicas than asked for.
        unconfirmed_lost: those among them that the store does not have.
        unknown: turns that were never answered.
        unknown_kept: those among them that the store has.
        failed: requests that ended in an error or in none; the client had given up by then.
    """

    resumed_after_seconds: float | None
    longest_pause_seconds: float | None
    acknowledged: int
    confirmed: int
    lost: int
    lost_confirmed: int
    duplicates: int
    repeated: int
    unconfirmed: int
    unconfirmed_lost: int
    unknown: int
    unknown_kept: int
    failed: int = 0


@dataclass(frozen=True, slots=True)
class DrillResult:
    """One drill's outcome.

    Attributes:
        drill: its name.
        failures: what did not hold; empty where all did.
        figures: None where the ledger could not be read.
        agreement: what processes, Sentinels and clients agreed on; empty where they did not.
        events: what was done and seen, with seconds since the drill began.
        duration_seconds: in all.
        interrupted: ended early by Ctrl-C; everything was put back.
        down_after_seconds: of the store's Sentinels, which the bounds follow.
    """

    drill: str
    failures: tuple[str, ...]
    figures: Figures | None
    agreement: str
    events: tuple[tuple[float, str], ...]
    duration_seconds: float
    interrupted: bool = False
    down_after_seconds: float | None = None

    @property
    def ok(self) -> bool:
        """Whether everything held."""
        return not self.failures and not self.interrupted

    def summary(self) -> str:
        """The figures in one line."""
        found = self.figures
        if found is None:
            return "no figures"
        parts = []
        if found.resumed_after_seconds is not None:
            parts.append(f"resumed after {found.resumed_after_seconds:.2f} s")
        elif found.longest_pause_seconds is not None:
            parts.append(f"longest pause {found.longest_pause_seconds:.2f} s")
        parts += [
            f"acknowledged {found.acknowledged} ({found.confirmed} confirmed)",
            f"lost {found.lost} ({found.lost_confirmed})",
            f"duplicates {found.duplicates}",
        ]
        return ", ".join(parts)


def to_json(target: str, results: Sequence[DrillResult], records: Sequence[Record] = ()) -> str:
    """One object: ``target``, ``ok``, ``drills`` (one a run), ``records`` (one a drill)."""
    return json.dumps(
        {
            "target": target,
            "ok": bool(results) and all(result.ok for result in results),
            "drills": [
                {
                    "drill": result.drill,
                    "ok": result.ok,
                    "interrupted": result.interrupted,
                    "duration_seconds": round(result.duration_seconds, 2),
                    "figures": asdict(result.figures) if result.figures else None,
                    "agreement": result.agreement,
                    "failures": list(result.failures),
                    "events": [[round(at, 3), what] for at, what in result.events],
                }
                for result in results
            ],
            "records": [json.loads(record.to_json()) for record in records],
        },
        indent=2,
    )
