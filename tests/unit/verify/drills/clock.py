"""A clock that only goes on while somebody sleeps, so that waiting takes no time."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """In the place of the module ``time``.

    Attributes:
        now: monotonic seconds.
        slept: told after each sleep; what a test changes here has happened meanwhile.
    """

    gmtime = staticmethod(time.gmtime)
    strftime = staticmethod(time.strftime)

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept()
