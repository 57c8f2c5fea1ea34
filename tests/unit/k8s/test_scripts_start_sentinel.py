"""start-sentinel.sh: what is remembered stays, what is set is renewed."""

from __future__ import annotations

from pathlib import Path

from tests.unit.k8s.scripts import NODES, SECRETS, Pod, Result

_TEMPLATE = """tls-port 26379
sentinel announce-ip @HF_NODE_FQDN@
sentinel myid @HF_SENTINEL_ID@
sentinel monitor agents node-0.test 6379 2
sentinel down-after-milliseconds agents 5000
sentinel auth-pass agents @secret:sentinel@
"""
_KEPT = """tls-port 26379
sentinel monitor agents node-2.test 6379 2
sentinel down-after-milliseconds agents 9999
sentinel auth-pass agents oldSecret
sentinel config-epoch agents 7
sentinel leader-epoch agents 7
sentinel known-replica agents node-0.test 6379
sentinel known-sentinel agents sentinel-0.test 26379 {peer}
sentinel known-replica other elsewhere.test 6379
sentinel current-epoch 7
""".format(peer="a" * 40)


def _pod(folder: Path, ordinal: int = 1) -> Pod:
    pod = Pod(folder / "pod", ordinal, kind="sentinel")
    (pod.folder / "conf" / "sentinel.conf").write_text(_TEMPLATE)
    return pod


def _start(pod: Pod) -> Result:
    result = pod.run("start-sentinel.sh", seconds=60)
    assert result.program == f"{pod.data / 'sentinel.conf'} --sentinel\n"
    return result


def _lines(result: Result) -> list[str]:
    return [line.removeprefix("sentinel ") for line in result.conf.splitlines() if line]


def test_the_first_start_takes_the_template(tmp_path: Path) -> None:
    lines = _lines(_start(_pod(tmp_path)))
    assert f"myid {'b' * 40}" in lines
    assert "announce-ip sentinel-1.test" in lines
    assert "monitor agents node-0.test 6379 2" in lines
    assert f"auth-pass agents {SECRETS['sentinel']}" in lines


def test_a_later_start_keeps_the_primary_and_renews_the_settings(tmp_path: Path) -> None:
    pod = _pod(tmp_path)
    (pod.data / "sentinel.conf").write_text(_KEPT)
    result = _start(pod)
    lines = _lines(result)
    assert [line for line in lines if line.startswith("monitor")] == [
        "monitor agents node-2.test 6379 2"
    ]
    assert "down-after-milliseconds agents 5000" in lines
    assert f"auth-pass agents {SECRETS['sentinel']}" in lines
    assert "oldSecret" not in result.conf
    for learned in ("config-epoch agents 7", "leader-epoch agents 7", "current-epoch 7"):
        assert learned in lines
    assert "known-replica agents node-0.test 6379" in lines
    assert not [line for line in lines if "other" in line]
    assert result.calls == []


def test_what_the_store_no_longer_has_is_forgotten_and_what_it_has_is_kept(tmp_path: Path) -> None:
    pod = _pod(tmp_path)
    # Of five Sentinels and four servers, three each are left. Valkey 9 quotes the ids.
    known = [
        *(f"known-replica agents node-{n}.test 6379" for n in (0, 1, 3)),
        "known-slave agents node-13.test 6379",
        *(f'known-sentinel agents sentinel-{n}.test 26379 "{n}{"f" * 39}"' for n in (0, 2, 3, 4)),
    ]
    (pod.data / "sentinel.conf").write_text(
        "".join(f"sentinel {line}\n" for line in ("monitor agents node-2.test 6379 3", *known))
    )
    lines = _lines(_start(pod))
    kept = [line for line in lines if line.startswith("known-")]
    assert kept == [known[0], known[1], known[4], known[5]]
    assert "monitor agents node-2.test 6379 2" in lines


def test_a_lost_volume_asks_the_other_sentinels_who_is_primary(tmp_path: Path) -> None:
    pod = _pod(tmp_path)
    pod.sentinels_name(NODES[1], None, NODES[1])
    assert "monitor agents node-1.test 6379 2" in _lines(_start(pod))


def test_sentinels_that_all_forgot_ask_the_servers(tmp_path: Path) -> None:
    pod = _pod(tmp_path)
    pod.holds(NODES[0], 5)
    pod.holds(NODES[2], 9, role="master")
    assert "monitor agents node-2.test 6379 2" in _lines(_start(pod))


def test_two_servers_that_call_themselves_primary_are_no_answer(tmp_path: Path) -> None:
    pod = _pod(tmp_path)
    pod.holds(NODES[1], 5, role="master")
    pod.holds(NODES[2], 9, role="master")
    assert "monitor agents node-0.test 6379 2" in _lines(_start(pod))


def test_the_file_is_for_the_owner_alone_and_a_failed_start_leaves_the_old_one(
    tmp_path: Path,
) -> None:
    pod = _pod(tmp_path)
    _start(pod)
    conf = pod.data / "sentinel.conf"
    assert conf.stat().st_mode & 0o777 == 0o600
    before = conf.read_text()
    (pod.folder / "secrets" / "sentinel").unlink()
    result = pod.run("start-sentinel.sh")
    assert result.code == 1
    assert conf.read_text() == before
