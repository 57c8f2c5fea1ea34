"""Asking until there is an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from holdfast.cluster.errors import ClusterUnavailable
from holdfast.errors import HoldfastError

_T = TypeVar("_T")
_POLL_SECONDS: Final = 0.2


def until(
    what: str,
    ask: Callable[[], _T | None],
    *,
    seconds: float,
    poll_seconds: float = _POLL_SECONDS,
    error: type[HoldfastError] = ClusterUnavailable,
) -> _T:
    """Ask until there is an answer that is not None.

    Raises:
        HoldfastError: of the type ``error``: there was none in time; ``what`` says what was
            waited for.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer is not None:
            return answer
        if time.monotonic() > deadline:
            raise error(f"waited {seconds:g} s in vain: {what}")
        time.sleep(poll_seconds)
