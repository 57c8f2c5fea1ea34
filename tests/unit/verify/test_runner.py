from __future__ import annotations

import logging
import threading
import time

import pytest

from holdfast.errors import StoreUnavailable
from holdfast.roles import Role
from holdfast.verify.check import Check, Context
from holdfast.verify.result import (
    INTERRUPTED_REASON,
    CheckFailed,
    Group,
    NotChecked,
    Outcome,
)
from holdfast.verify.runner import Limits, run_checks
from tests.unit.verify.fakes import connection, context


def check(name: str, run: object, *, last: bool = False) -> Check:
    assert callable(run)
    return Check(Group.STORE, name, run, last=last)


def held(_: Context) -> str:
    return "seen"


def test_results_keep_the_order_of_the_checks_whoever_ends_first() -> None:
    first_may_end = threading.Event()

    def slow(_: Context) -> str:
        assert first_may_end.wait(30)
        return "slow"

    def quick(_: Context) -> str:
        first_may_end.set()
        return "quick"

    results = run_checks(context(), [check("a", slow), check("b", quick)])
    assert [(r.check, r.details) for r in results] == [("a", "slow"), ("b", "quick")]


def test_a_check_that_comes_last_waits_for_all_others() -> None:
    ended: list[str] = []

    def note(name: str) -> object:
        def run(_: Context) -> str:
            if name == "a":
                time.sleep(0.02)
            ended.append(name)
            return ""

        return run

    checks = [check("z", note("z"), last=True), check("a", note("a")), check("b", note("b"))]
    results = run_checks(context(), checks)
    assert ended[-1] == "z"
    assert [r.check for r in results] == ["z", "a", "b"]


def test_each_way_to_end_has_its_outcome(caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: Context) -> str:
        raise CheckFailed("x", "y", "z")

    def cannot(_: Context) -> str:
        raise NotChecked("no admin")

    def outage(_: Context) -> str:
        raise StoreUnavailable("gone")

    def broken(_: Context) -> str:
        raise ZeroDivisionError("oops")

    with caplog.at_level(logging.ERROR):
        results = run_checks(
            context(),
            [check(run.__name__, run) for run in (held, fails, cannot, outage, broken)],
        )
    assert [r.outcome for r in results] == [
        Outcome.PASS,
        Outcome.FAIL,
        Outcome.NOT_CHECKED,
        Outcome.FAIL,
        Outcome.FAIL,
    ]
    assert results[0].details == "seen"
    assert results[1].error == "expected x; found y; z"
    assert results[2].details == "no admin"
    assert "StoreUnavailable: gone" in str(results[3].error)
    assert "ZeroDivisionError: oops" in str(results[4].error)
    assert "check 'broken' broke" in caplog.text


class Hangs:
    """A check that ends only once the run has told of the end of all."""

    def __init__(self) -> None:
        self._let_go = threading.Event()

    def __call__(self, _: Context) -> str:
        self._let_go.wait(30)
        return ""

    def watch(self, done: int, total: int, _: str) -> None:
        if done == total:
            self._let_go.set()


def test_a_check_that_takes_too_long_has_failed() -> None:
    hangs = Hangs()
    limits = Limits(total_seconds=60, check_seconds=0.1)
    (slow, quick) = run_checks(
        context(),
        [check("slow", hangs), check("quick", held)],
        limits=limits,
        watch=hangs.watch,
    )
    assert slow.outcome is Outcome.FAIL
    assert "0.1 s for one check" in str(slow.error)
    assert quick.outcome is Outcome.PASS


def test_what_has_not_ended_when_the_time_is_over_has_failed() -> None:
    hangs = Hangs()
    limits = Limits(total_seconds=0.1)
    results = run_checks(context(), [check("slow", hangs)], limits=limits, watch=hangs.watch)
    assert "0.1 s for the whole run" in str(results[0].error)


def test_a_stop_ends_the_run_and_says_what_was_not_made() -> None:
    stop = threading.Event()

    def interrupted(running: Context) -> str:
        stop.set()
        running.pause(60)
        return ""

    began = time.monotonic()
    checks = [check("a", interrupted), check("b", held, last=True)]
    results = run_checks(context(stop=stop), checks)
    assert time.monotonic() - began < 30
    assert [r.outcome for r in results] == [Outcome.NOT_CHECKED] * 2
    assert results[1].details == INTERRUPTED_REASON


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    run_checks(
        context(),
        [check("a", held), check("b", held, last=True)],
        watch=lambda done, total, _: told.append((done, total)),
    )
    assert told[-1] == (2, 2)


def test_a_narrow_connection_says_which_role_is_missing() -> None:
    narrow = context(connection((Role.SVC,)))
    with pytest.raises(NotChecked, match=r"^the connection holds no admin role$"):
        narrow.access.credentials(Role.ADMIN)
    with pytest.raises(NotChecked, match=r"^the connection holds no monitor role$"):
        narrow.info(narrow.nodes.primaries[0].address, "memory")


def test_the_client_is_not_opened_without_its_role() -> None:
    with pytest.raises(NotChecked, match=r"^the connection holds no svc role$"):
        context(connection((Role.MONITOR,))).store()


def test_waiting_ends_when_it_holds_or_when_the_time_is_over() -> None:
    waiting = context()
    assert waiting.wait_until(lambda: True, timeout_seconds=0)
    assert not waiting.wait_until(lambda: False, timeout_seconds=0.01)
