"""ServerProcess with real servers, through the Resource protocol, without an engine."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.connection import Address
from holdfast.errors import ConfigError, HoldfastError
from holdfast.roles import Role
from provider.resource import PartialFailure, Stored
from provider.servers import files
from provider.servers.conffile import ConfFile
from tests.certificates import Authority
from tests.local.provider_group import HOST, SERVICE, Group, free_ports, group, sentinel_group
from tests.servers import Install, wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def one(server_install: Install, tmp_path: Path) -> Iterator[Group]:
    """A standalone server ``valkey-0``, described and not started."""
    with group(server_install, tmp_path / "group") as made:
        made.add_server("valkey-0", free_ports(1)[0])
        yield made


@pytest.fixture
def three(server_install: Install, tmp_path: Path) -> Iterator[Group]:
    """A running Sentinel group with one key that every server has."""
    with group(server_install, tmp_path / "group") as made:
        servers, sentinels = sentinel_group(made)
        made.up_all(*servers)
        made.up_all(*sentinels)
        made.call("valkey-0", "SET", "key", "kept")
        made.call("valkey-0", "WAIT", 2, 5000)
        wait_until("the Sentinels to know each other", lambda: _formed(made, sentinels))
        yield made


def _formed(made: Group, sentinels: list[str]) -> bool:
    for node in sentinels:
        reply = made.call(node, "SENTINEL", "MASTER", SERVICE)
        facts = dict(zip(reply[::2], reply[1::2], strict=True))
        if (facts["num-slaves"], facts["num-other-sentinels"]) != ("2", "2"):
            return False
    return True


def _primary(made: Group, node: str) -> int:
    return int(made.call(node, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1])


def _in_step(made: Group, replicas: list[str]) -> None:
    for node in replicas:
        with made.open(node) as admin:
            wait_until(
                f"{node} to follow",
                lambda: admin.info("replication").get("master_link_status") == "up",
            )


def test_a_created_server_runs_detached_behind_tls_and_a_login(one: Group) -> None:
    one.up("valkey-0")
    outputs = one.stored["valkey-0"].outputs
    assert outputs["running"] is True
    assert outputs["serverVersion"] == one.install.version
    assert one.call("valkey-0", "PING") == "PONG"
    pid = outputs["pid"]
    assert os.getsid(pid) == pid, "in a session of its own"
    fds = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    assert not [link for link in fds if link.startswith("pipe:") and _is_ours(link)]
    assert "PULUMI" not in Path(f"/proc/{pid}/environ").read_text()


def _is_ours(link: str) -> bool:
    mine = {str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.exists()}
    return link in mine


def test_every_file_of_a_node_is_closed_to_others(one: Group) -> None:
    one.up("valkey-0")
    one.call("valkey-0", "SET", "a", "b")
    folder = Path(one.stored["valkey-0"].id)
    open_files = {
        str(path): oct(path.stat().st_mode)
        for path in [folder, *folder.rglob("*")]
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    }
    assert open_files == {}


def test_the_record_and_the_log_hold_no_secret(one: Group) -> None:
    one.up("valkey-0")
    folder = Path(one.stored["valkey-0"].id)
    text = (folder / "process.json").read_text() + (folder / "log").read_text()
    for secret in one.passwords.values():
        assert secret not in text


def test_a_second_run_changes_nothing(one: Group) -> None:
    one.up("valkey-0")
    pid = one.pid("valkey-0")
    one.call("valkey-0", "CONFIG", "REWRITE")
    assert not one.up("valkey-0")
    assert one.pid("valkey-0") == pid


def test_the_same_size_in_another_unit_is_no_change(one: Group) -> None:
    one.up("valkey-0")
    one.change("valkey-0", directives={"maxmemory": "65536kb"})
    assert not one.up("valkey-0")


def test_a_mutable_directive_changes_without_a_restart(one: Group) -> None:
    one.up("valkey-0")
    pid = one.pid("valkey-0")
    one.change("valkey-0", directives={"maxmemory": "96mb", "maxmemory-policy": "volatile-lru"})
    diff = one.up("valkey-0")
    assert diff is not None
    assert set(diff.changes) == {"directives.maxmemory", "directives.maxmemory-policy"}
    assert "pid" in diff.stables
    assert one.pid("valkey-0") == pid
    assert one.settings("valkey-0", "maxmemory") == {"maxmemory": str(96 * 1024 * 1024)}
    assert not one.up("valkey-0"), "the file says it too"


def test_new_users_are_loaded_without_a_restart(one: Group) -> None:
    one.up("valkey-0")
    pid = one.pid("valkey-0")
    one.passwords[Role.ADMIN] = "a-new-password"
    port = one.inputs["valkey-0"]["port"]
    one.add_server("valkey-0", port)
    one.change(
        "valkey-0", **{k: one.stored["valkey-0"].inputs[k] for k in ("tlsCertificatePem",)},
        tlsPrivateKeyPem=one.stored["valkey-0"].inputs["tlsPrivateKeyPem"],
    )  # fmt: skip
    diff = one.up("valkey-0")
    assert diff is not None
    assert set(diff.changes) == {"acl", "adminPassword"}
    assert one.pid("valkey-0") == pid
    assert one.call("valkey-0", "PING") == "PONG"


def test_users_that_the_server_refuses_leave_the_old_ones(one: Group) -> None:
    one.up("valkey-0")
    before = one.inputs["valkey-0"]["acl"]
    one.change("valkey-0", acl=before + "user broken on +nosuchcommand\n")
    with pytest.raises(ConfigError, match=r"acl: .*nosuchcommand"):
        one.up("valkey-0")
    assert (Path(one.stored["valkey-0"].id) / "users.acl").read_text() == before
    one.change("valkey-0", acl=before)
    assert not one.up("valkey-0")


def _served_certificate(one: Group, ca_pem: str) -> str:
    context = ssl.create_default_context(cadata=ca_pem)
    with (
        socket.create_connection((HOST, one.inputs["valkey-0"]["port"])) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as tls,
    ):
        return ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True) or b"")


def test_a_new_certificate_is_served_without_a_restart(one: Group) -> None:
    one.up("valkey-0")
    pid = one.pid("valkey-0")
    leaf = one.authority.issue()
    one.change(
        "valkey-0", tlsCertificatePem=leaf.certificate_pem, tlsPrivateKeyPem=leaf.private_key_pem
    )
    one.up("valkey-0")
    assert one.pid("valkey-0") == pid
    served = _served_certificate(one, one.authority.pem)
    assert served.split() == leaf.certificate_pem.split()


def test_a_new_ca_reaches_the_server_with_its_certificate(one: Group) -> None:
    one.up("valkey-0")
    pid = one.pid("valkey-0")
    one.authority = Authority("another")
    leaf = one.authority.issue()
    one.change(
        "valkey-0",
        tlsCertificatePem=leaf.certificate_pem,
        tlsPrivateKeyPem=leaf.private_key_pem,
        tlsCaPem=one.authority.pem,
    )
    one.up("valkey-0")
    assert one.pid("valkey-0") == pid
    assert one.call("valkey-0", "PING") == "PONG"


def test_a_directive_that_needs_a_restart_gets_one_and_keeps_the_data(one: Group) -> None:
    one.up("valkey-0")
    pid = one.pid("valkey-0")
    one.call("valkey-0", "SET", "key", "kept")
    one.change("valkey-0", directives={"databases": "4"})
    diff = one.up("valkey-0")
    assert diff is not None
    assert "pid" not in diff.stables
    assert one.pid("valkey-0") != pid
    assert one.settings("valkey-0", "databases") == {"databases": "4"}
    assert one.call("valkey-0", "GET", "key") == "kept"


def test_a_directive_that_is_no_longer_managed_returns_to_the_default(one: Group) -> None:
    one.change("valkey-0", directives={"maxmemory-samples": "10"})
    one.up("valkey-0")
    directives = dict(one.inputs["valkey-0"]["directives"])
    del directives["maxmemory-samples"]
    one.inputs["valkey-0"]["directives"] = directives
    one.up("valkey-0")
    assert one.settings("valkey-0", "maxmemory-samples") == {"maxmemory-samples": "5"}


def test_a_setting_that_keeps_the_server_from_starting_is_taken_back(one: Group) -> None:
    one.up("valkey-0")
    one.call("valkey-0", "SET", "key", "kept")
    one.change("valkey-0", directives={"databases": "4", "nosuchdirective": "1"})
    with pytest.raises(HoldfastError, match=r"ended while starting(.|\n)*nosuchdirective"):
        one.up("valkey-0")
    assert wait_until("the old server", lambda: _answers(one)) == "kept"
    one.inputs["valkey-0"]["directives"] = one.stored["valkey-0"].inputs["directives"]
    one.up("valkey-0")
    assert one.refresh("valkey-0") is not None
    assert one.stored["valkey-0"].outputs["running"] is True


def _answers(one: Group) -> str | None:
    try:
        return str(one.call("valkey-0", "GET", "key"))
    except HoldfastError:
        return None


def test_a_refused_config_line_is_shown_without_its_secret_and_not_kept_in_the_log(
    one: Group,
) -> None:
    one.change("valkey-0", secretDirectives={"nosuchdirective": "hush-hush-hush"})
    with pytest.raises(PartialFailure) as failure:
        one.up("valkey-0")
    assert "ended while starting" in str(failure.value)
    assert "hush-hush-hush" not in str(failure.value)
    assert "hush-hush-hush" not in (one.folder / "valkey-0" / "log").read_text()
    one.inputs["valkey-0"]["secretDirectives"] = {"masteruser": "replica"}
    one.up("valkey-0")
    assert one.call("valkey-0", "PING") == "PONG", "the next run mends it"


def test_a_killed_server_is_drift_and_comes_back_with_its_data(one: Group) -> None:
    one.up("valkey-0")
    one.call("valkey-0", "SET", "key", "kept")
    wait_until("the AOF to be written", lambda: _aof_flushed(one))
    one.kill("valkey-0")
    found = one.refresh("valkey-0")
    assert found is not None
    assert (found["running"], found["pid"]) == (False, 0)
    assert set(one.diff("valkey-0").changes) == {"running"}
    one.up("valkey-0")
    assert one.call("valkey-0", "GET", "key") == "kept"


def _aof_flushed(one: Group) -> bool:
    with one.open("valkey-0") as admin:
        return admin.info("persistence").get("aof_pending_bio_fsync") == "0"


def test_files_that_somebody_changed_are_drift_and_are_mended(one: Group) -> None:
    one.up("valkey-0")
    folder = Path(one.stored["valkey-0"].id)
    conf = folder / "server.conf"
    conf.write_text(conf.read_text().replace("maxmemory 64mb", "maxmemory 1mb"))
    (folder / "users.acl").write_text("user default on nopass +@all\n")
    (folder / "tls" / "server.key").chmod(0o644)
    found = one.refresh("valkey-0")
    assert found is not None
    assert sorted(found["drift"]) == ["acl", "maxmemory", "tlsPrivateKeyPem"]
    pid = one.pid("valkey-0")
    one.up("valkey-0")
    assert one.refresh("valkey-0") == {**one.stored["valkey-0"].outputs, "drift": []}
    assert one.pid("valkey-0") == pid
    assert one.settings("valkey-0", "maxmemory") == {"maxmemory": str(64 * 1024 * 1024)}


def test_a_lost_record_is_mended_without_losing_the_process(one: Group) -> None:
    one.up("valkey-0")
    pid = one.pid("valkey-0")
    (one.folder / "valkey-0" / "process.json").unlink()
    found = one.refresh("valkey-0")
    assert found is not None
    assert found["pid"] == pid


def test_delete_leaves_neither_process_nor_file(one: Group) -> None:
    one.up("valkey-0")
    pid = one.pid("valkey-0")
    one.delete("valkey-0")
    assert not Path(f"/proc/{pid}").exists()
    assert not one.folder.exists()


def test_a_frozen_server_can_be_deleted(one: Group) -> None:
    one.up("valkey-0")
    pid = one.pid("valkey-0")
    os.kill(pid, signal.SIGSTOP)
    one.delete("valkey-0")
    assert not Path(f"/proc/{pid}").exists()


def test_kept_data_is_found_again_by_its_owner(one: Group) -> None:
    one.change("valkey-0", keepData=True)
    one.up("valkey-0")
    one.call("valkey-0", "SET", "key", "kept")
    one.delete("valkey-0")
    assert one.folder.exists()
    one.change("valkey-0", keepData=False)
    one.up("valkey-0")
    assert one.call("valkey-0", "GET", "key") == "kept"


def test_a_folder_of_another_stack_is_refused_and_stays_as_it_is(
    one: Group, server_install: Install
) -> None:
    one.up("valkey-0")
    before = (one.folder / "valkey-0" / "process.json").read_text()
    with group(server_install, one.folder, owner="project/other") as other:
        other.add_server("valkey-0", free_ports(1)[0])
        with pytest.raises(ConfigError, match="belongs to project/test"):
            other.up("valkey-0")
        other.add_server("valkey-1", free_ports(1)[0])
        with pytest.raises(ConfigError, match="belongs to project/test"):
            other.up("valkey-1")
    assert (one.folder / "valkey-0" / "process.json").read_text() == before
    assert not (one.folder / "valkey-1").exists()
    assert one.call("valkey-0", "PING") == "PONG"


def test_a_folder_with_files_of_somebody_else_is_refused(one: Group) -> None:
    folder = one.folder / "valkey-0"
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="an empty folder"):
        one.up("valkey-0")
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_a_port_in_use_is_refused_and_its_holder_named(one: Group) -> None:
    port = one.inputs["valkey-0"]["port"]
    with socket.socket() as busy:
        busy.bind((HOST, port))
        busy.listen()
        with pytest.raises(ConfigError, match=rf"port {port}, held by pid {os.getpid()} \("):
            one.up("valkey-0")
        assert not one.folder.exists(), "nothing was written"


def test_another_port_for_a_running_node_is_refused_by_check(one: Group) -> None:
    one.up("valkey-0")
    one.change("valkey-0", port=free_ports(1)[0])
    with pytest.raises(AssertionError, match=r"port: got .* keep it, or destroy the stack first"):
        one.check("valkey-0")


def test_a_full_disk_keeps_the_old_server_running(
    one: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.up("valkey-0")
    one.call("valkey-0", "SET", "key", "kept")
    one.change("valkey-0", directives={"databases": "4"})
    draft = files._draft

    def full(path: Path, data: bytes) -> Path:
        if path.name == "server.conf":
            raise OSError(errno.ENOSPC, "No space left on device")
        return draft(path, data)

    monkeypatch.setattr(files, "_draft", full)
    with pytest.raises(ConfigError, match="need free disk space"):
        one.up("valkey-0")
    assert wait_until("the old server", lambda: _answers(one)) == "kept"
    monkeypatch.undo()
    one.up("valkey-0")
    assert one.settings("valkey-0", "databases") == {"databases": "4"}
    assert one.call("valkey-0", "GET", "key") == "kept"


def test_a_full_disk_during_create_leaves_nothing(
    one: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_draft", full)
    with pytest.raises(ConfigError, match="need free disk space"):
        one.up("valkey-0")
    assert not one.folder.exists()
    monkeypatch.undo()
    one.up("valkey-0")
    assert one.call("valkey-0", "PING") == "PONG"


def test_a_full_disk_is_seen_before_the_server_is_stopped(
    one: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.up("valkey-0")
    one.change("valkey-0", directives={"databases": "4"})

    def full(path: Path, data: bytes) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_draft", full)
    pid = one.pid("valkey-0")
    with pytest.raises(ConfigError, match="need free disk space"):
        one.up("valkey-0")
    found = one.refresh("valkey-0")
    assert found is not None
    assert found["pid"] == pid


def test_an_upgrade_keeps_the_data_and_a_downgrade_that_cannot_read_it_is_refused(
    server_installs: list[Install], tmp_path: Path
) -> None:
    valkeys = [install for install in server_installs if install.engine == "valkey"]
    if not valkeys or valkeys[0].version < "9" or valkeys[-1].version >= "9":
        pytest.skip("needs Valkey 9 and an older one")
    newer, older = valkeys[0], valkeys[-1]
    with group(older, tmp_path / "group") as made:
        made.add_server("valkey-0", free_ports(1)[0])
        made.up("valkey-0")
        made.call("valkey-0", "SET", "key", "kept")
        made.change("valkey-0", executable=str(newer.executable))
        made.up("valkey-0")
        assert made.stored["valkey-0"].outputs["serverVersion"] == newer.version
        assert made.call("valkey-0", "GET", "key") == "kept"
        made.call("valkey-0", "BGREWRITEAOF")
        with made.open("valkey-0") as admin:
            wait_until(
                "the AOF in the newer format",
                lambda: admin.info("persistence")["aof_rewrite_in_progress"] == "0",
            )
        pid = made.pid("valkey-0")
        made.change("valkey-0", executable=str(older.executable))
        with pytest.raises(ConfigError, match="keep the newer server; nothing was changed"):
            made.up("valkey-0")
        made.change("valkey-0", executable=str(newer.executable))
        made.up("valkey-0")
        assert made.pid("valkey-0") == pid, "it never stopped"


def test_a_half_finished_create_is_taken_up_by_the_next_run(one: Group) -> None:
    one.up("valkey-0")
    one.call("valkey-0", "SET", "key", "kept")
    # As if the run had been killed before the engine stored the state.
    forgotten = one.stored.pop("valkey-0")
    one.up("valkey-0")
    assert one.call("valkey-0", "GET", "key") == "kept"
    assert one.pid("valkey-0") != forgotten.outputs["pid"]


def test_a_folder_without_data_and_config_is_gone(one: Group) -> None:
    one.up("valkey-0")
    one.kill("valkey-0")
    shutil.rmtree(one.folder / "valkey-0")
    assert one.refresh("valkey-0") is None


def test_a_sentinel_group_survives_the_loss_of_all_processes_in_the_worst_order(
    three: Group,
) -> None:
    # A stale replica comes back first, Sentinels before servers.
    three.call("valkey-1", "REPLICAOF", "NO", "ONE")
    three.kill("valkey-1")
    three.call("valkey-0", "SET", "late", "kept")
    wait_until("the AOF to be written", lambda: _aof_flushed(three))
    three.kill("valkey-0", "valkey-2", "sentinel-0", "sentinel-1", "sentinel-2")
    for node in ("valkey-1", "sentinel-2", "valkey-2", "sentinel-0", "valkey-0", "sentinel-1"):
        three.up(node)
    assert three.role("valkey-0") == "master"
    _in_step(three, ["valkey-1", "valkey-2"])
    for node in ("valkey-0", "valkey-1", "valkey-2"):
        assert three.call(node, "GET", "late") == "kept"
    port = three.inputs["valkey-0"]["port"]
    assert {_primary(three, f"sentinel-{n}") for n in range(3)} == {port}


def test_a_whole_group_comes_back_when_all_nodes_start_at_once(three: Group) -> None:
    nodes = list(three.inputs)
    three.kill(*nodes)
    three.up_all(*reversed(nodes))
    assert three.role("valkey-0") == "master"
    _in_step(three, ["valkey-1", "valkey-2"])
    assert three.call("valkey-2", "GET", "key") == "kept"
    for node in nodes:
        assert not three.up(node), f"{node} is as it should be"


def _fail_over(made: Group) -> str:
    """Kill the primary and wait for the new one; returns its name."""
    old = made.inputs["valkey-0"]["port"]
    made.kill("valkey-0")
    sentinels = [f"sentinel-{n}" for n in range(3)]
    wait_until(
        "all Sentinels to name a new primary",
        lambda: all(_primary(made, node) != old for node in sentinels),
    )
    port = _primary(made, "sentinel-0")
    return next(n for n in ("valkey-1", "valkey-2") if made.inputs[n]["port"] == port)


def test_a_former_primary_returns_as_a_replica(three: Group) -> None:
    promoted = _fail_over(three)
    wait_until("the promotion", lambda: three.role(promoted) == "master")
    three.call(promoted, "SET", "key", "newer")
    three.up("valkey-0")
    assert three.role("valkey-0") == "slave"
    assert three.call("valkey-0", "GET", "key") == "newer"
    assert three.role(promoted) == "master"


def test_after_a_failover_and_a_full_stop_the_promoted_server_is_primary(three: Group) -> None:
    promoted = _fail_over(three)
    wait_until("the promotion", lambda: three.role(promoted) == "master")
    three.call(promoted, "SET", "key", "newer")
    other = next(n for n in ("valkey-1", "valkey-2") if n != promoted)
    wait_until("the other replica", lambda: three.call(other, "GET", "key") == "newer")
    three.kill(*(node for node in three.inputs if node != "valkey-0"))
    for node in ("valkey-0", "sentinel-0", "sentinel-1", "sentinel-2", other, promoted):
        three.up(node)
    assert three.role(promoted) == "master"
    assert three.role("valkey-0") == "slave"
    _in_step(three, ["valkey-0", other])
    assert three.call("valkey-0", "GET", "key") == "newer"


def test_an_emptied_primary_never_comes_back_as_primary_while_sentinels_run(three: Group) -> None:
    three.kill("valkey-0")
    shutil.rmtree(three.folder / "valkey-0")
    three.up("valkey-0")
    assert three.role("valkey-0") == "slave"
    assert three.call("valkey-0", "GET", "key") == "kept"


def test_an_emptied_primary_never_comes_back_as_primary_after_a_full_stop(three: Group) -> None:
    nodes = list(three.inputs)
    three.kill(*nodes)
    shutil.rmtree(three.folder / "valkey-0" / "data")
    three.up_all(*nodes)
    assert three.role("valkey-0") == "slave"
    _in_step(three, ["valkey-0"])
    assert three.call("valkey-0", "GET", "key") == "kept"
    new = next(n for n in ("valkey-1", "valkey-2") if three.role(n) == "master")
    port = three.inputs[new]["port"]
    wait_until(
        "the Sentinels to agree",
        lambda: {_primary(three, f"sentinel-{n}") for n in range(3)} == {port},
    )


def test_a_sentinel_takes_its_settings_without_a_restart(three: Group) -> None:
    pid = three.pid("sentinel-0")
    three.change(
        "sentinel-0",
        directives={
            f"sentinel down-after-milliseconds {SERVICE}": "5000",
            f"sentinel failover-timeout {SERVICE}": "15000",
        },
        seed={"sentinel monitor": f"{SERVICE} {HOST} {three.inputs['valkey-0']['port']} 3"},
    )
    three.up("sentinel-0")
    assert three.pid("sentinel-0") == pid
    reply = three.call("sentinel-0", "SENTINEL", "MASTER", SERVICE)
    facts = dict(zip(reply[::2], reply[1::2], strict=True))
    assert (facts["down-after-milliseconds"], facts["quorum"]) == ("5000", "3")
    assert facts["failover-timeout"] == "15000"
    assert not three.up("sentinel-0")


def test_a_sentinel_that_drops_a_default_from_its_file_has_no_drift(three: Group) -> None:
    three.change("sentinel-0", directives={f"sentinel down-after-milliseconds {SERVICE}": "30000"})
    three.up("sentinel-0")
    assert "down-after-milliseconds" not in three.conf("sentinel-0")
    assert not three.up("sentinel-0")


def test_a_sentinel_restarts_for_a_new_certificate_and_remembers(three: Group) -> None:
    pid = three.pid("sentinel-0")
    leaf = three.authority.issue()
    three.change(
        "sentinel-0",
        tlsCertificatePem=leaf.certificate_pem,
        tlsPrivateKeyPem=leaf.private_key_pem,
    )
    three.up("sentinel-0")
    assert three.pid("sentinel-0") != pid
    conf = ConfFile.parse(three.conf("sentinel-0").encode())
    assert conf.monitor is not None
    assert conf.monitor.address == Address(HOST, three.inputs["valkey-0"]["port"])
    assert len([line for line in conf.lines if "known-sentinel" in line.words]) == 2


def test_a_replica_restarts_for_its_directive_and_follows_again(three: Group) -> None:
    three.change("valkey-1", directives={"databases": "4"})
    three.up("valkey-1")
    with three.open("valkey-1") as admin:
        assert admin.info("replication")["master_link_status"] == "up"


def test_an_import_is_refused(one: Group) -> None:
    from provider.servers.server import ServerProcess

    with pytest.raises(ConfigError, match="do not import it"):
        ServerProcess().read(Stored("/somewhere", {}, {}), one.ours)
