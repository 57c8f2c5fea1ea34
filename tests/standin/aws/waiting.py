"""Waiting for AWS to be done: bounded, and ended by Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Final, TypeVar

from botocore.exceptions import ClientError

from holdfast.errors import HoldfastError
from provider.resource import Context, Severity
from tests.standin.aws.boto import Answer
from tests.standin.aws.errors import is_code

T = TypeVar("T")

_FIRST_SECONDS: Final = 0.05
_LONGEST_SECONDS: Final = 1.0
GONE: Final = ""
"""The state of what is not there any more."""


def until(
    context: Context,
    what: str,
    state: Callable[[], str],
    *,
    wanted: Collection[str],
    pending: Collection[str],
    seconds: float,
) -> None:
    """Poll a state until it is one of those wanted.

    Args:
        context: its ``timeout_seconds`` wins over ``seconds``.
        what: for messages, ``waiting for ElastiCache User (app) create``.
        state: asks; ``GONE`` if it is not there.
        wanted: states that end the wait.
        pending: states on the way; empty for any.
        seconds: the official plugin's own bound.

    Raises:
        HoldfastError: another state, or none of those wanted in time.
    """
    bound = context.timeout_seconds or seconds
    deadline, pause = time.monotonic() + bound, _FIRST_SECONDS
    names = ", ".join(repr(item) for item in wanted if item != GONE) or "gone"
    while True:
        now = state()
        if now in wanted:
            return
        if pending and now not in pending:
            shown = now or "gone"
            raise HoldfastError(f"{what}: unexpected state '{shown}', wanted target {names}")
        if time.monotonic() > deadline:
            raise HoldfastError(
                f"{what}: timeout while waiting for state to become {names} "
                f"(last state: '{now}', timeout: {bound:.0f}s)"
            )
        context.log(Severity.INFO, f"{what}: {now}", ephemeral=True)
        context.wait(pause)
        pause = min(pause * 1.5, _LONGEST_SECONDS)


def retried(
    context: Context, call: Callable[[], T], codes: Collection[str], *, seconds: float
) -> T:
    """Call, and again while AWS answers with one of these codes. The last answer counts."""
    bound = context.timeout_seconds or seconds
    deadline, pause = time.monotonic() + bound, _FIRST_SECONDS
    while True:
        try:
            return call()
        except ClientError as error:
            if not is_code(error, *codes) or time.monotonic() > deadline:
                raise
        context.wait(pause)
        pause = min(pause * 1.5, _LONGEST_SECONDS)


def found_or_none(call: Callable[[], Answer], *codes: str) -> Answer:
    """A call's result, or None if AWS answers that it is not there."""
    try:
        return call()
    except ClientError as error:
        if is_code(error, *codes):
            return None
        raise


def gone_is_fine(call: Callable[[], object], *codes: str) -> bool:
    """Delete. Returns False if it was gone already."""
    try:
        call()
    except ClientError as error:
        if is_code(error, *codes):
            return False
        raise
    return True
