"""agent.sh: the gate, the escape from an outage without a primary, and reloads."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from tests.certificates import Authority
from tests.unit.k8s.scripts import NODES, SCRIPTS, SENTINELS, Pod, Result

_GATE = "CONFIG SET replica-priority"
_ADDRESS = f"{NODES[0]}:6379"


def _info(role: str, *, link: str = "up", syncing: int = 0, priority: int = 0) -> str:
    if role == "master":
        return "role:master\r\nslave_priority:7\r\n"
    return (
        f"role:slave\r\nmaster_host:{NODES[0]}\r\nmaster_port:6379\r\nmaster_link_status:{link}\r\n"
        f"master_sync_in_progress:{syncing}\r\nslave_priority:{priority}\r\n"
    )


def _acl(*lines: str) -> str:
    text = "".join(f"{line}\n" for line in lines)
    return f"{text}user _rev off #{hashlib.sha256(text.encode()).hexdigest()}\n"


def _revision(text: str) -> str:
    return text.rstrip().rpartition("#")[2]


def _pod(folder: Path, info: str) -> Pod:
    pod = Pod(folder / "pod", 1)
    acl = _acl("user default off")
    (pod.folder / "acl" / "users.acl").write_text(acl)
    leaf = Authority().issue(("localhost",))
    (pod.folder / "tls" / "tls.crt").write_text(leaf.certificate_pem)
    pod.answer("localhost", "INFO server replication", info)
    pod.answer("localhost", "ACL GETUSER _rev", f"passwords\n{_revision(acl)}")
    pod.answer("localhost", "ACL LOAD", "OK")
    pod.answer("localhost", "CONFIG SET*", "OK")
    pod.answer("localhost", "CLIENT KILL*", "3")
    pod.answer("localhost", "INFO tls", f"tls_server_cert_serial:{_serial(pod)}")
    return pod


def _serial(pod: Pod) -> str:
    pem = (pod.folder / "tls" / "tls.crt").read_bytes()
    return f"{x509.load_pem_x509_certificate(pem).serial_number:X}"


def _run(pod: Pod, seconds: int) -> Result:
    return pod.run("agent.sh", seconds=seconds)


def _priorities(result: Result) -> list[str]:
    return [call.rpartition(" ")[2] for call in result.called(_GATE)]


def test_a_replica_in_step_for_five_seconds_may_be_chosen(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("slave"))
    assert _priorities(_run(pod, 4)) == []
    assert set(_priorities(_run(pod, 10))) == {"100"}


@pytest.mark.parametrize("info", [_info("slave", link="down"), _info("slave", syncing=1)])
def test_a_replica_out_of_step_stays_gated_and_is_not_remembered(info: str, tmp_path: Path) -> None:
    pod = _pod(tmp_path, info)
    assert _priorities(_run(pod, 60)) == []
    assert not (pod.data / ".last-synced").exists()


def test_an_open_gate_is_not_set_again(tmp_path: Path) -> None:
    assert _priorities(_run(_pod(tmp_path, _info("slave", priority=100)), 20)) == []


def test_a_primary_that_is_demoted_is_gated_until_it_is_in_step(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("master"))
    pod.answer("localhost", "INFO server*", _info("slave", link="down", priority=100), at=5)
    pod.answer("localhost", "INFO server*", _info("slave"), at=8)
    assert _priorities(_run(pod, 14)) == ["0", "100"]


@pytest.mark.parametrize(
    ("info", "primary"), [(_info("master"), f"{NODES[1]}:6379"), (_info("slave"), _ADDRESS)]
)
def test_each_second_in_step_is_remembered_and_so_is_the_primary(
    info: str, primary: str, tmp_path: Path
) -> None:
    pod = _pod(tmp_path, info)
    _run(pod, 7)
    assert (pod.data / ".last-synced").read_text() == f"{pod.began + 6}\n"
    assert (pod.data / ".last-primary").read_text() == f"{primary}\n"


def _without_primary(folder: Path, synced_ago: int | None = 300) -> Pod:
    pod = _pod(folder, _info("slave", link="down"))
    pod.sentinels_name(*[NODES[0]] * 3)
    if synced_ago is not None:
        (pod.data / ".last-synced").write_text(f"{pod.began - synced_ago}\n")
    return pod


def test_after_the_grace_a_replica_may_be_chosen_by_how_fresh_it_is(tmp_path: Path) -> None:
    result = _run(_without_primary(tmp_path), 130)
    ranks = [int(rank) for rank in _priorities(result)]
    assert len(ranks) == 1
    assert 100 + 300 + 120 <= ranks[0] <= 100 + 300 + 126


def test_before_the_grace_nobody_may_be_chosen(tmp_path: Path) -> None:
    assert _priorities(_run(_without_primary(tmp_path), 118)) == []


def test_a_node_that_was_never_in_step_is_never_chosen(tmp_path: Path) -> None:
    assert _priorities(_run(_without_primary(tmp_path, None), 150)) == []


@pytest.mark.parametrize("case", ["primary answers", "no majority"])
def test_a_node_that_is_cut_off_alone_does_not_open(case: str, tmp_path: Path) -> None:
    pod = _without_primary(tmp_path)
    if case == "primary answers":
        pod.has_role(NODES[0], "master")
    else:
        pod.sentinels_name(NODES[0], None, None)
    assert _priorities(_run(pod, 150)) == []


def test_a_replica_lets_those_open_too_that_started_later(tmp_path: Path) -> None:
    pod = _without_primary(tmp_path)
    late = "uptime_in_seconds:{}\r\nrole:slave\r\nslave_priority:0\r\n"
    pod.answer(NODES[2], "INFO server*", late.format(30))
    pod.answer(NODES[2], "INFO server*", late.format(120), at=210)
    result = _run(pod, 220)
    assert "lets those open that started later: node-2.test:6379" in result.log
    assert len(_priorities(result)) == 1
    assert int(_priorities(result)[0]) >= 100 + 300 + 210


@pytest.mark.parametrize(("theirs", "asks"), [(9999, True), (150, False)])
def test_only_the_freshest_asks_for_the_failover(theirs: int, asks: bool, tmp_path: Path) -> None:
    pod = _without_primary(tmp_path)
    pod.answer(
        NODES[2], "INFO server*", f"uptime_in_seconds:900\r\nrole:slave\r\nslave_priority:{theirs}"
    )
    pod.answer("localhost", "INFO server*", _info("slave", link="down", priority=520), after=_GATE)
    pod.answer(SENTINELS[0], "SENTINEL FAILOVER*", "OK")
    result = _run(pod, 170)
    assert bool(result.called("SENTINEL FAILOVER agents")) == asks


def test_changed_users_are_loaded_and_the_revision_is_read_back(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("master"))
    new = _acl("user default off", "user svc on #" + "1" * 64)
    (pod.folder / "acl" / "users.acl").write_text(new)
    pod.answer("localhost", "ACL GETUSER _rev", _revision(new), after="ACL LOAD")
    result = _run(pod, 12)
    assert len(result.called("ACL LOAD")) == 1
    assert f"revision {_revision(new)} read back" in result.log


def test_users_that_the_server_has_already_are_not_loaded(tmp_path: Path) -> None:
    assert not _run(_pod(tmp_path, _info("master")), 12).called("ACL LOAD")


def test_a_revision_that_does_not_arrive_is_tried_again(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("master"))
    pod.answer("localhost", "ACL GETUSER _rev", "0" * 64)
    result = _run(pod, 12)
    assert len(result.called("ACL LOAD")) > 1
    assert "read back" not in result.log


def test_logins_with_a_password_that_is_gone_are_cut(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("master"))
    one, two, three = ("#" + digit * 64 for digit in "123")
    (pod.folder / "run" / "agent.acl").write_text(
        _acl(f"user svc on {one} {two} +get", f"user admin on {three} +@all")
    )
    new = _acl(f"user svc on {two} +get", f"user admin on {three} {one} +@all")
    (pod.folder / "acl" / "users.acl").write_text(new)
    pod.answer("localhost", "ACL GETUSER _rev", _revision(new), after="ACL LOAD")
    cut = _run(pod, 12).called("CLIENT KILL")
    assert cut == ["localhost CLIENT KILL USER svc SKIPME yes"]


def test_an_agent_that_ends_between_loading_and_cutting_is_made_good_by_the_next(
    tmp_path: Path,
) -> None:
    pod = _pod(tmp_path, _info("master"))
    before = _acl("user svc on #" + "1" * 64)
    new = _acl("user svc on #" + "2" * 64)
    (pod.folder / "run" / "agent.acl").write_text(before)
    (pod.folder / "acl" / "users.acl").write_text(new)
    pod.answer("localhost", "ACL GETUSER _rev", _revision(new), after="ACL LOAD")
    pod.answer("localhost", "CLIENT KILL*", "!refused")
    first = _run(pod, 1)
    assert first.called("ACL LOAD")
    assert "are cut" not in first.log
    assert (pod.folder / "run" / "agent.acl").read_text() == before

    pod.answer("localhost", "ACL GETUSER _rev", _revision(new))
    pod.answer("localhost", "CLIENT KILL*", "3")
    second = _run(pod, 12)
    assert not second.called("ACL LOAD")
    assert second.called("CLIENT KILL") == ["localhost CLIENT KILL USER svc SKIPME yes"]
    assert (pod.folder / "run" / "agent.acl").read_text() == new


def test_an_agent_that_finds_what_it_left_cuts_nobody(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("master"))
    for _ in range(2):
        assert not _run(pod, 12).called("CLIENT KILL")
    assert (pod.folder / "run" / "agent.acl").exists()


def test_the_certificate_is_loaded_once_and_proved_by_its_serial(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("master"))
    result = _run(pod, 20)
    assert len(result.called("CONFIG SET tls-cert-file")) == 1
    serial = _serial(pod).lower().lstrip("0")
    assert f"certificate {serial} loaded, the server serves it" in result.log


def test_a_certificate_that_is_not_served_is_tried_again_and_told(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("master"))
    pod.answer("localhost", "INFO tls", "tls_server_cert_serial:ABCD")
    result = _run(pod, 12)
    assert len(result.called("CONFIG SET tls-cert-file")) > 1
    assert "the server serves abcd" in result.log


def test_a_new_password_towards_the_primary_is_set_but_is_no_argument(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("master"))
    result = _run(pod, 12)
    assert result.called("CONFIG SET masterauth replicaSecret1234")
    assert "Secret1234" not in (pod.folder / "fake" / "argv").read_text() + result.log


def test_a_server_that_stops_and_returns_is_served_again(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("slave"))
    pod.answer("localhost", "*", "!refused", at=3)
    pod.answer("localhost", "INFO server*", _info("slave"), at=10)
    pod.answer("localhost", "CONFIG SET*", "OK", at=10)
    result = _run(pod, 20)
    assert result.log.count("no answer from the server") == 1
    assert "the server answers again" in result.log
    assert "100" in _priorities(result)


def test_one_login_serves_for_as_long_as_it_lasts(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("slave", priority=100))
    _run(pod, 60)
    arguments = (pod.folder / "fake" / "argv").read_text()
    assert len(arguments.splitlines()) == 1


@pytest.mark.parametrize("names", [1, 20, 400])
def test_the_serial_of_a_file_is_read_without_openssl(names: int, tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("master"))
    (pod.folder / "tls" / "tls.crt").write_text(
        Authority().issue(tuple(f"node-{n}.test" for n in range(names))).certificate_pem
    )
    done = subprocess.run(
        [
            shutil.which("dash") or "sh",
            "-c",
            '. "$0/lib.sh"; certificate_serial "$1"; echo "$serial"',
            str(SCRIPTS),
            str(pod.folder / "tls" / "tls.crt"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == _serial(pod).lower().lstrip("0")


def test_a_server_that_still_loads_does_not_hold_the_agent_up_for_ever(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("slave"))
    pod.loads_until(3)
    result = _run(pod, 20)
    assert "no answer from the server: LOADING" in result.log
    assert "the server answers again" in result.log
    assert "100" in _priorities(result)


def test_an_agent_whose_password_is_changed_logs_in_anew(tmp_path: Path) -> None:
    pod = _pod(tmp_path, _info("slave", priority=100))
    pod.changes_secret("agent", "newAgentSecret1", at=8)
    result = _run(pod, 20)
    assert "logs in anew" in result.log
    arguments = (pod.folder / "fake" / "argv").read_text()
    assert len(arguments.splitlines()) == 2
    assert "Secret1" not in arguments + result.log
