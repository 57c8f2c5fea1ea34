"""Drills on real servers: writers at work, a fault, and figures that hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from holdfast.errors import VerificationFailed
from holdfast.verify.drills.catalogue import select
from holdfast.verify.drills.judge import Bounds
from holdfast.verify.drills.lease import DrillLease
from holdfast.verify.drills.result import DrillResult, Unhealthy
from holdfast.verify.drills.runner import Options, run_drills
from tests.local.group_means import SLACK_SECONDS, GroupMeans
from tests.servers import Install, Servers, start_sentinel, wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def group(server_install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with start_sentinel(
        server_install, tmp_path_factory.mktemp("drills"), down_after_ms=1000
    ) as servers:
        yield servers


def drill(group: Servers, name: str) -> DrillResult:
    (result,) = run_drills(
        group.connection,
        GroupMeans(group),
        select([name]),
        options=Options(slack_seconds=SLACK_SECONDS),
    )
    return result


def keys(group: Servers) -> int:
    return int(group.call(group.primary().name, "DBSIZE"))


def test_a_planned_failover_loses_nothing(group: Servers) -> None:
    before = group.primary().name
    result = drill(group, "planned-failover")
    assert result.failures == ()
    assert result.figures is not None
    assert (result.figures.lost, result.figures.duplicates) == (0, 0)
    assert result.figures.confirmed > 0
    assert group.primary().name != before
    assert str(group.primary().port) in result.agreement
    assert keys(group) == 0


def test_writers_resume_after_the_primary_was_killed(group: Servers) -> None:
    result = drill(group, "kill-primary")
    assert result.failures == ()
    assert result.figures is not None
    assert result.figures.lost_confirmed == 0
    assert result.figures.resumed_after_seconds is not None
    assert result.figures.resumed_after_seconds > 0.5
    assert all(node.running for node in group.nodes.values())
    assert keys(group) == 0


def test_a_drill_fails_where_the_writers_are_not_back_in_time(group: Servers) -> None:
    (impatient,) = (
        replace(drill, bounds=lambda _: Bounds(pause_seconds=0.001))
        for drill in select(["planned-failover"])
    )
    (result,) = run_drills(group.connection, GroupMeans(group), [impatient])
    assert not result.ok
    assert [text for text in result.failures if text.startswith("a writer paused for")]


def test_a_second_drill_at_once_is_refused(group: Servers) -> None:
    with (
        DrillLease(group.connection),
        pytest.raises(VerificationFailed, match="another drill is under way"),
    ):
        drill(group, "kill-primary")
    assert keys(group) == 0


def test_a_store_that_is_not_well_is_left_alone(group: Servers) -> None:
    frozen = next(node for node in group.servers if node is not group.primary())
    group.pause(frozen.name)
    try:
        with pytest.raises(Unhealthy, match=f"nothing was done to it: {frozen.name} is frozen"):
            run_drills(
                group.connection,
                GroupMeans(group),
                select(["kill-primary"]),
                options=Options(health_seconds=0.1),
            )
        assert group.primary().running
    finally:
        group.resume(frozen.name)


def test_an_interrupted_drill_puts_everything_back(group: Servers) -> None:
    stop = threading.Event()

    class Interrupting(GroupMeans):
        def freeze(self, name: str) -> None:
            super().freeze(name)
            stop.set()

    (result,) = run_drills(
        group.connection, Interrupting(group), select(["freeze-primary", "kill-primary"]), stop=stop
    )
    assert result.interrupted
    assert not result.ok
    assert not any(node.paused for node in group.nodes.values())
    assert result.agreement
    assert keys(group) == 0


def test_the_lease_is_given_back_once_the_primary_takes_writes_again(group: Servers) -> None:
    frozen = [node.name for node in group.servers if node is not group.primary()]

    def thaw() -> None:
        for name in frozen:
            group.resume(name)

    with DrillLease(group.connection):
        for name in frozen:
            group.pause(name)
        wait_until("the primary to refuse writes", lambda: refuses_writes(group))
        threading.Timer(1.0, thaw).start()
    assert keys(group) == 0


def refuses_writes(group: Servers) -> bool:
    found = group.info(group.primary().name, "replication")
    return found.get("min_slaves_good_slaves", found.get("min_replicas_good_replicas")) == "0"
