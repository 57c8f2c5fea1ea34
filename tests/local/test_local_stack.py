"""The life of a local stack: the real engine, the checkout's own program, real servers."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import hiredis
import pytest

from holdfast.connection import Topology
from holdfast.roles import Role
from tests.local.stack import LocalStack, is_free, processes_in
from tests.processes import lives
from tests.servers import Install, wait_until

TOPOLOGIES = [Topology.STANDALONE, Topology.SENTINEL, Topology.CLUSTER]
NODES = {
    Topology.STANDALONE: {"server-0"},
    Topology.SENTINEL: {f"{kind}-{i}" for kind in ("server", "sentinel") for i in range(3)},
    Topology.CLUSTER: {f"server-{i}" for i in range(6)},
}
KEYS = {f"agent:probe:{n}": str(n * n) for n in range(12)}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", params=TOPOLOGIES, ids=str)
def stack(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    server_install: Install,
) -> Iterator[LocalStack]:
    """A stack that is up; every test but the last leaves it whole."""
    topology: Topology = request.param
    stack = LocalStack.prepare(tmp_path_factory.mktemp(topology), topology, server_install)
    try:
        stack.up()
        yield stack
    finally:
        stack.engine.destroy()


def test_up_starts_every_process_of_the_topology(stack: LocalStack) -> None:
    assert stack.alive() == NODES[stack.topology]
    outputs = stack.engine.outputs()
    assert outputs["topology"] == stack.topology.value
    assert outputs["app"] == "agent"


def test_smoke_holds_on_every_topology(stack: LocalStack) -> None:
    stack.smoke()


def test_up_again_changes_nothing(stack: LocalStack) -> None:
    before = stack.nodes()
    stack.up_unchanged()
    stack.up_unchanged("--refresh")
    stack.engine.preview("--expect-no-changes")
    assert stack.nodes() == before


def test_a_killed_process_shows_as_drift_and_up_mends_it_with_its_data(stack: LocalStack) -> None:
    stack.write(KEYS)
    victim = sorted(NODES[stack.topology])[-1]
    stack.kill(victim)
    assert victim in stack.engine.drift(expected=True).stdout
    stack.up("--refresh")
    assert stack.alive() == NODES[stack.topology]
    assert stack.read(*KEYS) == KEYS
    stack.up_unchanged("--refresh")


def test_a_killed_primary_comes_back_with_its_data(stack: LocalStack) -> None:
    stack.write(KEYS)
    stack.kill(stack.primary())
    stack.up("--refresh")
    assert stack.alive() == NODES[stack.topology]
    assert stack.read(*KEYS) == KEYS


def test_after_all_processes_were_killed_up_brings_them_back_with_their_data(
    stack: LocalStack,
) -> None:
    stack.write(KEYS)
    before = stack.primary()
    stack.kill(*NODES[stack.topology])
    stack.up("--refresh")
    assert stack.alive() == NODES[stack.topology]
    assert stack.primary() == before
    assert stack.read(*KEYS) == KEYS
    stack.up_unchanged("--refresh")
    stack.smoke()


def test_a_setting_that_servers_take_live_is_applied_without_a_restart(stack: LocalStack) -> None:
    before = stack.nodes()
    stack.engine.set_config("maxmemory", "128mb")
    stack.up()
    assert stack.nodes() == before
    with stack.open(stack.port_of("server-0")) as server:
        assert server.call("CONFIG", "GET", "maxmemory") == ["maxmemory", str(128 * 1024**2)]
    assert stack.connection.capacity.maxmemory_bytes == 128 * 1024**2
    stack.up_unchanged("--refresh")


def secrets_of(stack: LocalStack) -> dict[str, str]:
    """Every secret text in the state, by the resource and output that it is of."""
    found: dict[str, str] = {}
    for item in stack.engine.resources():
        for name in ("value", "previous", "privateKeyPem"):
            output = item.get("outputs", {}).get(name)
            if isinstance(output, dict) and "plaintext" in output:
                found[f"{item['urn'].rpartition('::')[2]}.{name}"] = json.loads(output["plaintext"])
    found = {where: secret for where, secret in found.items() if secret}
    roles = {f"store-password-{role}.value" for role in Role}
    assert {"store-ca.privateKeyPem", "store-certificate-server.privateKeyPem", *roles} <= set(
        found
    )
    return found


def needles(secrets: dict[str, str]) -> dict[str, bytes]:
    """What to search for: a password as it is, of a key a line that no other key has."""
    return {
        where: (value.splitlines()[2] if value.startswith("-----") else value).encode()
        for where, value in secrets.items()
    }


def test_state_and_logs_hold_no_plain_secret(stack: LocalStack) -> None:
    searched = needles(secrets_of(stack))
    exported = json.dumps(stack.engine.export()).encode()
    run = stack.engine.preview("--show-config", "--show-sames", "--suppress-outputs=false")
    texts = {"pulumi stack export": exported, "pulumi preview": run.shown.encode()}
    for file in [*stack.engine.state.rglob("*"), *stack.data_dir.rglob("log")]:
        if file.is_file():
            texts[str(file)] = file.read_bytes()
    assert any(name.endswith("/log") for name in texts)
    for where, secret in searched.items():
        leaks = [name for name, text in texts.items() if secret in text]
        assert not leaks, f"the secret of {where} stands in {leaks}"


def test_files_with_a_secret_are_readable_by_their_owner_alone(stack: LocalStack) -> None:
    searched = needles(secrets_of(stack))
    holding = {
        file: {where for where, secret in searched.items() if secret in file.read_bytes()}
        for file in stack.data_dir.rglob("*")
        if file.is_file()
    }
    holding = {file: which for file, which in holding.items() if which}
    assert {file.name for file in holding} >= {"connection-svc.json"}
    for file in holding:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    for file in stack.data_dir.glob("*/conf"):
        roles = {where.rpartition("-password-")[2].split(".")[0] for where in holding.get(file, ())}
        assert roles <= {"replica", "sentinel"}, f"{file} holds the passwords of {roles}"


def test_no_secret_stands_in_an_argument_or_environment_of_a_process(stack: LocalStack) -> None:
    searched = needles(secrets_of(stack))
    for node, pid in stack.nodes().items():
        told = b"".join(Path(f"/proc/{pid}/{what}").read_bytes() for what in ("cmdline", "environ"))
        assert not [where for where, secret in searched.items() if secret in told], node


def test_destroy_leaves_no_process_and_no_file(stack: LocalStack) -> None:
    # The last test of each topology: it ends the stack.
    pids = stack.nodes().values()
    assert processes_in(stack.data_dir)
    stack.engine.destroy()
    assert not [pid for pid in pids if lives(pid)]
    assert processes_in(stack.engine.project) == {}
    assert [file for file in stack.data_dir.rglob("*") if file.is_file()] == []
    assert is_free(stack.base_port)
    assert stack.engine.resources() == []


def test_data_that_was_to_be_kept_is_there_after_destroy_and_serves_the_next_stack(
    tmp_path: Path, server_install: Install
) -> None:
    stack = LocalStack.prepare(tmp_path, Topology.STANDALONE, server_install)
    stack.engine.set_config("keepData", "true")
    stack.up()
    stack.write(KEYS)
    stack.engine.destroy()
    assert processes_in(stack.engine.project) == {}
    kept = {file.name for file in stack.data_dir.rglob("*") if file.is_file()}
    assert any(name.endswith(".aof") for name in kept)
    assert not kept & {"tls.key", "connection-svc.json", "connection-admin.json"}
    stack.up()
    assert stack.read(*KEYS) == KEYS
    stack.engine.set_config("keepData", "false")
    stack.up()
    stack.engine.destroy()


def fail_over(stack: LocalStack, service: str) -> None:
    """Ask a Sentinel for a failover, once it has heard of a replica that it may promote."""

    def asked() -> bool:
        with stack.open(stack.port_of("sentinel-0")) as sentinel:
            lines = str(sentinel.call("INFO", "server")).splitlines()
            uptime = next(line for line in lines if line.startswith("uptime_in_seconds:"))
            if int(uptime.partition(":")[2]) < 4:
                return False
            try:
                sentinel.call("SENTINEL", "FAILOVER", service)
            except hiredis.ReplyError as error:
                if str(error).startswith("NOGOODSLAVE"):
                    return False
                raise
        return True

    wait_until("a failover to begin", asked)


def test_after_a_failover_and_a_full_stop_the_last_primary_comes_first(
    tmp_path: Path, server_install: Install
) -> None:
    stack = LocalStack.prepare(tmp_path, Topology.SENTINEL, server_install)
    try:
        stack.up()
        service = stack.connection.sentinel_service
        assert service is not None
        fail_over(stack, service)
        wait_until("the failover", lambda: stack.primary() != "server-0", seconds=90)
        moved = stack.primary()
        wait_until("the new primary to accept writes", lambda: role_of(stack, moved) == "master")
        stack.write(KEYS)
        stack.kill(*stack.alive())
        stack.up("--refresh")
        assert stack.primary() == moved
        assert role_of(stack, moved) == "master"
        assert stack.read(*KEYS) == KEYS
        stack.up_unchanged("--refresh")
    finally:
        stack.engine.destroy()


def test_two_more_sentinels_join_and_the_quorum_follows(
    tmp_path: Path, server_install: Install
) -> None:
    stack = LocalStack.prepare(tmp_path, Topology.SENTINEL, server_install)
    try:
        stack.up()
        before = stack.nodes()
        stack.engine.set_config("sentinels", "5")
        stack.up()
        assert before.items() <= stack.nodes().items()
        for number in range(5):
            assert quorum_of(stack, f"sentinel-{number}") == 3
        stack.smoke()
        stack.engine.set_config("sentinels", "3")
        stack.up()
        assert stack.nodes() == before
        for number in range(3):
            assert quorum_of(stack, f"sentinel-{number}") == 2
    finally:
        stack.engine.destroy()


def test_a_standalone_store_may_gain_replicas_and_sentinels_and_nothing_else(
    tmp_path: Path, server_install: Install
) -> None:
    stack = LocalStack.prepare(tmp_path, Topology.STANDALONE, server_install)
    try:
        stack.up()
        stack.write(KEYS)
        stack.change_topology(Topology.SENTINEL)
        stack.up()
        assert stack.alive() == NODES[Topology.SENTINEL]
        assert stack.read(*KEYS) == KEYS
        stack.smoke()
        before = stack.nodes()
        for other in (Topology.STANDALONE, Topology.CLUSTER):
            stack.change_topology(other)
            shown = stack.engine.up(fails=True).shown
            assert re.search(r"need a server with replicas, as server-\d has been", shown)
            assert stack.engine.outputs()["topology"] == Topology.SENTINEL
            stack.change_topology(Topology.SENTINEL)
            stack.up("--refresh")
            assert stack.nodes() == before
            stack.up_unchanged("--refresh")
    finally:
        stack.engine.destroy()


def quorum_of(stack: LocalStack, node: str) -> int:
    """The quorum that a Sentinel goes by."""
    with stack.open(stack.port_of(node)) as sentinel:
        entry = sentinel.call("SENTINEL", "MASTER", stack.connection.sentinel_service or "")
    return int(dict(zip(entry[::2], entry[1::2], strict=True))["quorum"])


def role_of(stack: LocalStack, node: str) -> str:
    """``master`` or ``slave``, as the server says."""
    with stack.open(stack.port_of(node)) as server:
        return str(server.call("ROLE")[0])
