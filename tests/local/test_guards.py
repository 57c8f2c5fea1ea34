"""A guard is seen to matter: taken out, the drill that shows it fails, and for that reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

import holdfast
from holdfast.commands import turn
from holdfast.errors import Unconfirmed
from holdfast.ids import new_turn_id
from holdfast.model import Head, Session, TurnResult
from holdfast.operation import Script
from holdfast.scripts import APPEND
from holdfast.verify.drills.catalogue import Drill, select
from holdfast.verify.drills.result import DrillResult, Unhealthy
from holdfast.verify.drills.runner import Options, run_drills
from holdfast.verify.drills.stage import Stage
from holdfast.verify.ledger import Answer, Entry
from holdfast.verify.ledger_writers import Append, Create, Load, Notes, Plan, Rest
from tests.local.group_means import SLACK_SECONDS, GroupMeans
from tests.servers import Install, Servers, start_sentinel, wait_until

pytestmark = pytest.mark.timeout(300)

DOWN_AFTER_SECONDS = 1.0


@pytest.fixture(scope="module")
def group(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with start_sentinel(
        server_install,
        tmp_path_factory.mktemp("guards"),
        down_after_ms=int(1000 * DOWN_AFTER_SECONDS),
    ) as servers:
        yield servers


def drill(
    means: GroupMeans, name: str, change: Callable[[Drill], Drill] = lambda drill: drill
) -> DrillResult:
    (result,) = run_drills(
        means.group.connection,
        means,
        [change(one) for one in select([name])],
        options=Options(slack_seconds=SLACK_SECONDS),
    )
    return result


def failures(result: DrillResult, words: str) -> list[str]:
    return [failure for failure in result.failures if words in failure]


# --- the turn id ---------------------------------------------------------------------------------


def resend(
    writer: str,
    book: Notes,
    *,
    confirm: int,
    pause_seconds: float,
    running: Callable[[], bool],
) -> Plan:
    """An application without turn ids: whatever was not answered is sent again as new."""
    made = yield Create()
    assert isinstance(made, Session)
    book.opened(made.session_id)
    head: Head | None = made.head
    while running() and head is not None:
        head = yield from _until_stored(writer, book, head, confirm, running)
        yield Rest(pause_seconds)


def _until_stored(
    writer: str, book: Notes, head: Head, confirm: int, running: Callable[[], bool]
) -> Generator[Any, Any, Head | None]:
    row = new_turn_id()
    while running():
        began = time.monotonic()
        outcome = yield Append(head, new_turn_id(), confirm, row)
        answer = Answer.OK if isinstance(outcome, TurnResult) else Answer.UNKNOWN
        book.note(Entry(writer, head.session_id, row, confirm, began, time.monotonic(), answer))
        if isinstance(outcome, TurnResult):
            return outcome.head
        if isinstance(outcome, Unconfirmed):
            return outcome.result.head
        loaded = yield Load(head.session_id)
        if isinstance(loaded, Session):
            head = loaded.head
    return None


def without_turn_ids() -> Script:
    """The script of a turn that does not look whether it has stored this one before."""
    looks = "local stored = s and seq_of_turn(s, turn_id)"
    assert looks in APPEND.body
    return Script("append", APPEND.body.replace(looks, "local stored = nil"))


def test_with_the_turn_id_a_turn_whose_answer_was_lost_is_stored_once(group: Servers) -> None:
    result = drill(GroupMeans(group), "lost-replies")
    assert result.failures == ()
    assert result.figures is not None
    assert result.figures.repeated > 0


def test_without_the_turn_id_the_lost_replies_drill_finds_turns_stored_twice(
    group: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = without_turn_ids()
    monkeypatch.setattr(turn, "APPEND", script)
    monkeypatch.setattr(turn, "_SHA", script.sha)
    (result,) = run_drills(
        group.connection,
        GroupMeans(group),
        select(["lost-replies"]),
        options=Options(writing=resend, slack_seconds=SLACK_SECONDS),
    )
    assert not result.ok
    assert failures(result, "turns are stored twice")
    assert result.figures is not None
    assert result.figures.duplicates >= 10


def test_without_the_turn_id_a_careful_writer_is_told_that_what_it_stored_was_refused(
    group: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = without_turn_ids()
    monkeypatch.setattr(turn, "APPEND", script)
    monkeypatch.setattr(turn, "_SHA", script.sha)
    result = drill(GroupMeans(group), "lost-replies")
    assert failures(result, "turns are stored that were said not to be")


# --- what a repeat writes, so that WAIT counts it ------------------------------------------------


def repeated_while_replicas_sleep(group: Servers) -> int:
    """How many replicas confirm a turn that none of them has, to a client that sends it again.

    Raises:
        Unconfirmed: none, which is the truth.
    """
    turn_id = new_turn_id()
    primary = group.primary()
    frozen = [node.name for node in group.servers if node is not primary]
    with (
        holdfast.connect(group.connection, tenant="guards", role="svc") as first,
        holdfast.connect(group.connection, tenant="guards", role="svc") as second,
        long_replica_lag(group),
    ):
        session = first.create()
        second.load(session.session_id)
        try:
            for name in frozen:
                group.pause(name)
            with pytest.raises(Unconfirmed):
                first.append(session, [1], turn_id=turn_id, confirm=1)
            return second.append(session, [1], turn_id=turn_id, confirm=1).confirmed
        finally:
            for name in frozen:
                group.resume(name)
            first.end(session.session_id)


@contextmanager
def long_replica_lag(group: Servers) -> Iterator[None]:
    """The primary takes writes however long its replicas sleep: WAIT alone is looked at."""
    name, directive = group.primary().name, "min-replicas-max-lag"
    _, before = group.call(name, "CONFIG", "GET", directive)
    group.call(name, "CONFIG", "SET", directive, 60)
    try:
        yield
    finally:
        group.call(name, "CONFIG", "SET", directive, before)


def test_a_repeat_is_confirmed_only_by_replicas_that_have_the_turn(group: Servers) -> None:
    with pytest.raises(Unconfirmed, match="confirmed by 0 of 1"):
        repeated_while_replicas_sleep(group)


def test_without_the_write_of_a_repeat_replicas_confirm_what_they_do_not_have(
    group: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = "call('HSET', KEYS[1], 'seq', s.seq)"
    assert writes in APPEND.body
    script = Script("append", APPEND.body.replace(writes, ""))
    monkeypatch.setattr(turn, "APPEND", script)
    monkeypatch.setattr(turn, "_SHA", script.sha)
    assert repeated_while_replicas_sleep(group) >= 1


# --- min-replicas-to-write -----------------------------------------------------------------------


def set_min_replicas(group: Servers, count: int) -> None:
    for node in group.servers:
        if node.running and not node.paused:
            group.call(node.name, "CONFIG", "SET", "min-replicas-to-write", count)


def test_with_min_replicas_the_end_of_a_lonely_primary_costs_little(group: Servers) -> None:
    result = drill(GroupMeans(group), "primary-alone")
    assert result.failures == ()


def test_without_min_replicas_a_lonely_primary_loses_all_that_it_acknowledged(
    group: Servers,
) -> None:
    def unguarded(of: Drill) -> Drill:
        def run(stage: Stage) -> None:
            set_min_replicas(group, 0)
            try:
                of.run(stage)
            finally:
                set_min_replicas(group, 1)

        return replace(of, run=run)

    means = GroupMeans(group)
    old = group.primary().name
    result = drill(means, "primary-alone", unguarded)
    # The old one was down while the guard was put back.
    group.call(old, "CONFIG", "SET", "min-replicas-to-write", 1)
    assert not result.ok
    assert failures(result, "acknowledged turns are lost, at most")
    assert result.figures is not None
    assert result.figures.lost_confirmed == 0


def test_a_store_without_min_replicas_is_not_drilled_at_all(group: Servers) -> None:
    set_min_replicas(group, 0)
    try:
        with pytest.raises(Unhealthy, match="expected min-replicas-to-write at least 1"):
            run_drills(
                group.connection,
                GroupMeans(group),
                select(["primary-alone"]),
                options=Options(health_seconds=0.1),
            )
    finally:
        set_min_replicas(group, 1)


# --- the gate of a cold start --------------------------------------------------------------------

GATE = "\nreplica-priority 0\n"
COLD_DOWN_AFTER_SECONDS = 3.0
"""A Sentinel opens a new link to whom it has just promoted, and takes it for down where that is
longer than this under way: after 1 s half of all failovers were followed by another."""


class AnyOrder(GroupMeans):
    """Comes back as pods do: Sentinels and a stale replica long before the last primary.

    Args:
        group: the processes.
        gate: replicas come back with ``replica-priority 0`` until they are in step, which is
            what the start script and the agent of a cluster do.
    """

    def __init__(self, group: Servers, *, gate: bool) -> None:
        super().__init__(group)
        self._gate = gate
        self._primary = group.primary().name

    def start(self, name: str) -> None:
        self._close_gate(name)
        super().start(name)

    def put_back(self) -> None:
        down = [node for node in self.group.nodes.values() if not node.running]
        for node in down:
            if node.kind == "sentinel":
                self.group.start(node.name)
        if any(node.kind == "sentinel" for node in down):
            self._wait_for_a_failover()
        for node in sorted(down, key=lambda node: node.name == self._primary):
            if not node.running:
                self._close_gate(node.name)
                self.group.start(node.name)
        self._open_gates()

    def _wait_for_a_failover(self) -> None:
        """Give the Sentinels time enough to promote whom they find."""

        def moved() -> bool:
            return self.group.primary().name != self._primary

        if not self._gate:
            # Whoever comes back before it may be promoted instead, and have every turn.
            wait_until("a failover", moved, seconds=90)
            return
        # The time has to pass in vain.
        with suppress(TimeoutError):
            wait_until("a failover", moved, seconds=3 * COLD_DOWN_AFTER_SECONDS)

    def _close_gate(self, name: str) -> None:
        if self._gate and name != self._primary:
            with (self.group.nodes[name].folder / "conf").open("a") as conf:
                conf.write(GATE)

    def _open_gates(self) -> None:
        if not self._gate:
            return
        for node in self.group.servers:
            if node.name != self._primary:
                self._open_gate(node.name)

    def _open_gate(self, name: str) -> None:
        def in_step() -> bool:
            return self.group.info(name, "replication").get("master_link_status") == "up"

        wait_until(f"{name} to be in step", in_step)
        self.group.call(name, "CONFIG", "SET", "replica-priority", 100)
        conf = self.group.nodes[name].folder / "conf"
        conf.write_text(conf.read_text().replace(GATE, "\n"))


@pytest.fixture
def cold(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with start_sentinel(
        server_install,
        tmp_path_factory.mktemp("cold"),
        down_after_ms=int(1000 * COLD_DOWN_AFTER_SECONDS),
    ) as servers:
        yield servers


def test_with_the_gate_a_stale_replica_that_starts_first_is_not_promoted(cold: Servers) -> None:
    result = drill(AnyOrder(cold, gate=True), "cold-start")
    assert result.failures == ()
    assert result.figures is not None
    assert result.figures.acknowledged > 0


def test_without_the_gate_a_stale_replica_is_promoted_and_costs_turns(cold: Servers) -> None:
    result = drill(AnyOrder(cold, gate=False), "cold-start")
    assert not result.ok
    assert failures(result, "the primary was")
    assert failures(result, "acknowledged turns are lost, at most 0 may be")
    assert result.figures is not None
    assert result.figures.lost_confirmed > 0
