"""Turn ids: ordered by time, so that they also serve as keys where turns are kept for good."""

from __future__ import annotations

import os
import threading
import time
from typing import Final

_RANDOM_BITS: Final = 74
_LOW_BITS: Final = 62
_LOW_MASK: Final = (1 << _LOW_BITS) - 1
_VERSION_7: Final = 7 << 76
_VARIANT: Final = 2 << 62


class _TurnIds:
    """Mints ids that only grow within a process, also when the clock stands still or steps back."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew: in a forked child the lock may be held and the randomness is the parent's."""
        self._lock = threading.Lock()
        self._ms = 0
        self._random = 0

    def mint(self) -> str:
        now = time.time_ns() // 1_000_000
        entropy = int.from_bytes(os.urandom(10))
        with self._lock:
            if now > self._ms:
                self._ms = now
                # One bit less than fits, as room for the steps within this millisecond.
                self._random = entropy & ((1 << (_RANDOM_BITS - 1)) - 1)
            else:
                self._random += 1 + (entropy & 0xFFFFFFFF)
                if self._random >> _RANDOM_BITS:
                    self._ms += 1
                    self._random = entropy & ((1 << (_RANDOM_BITS - 1)) - 1)
            ms, random = self._ms, self._random
        high = (ms << 80) | _VERSION_7 | ((random >> _LOW_BITS) << 64)
        return f"{high | _VARIANT | (random & _LOW_MASK):032x}"


_IDS: Final = _TurnIds()
os.register_at_fork(after_in_child=_IDS.reset)


def new_turn_id() -> str:
    """A new turn id: a UUID version 7 as 32 hexadecimal digits.

    Mint it once a turn and use it again on every retry: the store recognises the last 16 ids of a
    session and answers a repeat with the turn that it stored. Ids of one process sort in the order
    in which they were minted.
    """
    return _IDS.mint()
