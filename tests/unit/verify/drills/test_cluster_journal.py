"""The note in the cluster of what is to be undone."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.cluster.errors import ClusterUnavailable
from holdfast.cluster.resources import CONFIG_MAPS, Object
from holdfast.verify.drills import cluster_journal
from holdfast.verify.drills.cluster_journal import ORPHANED_SECONDS, ClusterJournal, is_orphaned
from tests.unit.cluster.fake_api import FakeApi

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def journal(api: FakeApi) -> Iterator[ClusterJournal]:
    found = ClusterJournal(api, "agents", "store-drill")
    yield found
    found.clear()


def note(api: FakeApi) -> Object:
    return api.get(CONFIG_MAPS, "store-drill", "agents")


def leave(api: FakeApi, entries: list[str] | None, age_seconds: float) -> None:
    """The note of a drill that is no more."""
    renewed = (datetime.now(UTC) - timedelta(seconds=age_seconds)).isoformat()
    data = {"renewed": renewed} | ({} if entries is None else {"done": json.dumps(entries)})
    api.put(CONFIG_MAPS, {"metadata": {"name": "store-drill"}, "data": data}, "agents")


def test_what_is_done_is_noted_in_its_order_and_the_note_goes_with_the_drill(
    api: FakeApi, journal: ClusterJournal
) -> None:
    assert api.objects == {}
    journal.add("cordoned node-1")
    journal.add("cut node-1")
    assert json.loads(note(api)["data"]["done"]) == ["cordoned node-1", "cut node-1"]
    assert journal.entries == ("cordoned node-1", "cut node-1")
    journal.clear()
    assert api.objects == {}
    assert not journal.entries


def test_a_note_that_could_not_be_written_is_an_error_and_still_undone(
    api: FakeApi, journal: ClusterJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Object:
        raise ClusterUnavailable("no answer")

    monkeypatch.setattr(api, "patch", refuse)
    with pytest.raises(ClusterUnavailable):
        journal.add("cut node-1")
    assert journal.entries == ("cut node-1",)


def test_a_note_is_renewed_while_the_drill_lives_whatever_one_renewal_comes_to(
    api: FakeApi, journal: ClusterJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_journal, "_RENEW_SECONDS", 0.01)
    patch, refusals = api.patch, iter([ClusterUnavailable("no answer")])
    journal.add("cut node-1")
    first = note(api)["data"]["renewed"]

    def refuse_once(*arguments: object, **more: object) -> Object:
        for refusal in refusals:
            raise refusal
        return patch(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(api, "patch", refuse_once)
    deadline = time.monotonic() + 10
    while note(api)["data"]["renewed"] == first or next(refusals, None) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert json.loads(note(api)["data"]["done"]) == ["cut node-1"]


def test_a_renewal_under_way_does_not_undo_what_is_noted_meanwhile(
    api: FakeApi, journal: ClusterJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_journal, "_RENEW_SECONDS", 0.01)
    patch, test = api.patch, threading.current_thread()
    journal.add("cordoned node-1")
    renewing, added, renewed = threading.Event(), threading.Event(), threading.Event()

    def slow(*arguments: object, **more: object) -> Object:
        if threading.current_thread() is test or added.is_set():
            return patch(*arguments, **more)  # type: ignore[arg-type]
        renewing.set()
        added.wait(0.2)
        done = patch(*arguments, **more)  # type: ignore[arg-type]
        monkeypatch.setattr(cluster_journal, "_RENEW_SECONDS", 60.0)
        renewed.set()
        return done

    monkeypatch.setattr(api, "patch", slow)
    assert renewing.wait(10)
    journal.add("cut node-1")
    added.set()
    assert renewed.wait(10)
    assert json.loads(note(api)["data"]["done"]) == ["cordoned node-1", "cut node-1"]


def test_after_the_end_nothing_writes_the_note_again(
    api: FakeApi, journal: ClusterJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_journal, "_RENEW_SECONDS", 0.001)
    threads = threading.active_count()
    journal.add("cut node-1")
    assert threading.active_count() == threads + 1
    journal.clear()
    assert threading.active_count() == threads
    assert api.calls[-1] == "delete configmaps agents/store-drill"


def test_the_note_of_the_next_drill_is_renewed_too(
    api: FakeApi, journal: ClusterJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_journal, "_RENEW_SECONDS", 0.01)
    journal.add("cut node-1")
    journal.clear()
    journal.add("cut node-2")
    first = note(api)["data"]["renewed"]
    deadline = time.monotonic() + 10
    while note(api)["data"]["renewed"] == first:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert json.loads(note(api)["data"]["done"]) == ["cut node-2"]


def test_the_work_of_a_drill_that_is_no_more_becomes_the_next_ones(api: FakeApi) -> None:
    leave(api, ["cordoned node-1", "cut node-1"], ORPHANED_SECONDS + 5)
    journal = ClusterJournal(api, "agents", "store-drill")
    assert journal.orphaned() == ("cordoned node-1", "cut node-1")
    assert journal.entries == ("cordoned node-1", "cut node-1")


def test_the_work_of_a_drill_that_lives_is_left_to_it(api: FakeApi) -> None:
    leave(api, ["cut node-1"], ORPHANED_SECONDS - 30)
    journal = ClusterJournal(api, "agents", "store-drill")
    assert journal.orphaned() == ()
    assert journal.entries == ()


def test_a_drill_does_not_take_its_own_note_for_an_orphan(
    api: FakeApi, journal: ClusterJournal
) -> None:
    journal.add("cut node-1")
    leave(api, ["cut node-1"], ORPHANED_SECONDS + 5)
    assert journal.orphaned() == ()


@pytest.mark.parametrize("entries", [None, []])
def test_an_empty_note_still_says_that_something_is_to_be_looked_at(
    api: FakeApi, entries: list[str] | None
) -> None:
    leave(api, entries, ORPHANED_SECONDS + 5)
    journal = ClusterJournal(api, "agents", "store-drill")
    assert journal.orphaned() == ("an empty note",)
    assert journal.entries == ()


def test_where_there_is_no_note_nothing_was_left(api: FakeApi) -> None:
    assert ClusterJournal(api, "agents", "store-drill").orphaned() == ()


@pytest.mark.parametrize(
    ("renewed", "orphaned"),
    [
        ((NOW - timedelta(seconds=ORPHANED_SECONDS)).isoformat(), False),
        ((NOW - timedelta(seconds=ORPHANED_SECONDS + 1)).isoformat(), True),
        ((NOW + timedelta(seconds=30)).isoformat(), False),
        ("", True),
        ("yesterday", True),
    ],
)
def test_a_note_is_an_orphan_a_minute_after_its_last_renewal(renewed: str, orphaned: bool) -> None:
    assert is_orphaned(renewed, NOW) is orphaned
