"""prestop.sh: a primary hands over before it is stopped, and believes no single answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.shape import resolve_shape
from holdfast.connection import Topology
from holdfast.errors import ConfigError
from holdfast.roles import Place
from k8s.templates import SHUTDOWN_TIMEOUT_SECONDS
from k8s.workloads import GRACE_SECONDS
from tests.unit.k8s.scripts import NODES, SCRIPTS, SENTINELS, Pod, Result

_LEFT_SECONDS = GRACE_SECONDS[Place.SERVER] - SHUTDOWN_TIMEOUT_SECONDS
_MOST_SENTINELS = 7


def _primary(folder: Path, version: str = "9.1.2") -> Pod:
    pod = Pod(folder / "pod", 0, version=version)
    pod.has_role("localhost", "master")
    pod.answer("localhost", "INFO replication", "role:master\r\nslave0:state=online\r\n")
    pod.answer("localhost", "CLIENT *", "OK")
    pod.sentinels_name(*[NODES[0]] * 3)
    pod.answer("sentinel*", "SENTINEL CKQUORUM*", "OK 3 usable Sentinels")
    return pod


def _moves(pod: Pod, after: str, *, to: str = NODES[1]) -> None:
    pod.sentinels_name(to, to, to, after=after)
    pod.has_role(to, "master", after=after)


def _stop(pod: Pod) -> Result:
    result = pod.run("prestop.sh")
    assert result.code == 0
    assert result.seconds <= _LEFT_SECONDS
    return result


def test_a_replica_has_nothing_to_hand_over(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod")
    pod.has_role("localhost", "slave")
    assert _stop(pod).calls == ["localhost ROLE"]


def test_a_server_that_does_not_answer_is_not_held_up(tmp_path: Path) -> None:
    assert _stop(Pod(tmp_path / "pod")).seconds == 0


def test_a_primary_hands_over_with_coordinated(tmp_path: Path) -> None:
    pod = _primary(tmp_path)
    pod.answer("sentinel*", "SENTINEL FAILOVER agents COORDINATED", "OK")
    _moves(pod, "COORDINATED")
    result = _stop(pod)
    assert result.called("FAILOVER") == [f"{SENTINELS[0]} SENTINEL FAILOVER agents COORDINATED"]
    assert not result.called("CLIENT PAUSE")
    assert f"the primary is {NODES[1]}:6379 now" in result.log


def test_below_9_writes_are_paused_before_the_failover(tmp_path: Path) -> None:
    pod = _primary(tmp_path, "8.0.1")
    pod.answer("sentinel*", "SENTINEL FAILOVER agents", "OK")
    _moves(pod, "SENTINEL FAILOVER agents")
    result = _stop(pod)
    steps = [call for call in result.calls if "PAUSE" in call or "FAILOVER" in call]
    assert steps == [
        "localhost CLIENT PAUSE 20000 WRITE",
        f"{SENTINELS[0]} SENTINEL FAILOVER agents",
    ]


def test_writers_do_not_wait_for_sentinels_that_have_no_candidate(tmp_path: Path) -> None:
    pod = _primary(tmp_path, "8.0.1")
    pod.answer("sentinel*", "SENTINEL FAILOVER*", "NOGOODSLAVE No suitable replica to promote")
    pod.answer("sentinel*", "SENTINEL FAILOVER*", "OK", at=5)
    pod.sentinels_name(*[NODES[1]] * 3, at=6)
    pod.has_role(NODES[1], "master", at=6)
    result = _stop(pod)
    steps = [call.split()[2] for call in result.calls if "PAUSE" in call]
    # Each refusal lets them go on; the last pause is the one that is handed over in.
    assert steps == ["PAUSE", "UNPAUSE"] * 5 + ["PAUSE"]
    assert "the primary is" in result.log


def test_a_coordinated_failover_that_does_not_end_falls_back_to_the_pause(tmp_path: Path) -> None:
    pod = _primary(tmp_path)
    pod.answer("sentinel*", "SENTINEL FAILOVER agents*", "OK")
    _moves(pod, "FAILOVER agents$")
    result = _stop(pod)
    assert [call.split(" ", 1)[1] for call in result.calls if "PAUSE" in call] == [
        "CLIENT PAUSE 20000 WRITE"
    ]
    assert f"the primary is {NODES[1]}:6379 now" in result.log


def test_the_sentinel_that_has_no_quorum_is_not_asked(tmp_path: Path) -> None:
    pod = _primary(tmp_path)
    pod.answer(SENTINELS[0], "SENTINEL CKQUORUM*", "NOQUORUM 1 usable Sentinels")
    pod.answer("sentinel*", "SENTINEL FAILOVER*", "OK")
    _moves(pod, "COORDINATED")
    assert _stop(pod).called("FAILOVER")[0].startswith(SENTINELS[1])


def test_an_opened_gate_that_the_sentinels_do_not_know_yet_is_waited_for(tmp_path: Path) -> None:
    pod = _primary(tmp_path)
    pod.answer("sentinel*", "SENTINEL FAILOVER*", "NOGOODSLAVE No suitable replica to promote")
    pod.answer("sentinel*", "SENTINEL FAILOVER*", "OK", at=10)
    pod.sentinels_name(*[NODES[1]] * 3, at=11)
    pod.has_role(NODES[1], "master", at=11)
    result = _stop(pod)
    assert not result.called("CLIENT PAUSE")
    assert 10 <= result.seconds <= 13


@pytest.mark.parametrize("answer", ["nothing", "a replica"])
def test_an_ok_alone_is_no_handover(answer: str, tmp_path: Path) -> None:
    pod = _primary(tmp_path)
    pod.answer("sentinel*", "SENTINEL FAILOVER*", "OK")
    if answer == "nothing":
        pod.sentinels_name(None, None, None, after="COORDINATED")
    else:
        pod.sentinels_name(*[NODES[1]] * 3, after="COORDINATED")
        pod.has_role(NODES[1], "slave")
    result = _stop(pod)
    assert "NOT handed over" in result.log
    assert result.called("CLIENT UNPAUSE")


def test_one_sentinel_that_names_another_is_no_handover(tmp_path: Path) -> None:
    pod = _primary(tmp_path)
    pod.answer("sentinel*", "SENTINEL FAILOVER*", "OK")
    pod.sentinels_name(NODES[1], NODES[0], None, after="COORDINATED")
    pod.has_role(NODES[1], "master")
    assert "NOT handed over" in _stop(pod).log


def test_without_a_replica_online_nobody_is_asked(tmp_path: Path) -> None:
    pod = _primary(tmp_path)
    pod.answer("localhost", "INFO replication", "role:master\r\nslave0:state=wait_bgsave\r\n")
    result = _stop(pod)
    assert not result.called("SENTINEL")
    assert 12 <= result.seconds <= 14


def test_silent_sentinels_do_not_hold_the_stop_up_for_longer_than_the_grace(
    tmp_path: Path,
) -> None:
    pod = _primary(tmp_path)
    pod.answer("sentinel*", "*", "!refused")
    assert "NOT handed over" in _stop(pod).log


def _numbers(*scripts: str) -> dict[str, int]:
    text = "".join((SCRIPTS / name).read_text() for name in scripts)
    return {name: int(value) for name, value in re.findall(r"^(\w+)=(\d+)$", text, re.MULTILINE)}


def test_the_longest_way_fits_the_grace() -> None:
    own = _numbers("prestop.sh")
    waits = 3 * own["CANDIDATE_SECONDS"] + own["COORDINATED_SECONDS"] + own["PAUSED_SECONDS"]
    # Quick answers leave each wait whole.
    assert own["HAND_OVER_SECONDS"] == waits
    with pytest.raises(ConfigError):
        resolve_shape(Topology.SENTINEL, sentinels=_MOST_SENTINELS + 2)
    # A Sentinel that is asked just before the end (CKQUORUM, FAILOVER), one look (every Sentinel,
    # and whom they name), and UNPAUSE.
    asked_late = 2 + _MOST_SENTINELS + 1 + 1
    overshoot = asked_late * _numbers("lib.sh")["ANSWER_SECONDS"]
    assert waits + overshoot + SHUTDOWN_TIMEOUT_SECONDS <= GRACE_SECONDS[Place.SERVER]


# A replica that is online late; Sentinels that agree as late as they are asked, in vain.
@pytest.mark.parametrize(("slow", "coordinated", "paused"), [(0, 23, 54), (2, 24, 58)])
def test_slow_answers_do_not_hold_the_stop_up_for_longer_than_the_grace(
    slow: int, coordinated: int, paused: int, tmp_path: Path
) -> None:
    pod = _primary(tmp_path)
    pod.takes_seconds_to_answer(slow)
    pod.answer("localhost", "INFO replication", "role:master\r\nslave0:state=wait_bgsave\r\n")
    pod.answer("localhost", "INFO replication", "slave0:state=online\r\n", at=12)
    pod.answer("sentinel*", "SENTINEL FAILOVER*", "NOGOODSLAVE No suitable replica to promote")
    pod.answer("sentinel*", "SENTINEL FAILOVER agents COORDINATED", "OK", at=coordinated)
    pod.answer("sentinel*", "SENTINEL FAILOVER agents", "OK", at=paused)
    result = _stop(pod)
    assert "NOT handed over" in result.log
    assert result.seconds >= _numbers("prestop.sh")["HAND_OVER_SECONDS"] - 2
    assert result.called("PAUSE")[-1].endswith("UNPAUSE")
