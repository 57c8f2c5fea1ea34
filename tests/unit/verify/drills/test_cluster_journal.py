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
from holdfast.errors import VerificationFailed
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
    before = set(threading.enumerate())
    journal.add("cut node-1")
    (renewal,) = set(threading.enumerate()) - before
    journal.clear()
    assert not renewal.is_alive()
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


def test_the_work_of_a_drill_that_is_no_more_becomes_the_next_ones(
    api: FakeApi, journal: ClusterJournal
) -> None:
    leave(api, ["cordoned node-1", "cut node-1"], ORPHANED_SECONDS + 5)
    assert journal.adopt() == ("cordoned node-1", "cut node-1")
    assert journal.entries == ("cordoned node-1", "cut node-1")
    # And nobody else's: two drills that begin now do not both undo it.
    assert ClusterJournal(api, "agents", "store-drill").adopt() == ()


def test_the_work_of_a_drill_that_lives_is_left_to_it(
    api: FakeApi, journal: ClusterJournal
) -> None:
    leave(api, ["cut node-1"], ORPHANED_SECONDS - 30)
    before = note(api)
    assert journal.adopt(["hands of-it"]) == ()
    assert journal.entries == ()
    journal.clear()
    assert note(api) == before


def test_what_is_seen_without_a_note_is_nobodys(api: FakeApi, journal: ClusterJournal) -> None:
    assert journal.adopt(["hands of-somebody"]) == ("hands of-somebody",)
    assert json.loads(note(api)["data"]["done"]) == ["hands of-somebody"]


def test_what_is_seen_and_noted_is_undone_once_and_last(
    api: FakeApi, journal: ClusterJournal
) -> None:
    leave(api, ["hands of-it", "frozen store-server-1"], ORPHANED_SECONDS + 5)
    seen = ["hands unnoted", "hands of-it"]
    assert journal.adopt(seen) == (*seen, "frozen store-server-1")


def test_a_drill_adds_nothing_to_the_note_of_another(api: FakeApi, journal: ClusterJournal) -> None:
    leave(api, ["cut node-1"], 0)
    before = note(api)
    with pytest.raises(VerificationFailed, match=r"agents/store-drill is the note of another"):
        journal.add("cut node-2")
    assert (journal.entries, note(api)) == ((), before)


def test_all_is_tried_the_last_first_and_only_what_failed_stays_noted(
    api: FakeApi, journal: ClusterJournal
) -> None:
    for what in ("cordoned node-0", "cut node-1", "cut node-2", "cut node-1"):
        journal.add(what)
    tried: list[str] = []

    def undo(entry: str) -> None:
        tried.append(entry)
        if entry.startswith("cut"):
            raise ClusterUnavailable(f"no answer about {entry}")

    with pytest.raises(VerificationFailed) as caught:
        journal.undo(undo)
    assert tried == ["cut node-1", "cut node-2", "cordoned node-0"]
    for entry in ("cut node-1", "cut node-2"):
        assert f"{entry} (no answer about {entry})" in str(caught.value)
    assert "cordoned" not in str(caught.value)
    assert json.loads(note(api)["data"]["done"]) == ["cut node-2", "cut node-1"]


def test_what_undoing_takes_is_undone_after_all_the_rest(journal: ClusterJournal) -> None:
    journal.add("frozen a")
    journal.add("frozen b")
    tried: list[str] = []

    def undo(entry: str) -> None:
        tried.append(entry)
        if entry == "frozen b":
            journal.add("hands new", undone_last=True)

    journal.undo(undo)
    assert tried == ["frozen b", "frozen a", "hands new"]
    assert journal.entries == ()


def test_where_nothing_was_done_nothing_is_written(api: FakeApi, journal: ClusterJournal) -> None:
    journal.undo(lambda _: None)
    journal.clear()
    assert api.calls == []


def test_a_note_that_cannot_be_removed_goes_on_being_this_drills(
    api: FakeApi, journal: ClusterJournal
) -> None:
    journal.add("cut node-1")
    call = "delete configmaps agents/store-drill"
    api.failing = {call: ClusterUnavailable("no answer")}
    with pytest.raises(ClusterUnavailable):
        journal.clear()
    api.failing.clear()
    journal.add("cut node-2")
    assert json.loads(note(api)["data"]["done"]) == ["cut node-2"]


def test_a_drill_does_not_take_its_own_note_for_an_orphan(
    api: FakeApi, journal: ClusterJournal
) -> None:
    journal.add("cut node-1")
    leave(api, ["cut node-1"], ORPHANED_SECONDS + 5)
    assert journal.adopt() == ()


@pytest.mark.parametrize("entries", [None, []])
def test_an_empty_note_still_says_that_something_is_to_be_looked_at(
    api: FakeApi, journal: ClusterJournal, entries: list[str] | None
) -> None:
    leave(api, entries, ORPHANED_SECONDS + 5)
    assert journal.adopt() == ("an empty note",)
    assert journal.entries == ()


def test_where_there_is_no_note_nothing_was_left(journal: ClusterJournal) -> None:
    assert journal.adopt() == ()


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
