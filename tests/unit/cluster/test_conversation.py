from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdfast.cluster import edition as editions
from holdfast.cluster import tasks
from holdfast.cluster.errors import ClusterUnavailable
from holdfast.cluster.near_side import FarSideLost, run_task
from holdfast.connection import Address
from holdfast.errors import ConfigError, HoldfastError, VerificationFailed
from holdfast.verify.drills.means import Process, State
from tests.unit.cluster.conversation import KIND, WORK, Ends, Hands, Play, far_side

_PROCESS = Process("store-server-0", Address("10.0.0.1", 6379), False, State.RUNNING)


class _Hands:
    def __init__(self) -> None:
        self.killed: list[tuple[str, bool]] = []
        self.threads: set[int] = set()

    def processes(self) -> tuple[Process, ...]:
        return (_PROCESS,)

    def kill(self, name: str, *, hard: bool = True) -> str:
        self.threads.add(threading.get_ident())
        self.killed.append((name, hard))
        if name == "nobody":
            raise VerificationFailed("nobody does not run")
        if name == "broken":
            raise ZeroDivisionError("hands broke")
        return f"killed {name}"


@pytest.fixture(autouse=True)
def _kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "KINDS", {"play": KIND})


def _ask(
    ends: Ends,
    work: Callable[[Hands, threading.Event], str],
    hands: object,
    *,
    stop: threading.Event | None = None,
    warn: Callable[[str], None] = lambda _: None,
    **seconds: float,
) -> object:
    WORK["it"] = work
    task: Any = Play("it")
    return run_task(
        ends.channel, task, {"means": hands}, stop or threading.Event(), warn=warn, **seconds
    )


@pytest.fixture
def ends() -> Iterator[Ends]:
    with far_side() as made:
        yield made


def test_the_far_side_works_with_the_callers_hands(ends: Ends) -> None:
    hands = _Hands()

    def work(means: Hands, stop: threading.Event) -> str:
        del stop
        assert means.processes() == (_PROCESS,)
        return f"{means.kill('a')}, {means.kill('b', hard=False)}"

    assert _ask(ends, work, hands) == "killed a, killed b"
    assert hands.killed == [("a", True), ("b", False)]
    ends.thread.join(30)
    assert ends.told == [True]


def test_what_the_hands_raise_is_raised_on_the_far_side(ends: Ends) -> None:
    def work(means: Hands, stop: threading.Event) -> str:
        del stop
        said = []
        for name in ("nobody", "broken"):
            with pytest.raises(VerificationFailed) as caught:
                means.kill(name)
            said.append(str(caught.value))
        return "; ".join(said)

    assert _ask(ends, work, _Hands()) == "nobody does not run; ZeroDivisionError: hands broke"


def test_what_the_task_raises_is_raised_at_the_caller(ends: Ends) -> None:
    def work(means: Hands, stop: threading.Event) -> str:
        del means, stop
        error = VerificationFailed("it does not hold")
        error.add_note("at: the end")
        raise error

    with pytest.raises(VerificationFailed, match="it does not hold") as caught:
        _ask(ends, work, _Hands())
    assert caught.value.__notes__ == ["at: the end"]


def test_calls_from_many_threads_are_made_one_after_another(ends: Ends) -> None:
    hands = _Hands()

    def work(means: Hands, stop: threading.Event) -> str:
        del stop
        threads = [threading.Thread(target=means.kill, args=(str(n),)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return "done"

    assert _ask(ends, work, hands) == "done"
    assert sorted(int(name) for name, _ in hands.killed) == list(range(20))
    assert len(hands.threads) == 1


def test_the_callers_stop_reaches_the_task_which_ends_in_good_order(ends: Ends) -> None:
    stop = threading.Event()
    hands = _Hands()

    def work(means: Hands, far_stop: threading.Event) -> str:
        stop.set()
        assert far_stop.wait(10)
        means.kill("put back")
        return "ended in good order"

    assert _ask(ends, work, hands, stop=stop) == "ended in good order"
    assert hands.killed == [("put back", True)]


def test_a_caller_that_hangs_up_stops_the_task_and_fails_its_calls(ends: Ends) -> None:
    seen: list[str] = []
    began = threading.Event()

    def work(means: Hands, stop: threading.Event) -> str:
        began.set()
        assert stop.wait(10)
        with pytest.raises(ClusterUnavailable) as caught:
            means.kill("a")
        seen.append(str(caught.value))
        return "cleaned up"

    WORK["it"] = work

    came_to: list[object] = []

    def ask() -> None:
        try:
            came_to.append(_ask(ends, work, _Hands()))
        except HoldfastError as error:
            came_to.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert began.wait(10)
    ends.channel.close()
    ends.thread.join(10)
    asking.join(10)
    assert seen == ["the caller is gone: it has hung up"]
    assert ends.told == [False]
    assert isinstance(came_to[0], HoldfastError)


def test_a_far_side_that_says_nothing_any_more_is_given_up(ends: Ends) -> None:
    """Silence, not only a closed pipe: a node that was cut off closes nothing."""
    release = threading.Event()

    def work(means: Hands, stop: threading.Event) -> str:
        del means, stop
        # No beats either: as if the process stood still.
        ends.far._peer._over.set()
        release.wait(20)
        return "late"

    began = time.monotonic()
    try:
        with pytest.raises(FarSideLost, match=r"it has said nothing for 1 s"):
            _ask(ends, work, _Hands(), silence_seconds=1.0)
    finally:
        release.set()
    assert time.monotonic() - began < 10


def test_a_far_side_that_never_begins_is_given_up() -> None:
    with far_side() as ends:
        ends.thread.join(0)
    with pytest.raises(ClusterUnavailable):
        _ask(ends, lambda means, stop: "never", _Hands(), hello_seconds=1.0)


def _note(began: list[str]) -> Callable[[Hands, threading.Event], str]:
    def work(means: Hands, stop: threading.Event) -> str:
        del means, stop
        began.append("x")
        return "done"

    return work


def test_a_far_side_of_other_sources_is_refused_before_it_is_told_anything(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions, "edition", lambda: "abc")
    monkeypatch.delenv(editions.ANY_VARIABLE, raising=False)
    began: list[str] = []
    with pytest.raises(ConfigError, match=r"got 'an image with the sources .*', need .*abc"):
        _ask(ends, _note(began), _Hands())
    assert began == []


def test_other_sources_are_a_warning_where_they_are_meant(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions, "edition", lambda: "abc")
    monkeypatch.setenv(editions.ANY_VARIABLE, "1")
    warned: list[str] = []
    assert _ask(ends, _note([]), _Hands(), warn=warned.append) == "done"
    assert len(warned) == 1
    assert "other sources" in warned[0]
