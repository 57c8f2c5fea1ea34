"""How far an object is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One look at an object.

    Attributes:
        done: it is ready.
        status: one line for the user, while it is not.
        problems: what keeps it from being ready, for the error at the end.
        failed: it never will be; waiting is over.
        settle_seconds: seconds for which everything has to stay as it is before ``done`` counts.
    """

    done: bool
    status: str = ""
    problems: tuple[str, ...] = ()
    failed: bool = False
    settle_seconds: float = 0.0
