"""start-valkey.sh: who starts as the primary, who follows, who waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.start_cases import FOLDER_CASES, START_CASES, FolderCase, StartCase
from tests.unit.k8s.scripts import NODES, OUT_OF_TIME, SECRETS, SENTINELS, Pod, Result

_ADDRESSES = tuple(f"{node}:6379" for node in NODES)


def _start(pod: Pod, seconds: int = 600) -> Result:
    return pod.run("start-valkey.sh", seconds=seconds)


@pytest.mark.parametrize("case", START_CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("ordinal", range(3))
def test_only_who_may_be_primary_starts_as_one(
    case: StartCase, ordinal: int, tmp_path: Path
) -> None:
    pod = Pod(tmp_path / "pod", ordinal)
    pod.sentinels_name(*(None if n is None else NODES[n] for n in case.answers))
    if case.holds_keys[ordinal]:
        pod.give_data()
    for number, node in enumerate(NODES):
        if number != ordinal:
            # The others are up as replicas: the hardest moment to resist.
            if case.in_step[number] and case.holds_keys[number]:
                pod.is_in_step(node)
            else:
                pod.holds(node, keys=9 if case.holds_keys[number] else 0)
            pod.has_role(node, "slave")
    if any(case.in_step):
        heir = NODES[max(case.primaries)]
        pod.answer("sentinel*", "SENTINEL FAILOVER*", "OK")
        pod.sentinels_name(*[heir] * 3, after="SENTINEL FAILOVER")
        pod.has_role(heir, "master", after="SENTINEL FAILOVER")
    result = _start(pod, seconds=30)
    named = max((n for n in case.answers if n is not None), key=case.answers.count)
    assert result.is_primary == (ordinal == named and ordinal in case.primaries)


@pytest.mark.parametrize("case", FOLDER_CASES, ids=lambda case: case.name)
def test_a_folder_has_data_when_a_server_would_have_keys_on_it(
    case: FolderCase, tmp_path: Path
) -> None:
    pod = Pod(tmp_path / "pod")
    folder = pod.data / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("file a.1.base.rdb seq 1 type b\n")
    for name, content in case.files:
        (folder / name).write_bytes(content)
    pod.sentinels_name(*[NODES[0]] * 3)
    result = _start(pod, seconds=10)
    # Named and with data: it starts. Without: it asks the others first, and nobody answers.
    assert result.is_primary == case.holds_keys


def test_a_node_with_data_waits_until_the_named_node_is_a_primary(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 1)
    pod.give_data()
    pod.sentinels_name(*[NODES[2]] * 3)
    pod.has_role(NODES[2], "slave")
    pod.has_role(NODES[2], "master", at=20)
    result = _start(pod)
    assert result.replica_of == _ADDRESSES[2]
    assert 20 <= result.seconds < 30


def test_a_named_node_that_stays_no_primary_is_followed_after_a_minute(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 1)
    pod.give_data()
    pod.sentinels_name(*[NODES[2]] * 3)
    result = _start(pod)
    assert result.replica_of == _ADDRESSES[2]
    assert 60 <= result.seconds < 70


def test_a_node_without_data_follows_at_once(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 1)
    pod.sentinels_name(*[NODES[0]] * 3)
    result = _start(pod)
    assert (result.replica_of, result.seconds) == (_ADDRESSES[0], 0)


def test_an_emptied_primary_asks_for_a_failover_and_follows_who_takes_over(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.sentinels_name(*[NODES[0]] * 3)
    pod.sentinels_name(*[NODES[1]] * 3, after="SENTINEL FAILOVER")
    pod.answer(SENTINELS[0], "SENTINEL FAILOVER*", "OK")
    pod.holds(NODES[1], 9)
    pod.holds(NODES[2], 9)
    result = _start(pod)
    assert result.replica_of == _ADDRESSES[1]
    assert len(result.called("SENTINEL FAILOVER agents")) == 1
    assert "COORDINATED" not in "".join(result.calls)


def _came_back(folder: Path) -> Pod:
    """The primary with its data, named still; its replicas followed it until it ended."""
    pod = Pod(folder / "pod", 0)
    pod.give_data()
    (pod.data / ".last-primary").write_text(f"{_ADDRESSES[0]}\n")
    pod.sentinels_name(*[NODES[0]] * 3)
    for node in NODES[1:]:
        pod.is_in_step(node)
    return pod


def _hands_over(pod: Pod, at: int = 0) -> None:
    pod.answer("sentinel*", "SENTINEL FAILOVER*", "OK")
    pod.sentinels_name(*[NODES[2]] * 3, at=at, after="SENTINEL FAILOVER")
    pod.has_role(NODES[2], "master", at=at, after="SENTINEL FAILOVER")


@pytest.mark.parametrize("link_down", [None, 0, 1, 10])
def test_a_primary_that_comes_back_lets_a_replica_lead_that_may_have_more(
    link_down: int | None, tmp_path: Path
) -> None:
    pod = _came_back(tmp_path)
    pod.is_in_step(NODES[1], down_seconds=link_down)
    _hands_over(pod)
    result = _start(pod)
    assert (result.replica_of, result.seconds) == (_ADDRESSES[2], 1)
    assert result.called("FAILOVER") == [f"{SENTINELS[0]} SENTINEL FAILOVER agents"]
    assert len(result.called("INFO")) == 2, "each peer is asked once"


def test_a_sentinel_that_refuses_leaves_the_failover_to_another(tmp_path: Path) -> None:
    pod = _came_back(tmp_path)
    _hands_over(pod)
    pod.answer(SENTINELS[0], "SENTINEL FAILOVER*", "!refused")
    pod.answer(SENTINELS[1], "SENTINEL FAILOVER*", "NOGOODSLAVE No suitable replica to promote")
    result = _start(pod)
    assert result.replica_of == _ADDRESSES[2]
    assert len(result.called("FAILOVER")) == 3


def test_a_failover_that_another_began_is_waited_for(tmp_path: Path) -> None:
    pod = _came_back(tmp_path)
    _hands_over(pod, at=5)
    pod.answer("sentinel*", "SENTINEL FAILOVER*", "INPROG Failover already in progress")
    result = _start(pod)
    assert (result.replica_of, result.seconds) == (_ADDRESSES[2], 5)
    assert len(result.called("FAILOVER")) == 1


@pytest.mark.parametrize("answer", ["NOGOODSLAVE No suitable replica to promote", "!refused"])
def test_a_primary_leads_at_once_where_no_sentinel_fails_over(answer: str, tmp_path: Path) -> None:
    pod = _came_back(tmp_path)
    pod.answer("sentinel*", "SENTINEL FAILOVER*", answer)
    result = _start(pod)
    assert (result.is_primary, result.seconds) == (True, 0)
    reason = answer if answer[0] != "!" else "no answer"
    assert f"which do not fail over: {reason}" in result.log


def test_a_primary_leads_after_all_where_a_failover_comes_to_nothing(tmp_path: Path) -> None:
    pod = _came_back(tmp_path)
    pod.answer("sentinel*", "SENTINEL FAILOVER*", "OK")
    result = _start(pod)
    assert result.is_primary
    assert 20 <= result.seconds < 22
    assert len(result.called("FAILOVER")) == 1
    assert "20 s after they were asked to fail over" in result.log


@pytest.mark.parametrize(
    "trouble",
    ["silent", "gated", "empty", "loading", "copying", "long out of step", "never in step"],
)
def test_a_primary_leads_at_once_where_its_file_may_have_what_a_replica_lacks(
    trouble: str, tmp_path: Path
) -> None:
    pod = _came_back(tmp_path)
    _hands_over(pod)
    link = "master_link_down_since_seconds:1\r\nslave_priority:100\r\n"
    match trouble:
        case "silent":
            pod.answer(NODES[1], "INFO keyspace*", "!refused")
        case "gated":
            pod.is_in_step(NODES[1], priority=0)
        case "empty":
            pod.holds(NODES[1], 0, more=link)
        case "loading":
            pod.answer(NODES[1], "INFO keyspace*", f"loading:1\r\nrole:slave\r\n{link}# Keyspace")
        case "copying":
            pod.holds(NODES[1], 9, more=f"master_sync_in_progress:1\r\n{link}")
        case "long out of step":
            pod.is_in_step(NODES[1], down_seconds=11)
        case "never in step":
            pod.is_in_step(NODES[1], down_seconds=-1)
    result = _start(pod)
    assert (result.is_primary, result.seconds) == (True, 0)
    assert not result.called("FAILOVER")


def test_an_empty_node_that_is_named_waits_while_another_is_silent(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.sentinels_name(*[NODES[0]] * 3)
    pod.holds(NODES[1], 0)
    result = _start(pod, seconds=40)
    assert result.code == OUT_OF_TIME
    assert "no answer from: node-2.test:6379" in result.log


def test_a_peer_that_loads_counts_as_one_with_data(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.sentinels_name(*[NODES[0]] * 3)
    pod.holds(NODES[1], 0)
    pod.answer(NODES[2], "INFO keyspace*", "loading:1\r\nrole:master\r\n# Keyspace")
    result = _start(pod, seconds=30)
    assert result.code == OUT_OF_TIME
    assert "keys are on: node-2.test:6379" in result.log


def test_sentinels_that_forgot_do_not_make_a_node_primary_that_followed_another(
    tmp_path: Path,
) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.give_data()
    (pod.data / ".last-primary").write_text(f"{_ADDRESSES[2]}\n")
    pod.sentinels_name(*[NODES[0]] * 3)
    pod.sentinels_name(*[NODES[2]] * 3, at=40)
    pod.has_role(NODES[2], "slave")
    pod.has_role(NODES[2], "master", at=40)
    result = _start(pod)
    assert result.replica_of == _ADDRESSES[2]


def test_who_followed_another_that_never_returns_leads_in_the_end(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.give_data()
    (pod.data / ".last-primary").write_text(f"{_ADDRESSES[2]}\n")
    pod.sentinels_name(*[NODES[0]] * 3)
    result = _start(pod)
    assert result.is_primary
    assert 180 <= result.seconds < 190


def test_the_first_start_without_sentinels_makes_node_0_primary(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.holds(NODES[1], 0)
    pod.holds(NODES[2], 0)
    result = _start(pod)
    assert result.is_primary
    assert (pod.data / ".bootstrapped").exists()


@pytest.mark.parametrize("ordinal", [1, 2])
def test_on_the_first_start_without_sentinels_the_others_follow_node_0(
    ordinal: int, tmp_path: Path
) -> None:
    pod = Pod(tmp_path / "pod", ordinal)
    assert _start(pod).replica_of == _ADDRESSES[0]


@pytest.mark.parametrize("trouble", ["marker", "peer with data", "silent peer", "own data"])
def test_without_sentinels_node_0_does_not_lead_when(trouble: str, tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.holds(NODES[1], 9 if trouble == "peer with data" else 0)
    if trouble != "silent peer":
        pod.holds(NODES[2], 0)
    if trouble == "marker":
        (pod.data / ".bootstrapped").touch()
    if trouble == "own data":
        pod.give_data()
    result = _start(pod, seconds=30)
    assert not result.is_primary


def test_without_sentinels_the_only_primary_that_answers_is_followed(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.give_data()
    pod.holds(NODES[2], 9, role="master")
    assert _start(pod).replica_of == _ADDRESSES[2]


def test_without_sentinels_a_node_follows_the_last_primary_it_knew(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.give_data()
    (pod.data / ".last-primary").write_text(f"{_ADDRESSES[1]}\n")
    assert _start(pod).replica_of == _ADDRESSES[1]


def test_without_sentinels_two_primaries_are_no_answer(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.give_data()
    (pod.data / ".last-primary").write_text(f"{_ADDRESSES[0]}\n")
    for node in NODES[1:]:
        pod.holds(node, 9, role="master")
    assert _start(pod, seconds=30).code == OUT_OF_TIME


def test_one_sentinel_of_three_is_no_majority(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.give_data()
    (pod.data / ".last-primary").write_text(f"{_ADDRESSES[0]}\n")
    pod.sentinels_name(NODES[0], None, None)
    assert _start(pod, seconds=30).code == OUT_OF_TIME


def test_a_late_majority_is_heard(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.give_data()
    (pod.data / ".last-primary").write_text(f"{_ADDRESSES[0]}\n")
    pod.sentinels_name(*[NODES[0]] * 3, at=50)
    assert _start(pod).is_primary


def test_sentinels_that_refuse_are_no_answer(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.give_data()
    (pod.data / ".last-primary").write_text(f"{_ADDRESSES[0]}\n")
    pod.answer("sentinel*", "*", "NOPERM User agent has no permissions")
    assert _start(pod, seconds=30).code == OUT_OF_TIME


def test_what_told_of_lost_data_is_forgotten(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 1)
    (pod.data / ".last-synced").write_text("1699999999\n")
    pod.sentinels_name(*[NODES[0]] * 3)
    _start(pod)
    assert not (pod.data / ".last-synced").exists()


def test_the_config_is_filled_in_for_the_owner_alone(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 1)
    pod.sentinels_name(*[NODES[0]] * 3)
    result = _start(pod)
    assert f"replica-announce-ip {NODES[1]}\nmasterauth {SECRETS['replica']}\n" in result.conf
    assert (tmp_path / "pod" / "run" / "valkey.conf").stat().st_mode & 0o777 == 0o600


def test_no_password_is_an_argument_or_in_the_log(tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 0)
    pod.sentinels_name(*[NODES[0]] * 3)
    result = _start(pod, seconds=30)
    arguments = (tmp_path / "pod" / "fake" / "argv").read_text()
    assert "--user agent" in arguments
    for secret in SECRETS.values():
        assert secret not in arguments + result.log


@pytest.mark.parametrize("template", ["masterauth @secret:nobody@", "dir @HF_NOTHING@"])
def test_a_placeholder_without_a_value_stops_the_start(template: str, tmp_path: Path) -> None:
    pod = Pod(tmp_path / "pod", 1)
    (pod.folder / "conf" / "valkey.conf").write_text(template + "\n")
    pod.sentinels_name(*[NODES[0]] * 3)
    result = _start(pod)
    assert (result.code, result.program) == (1, "")
