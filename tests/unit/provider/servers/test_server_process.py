"""provider.servers.process, ports and log: what runs here, told apart and shown safely."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from provider.servers import process
from provider.servers.log import scrub, tail
from provider.servers.ports import Holder, holder
from provider.servers.process import Record, Running
from provider.servers.spec import Kind, Layout
from tests.servers import wait_until

_IGNORES_SIGTERM = "import signal,time;signal.signal(15,signal.SIG_IGN);print('ready',flush=True)"
_RECORD = Record("project/stack", "valkey-0", Kind.SERVER, ("/bin/x", "y"), "127.0.0.1", 7600)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "valkey-0", Kind.SERVER)
    made.data.mkdir(parents=True)
    return made


@pytest.fixture
def sleeper(layout: Layout) -> Iterator[Running]:
    running = process.start([sys.executable, "-c", "import time;time.sleep(60)"], layout, {})
    yield running
    process.stop(running)


def test_a_record_survives_a_round_trip(layout: Layout) -> None:
    record = process.started(_RECORD, Running(1, 2, "boot"))
    record.write(layout)
    assert Record.read(layout.record) == record
    assert layout.record.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"running": null}', "\xff"])
def test_a_damaged_record_is_refused(layout: Layout, text: str) -> None:
    layout.record.write_text(text)
    with pytest.raises(ConfigError, match="a damaged record"):
        Record.read(layout.record)


def test_a_missing_record_is_none(layout: Layout) -> None:
    assert Record.read(layout.record) is None


def test_a_process_is_found_by_its_record(layout: Layout, sleeper: Running) -> None:
    assert process.find(process.started(_RECORD, sleeper), layout) == sleeper
    assert process.find(_RECORD, layout) is None
    assert process.find(None, layout) is None


def test_another_process_under_the_same_pid_is_not_taken_for_it(
    layout: Layout, sleeper: Running
) -> None:
    later = replace(sleeper, start_ticks=sleeper.start_ticks + 1)
    rebooted = replace(sleeper, boot_id="another")
    assert not process.is_alive(later)
    assert not process.is_alive(rebooted)
    elsewhere = Layout(layout.folder.parent / "valkey-1", Kind.SERVER)
    assert process.find(process.started(_RECORD, sleeper), elsewhere) is None


def test_a_process_in_the_folder_is_adopted_and_no_other(layout: Layout, sleeper: Running) -> None:
    assert process.adopt(sleeper.pid, layout) == sleeper
    assert process.adopt(os.getpid(), layout) is None


def test_a_killed_child_is_dead_and_leaves_no_zombie(layout: Layout) -> None:
    running = process.start([sys.executable, "-c", "import time;time.sleep(60)"], layout, {})
    os.kill(running.pid, signal.SIGKILL)
    assert process.stop(running)
    assert not Path(f"/proc/{running.pid}").exists()


def test_a_process_that_ignores_sigterm_is_killed_after_the_deadline(layout: Layout) -> None:
    argv = [sys.executable, "-c", f"{_IGNORES_SIGTERM};time.sleep(60)"]
    running = process.start(argv, layout, {})
    wait_until("the process", lambda: "ready" in layout.log.read_text(), seconds=10)
    assert process.stop(running, deadline_seconds=0.1) is False
    assert not process.is_alive(running)


def test_an_executable_that_is_missing_is_named(layout: Layout) -> None:
    with pytest.raises(ConfigError, match="executable: got '/nowhere/x'"):
        process.start(["/nowhere/x"], layout, {})


def test_a_process_gets_no_environment_and_no_descriptor_of_ours(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "hush")
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    try:
        show = "import os;print(os.environ.keys(), len(os.listdir('/proc/self/fd')), flush=True)"
        running = process.start([sys.executable, "-c", show], layout, {"A": "b"})
        wait_until("the listing", lambda: not process.is_alive(running), seconds=10)
    finally:
        os.close(reader)
        os.close(writer)
    printed = layout.log.read_text()
    assert "'A'" in printed
    assert "PULUMI" not in printed
    # Standard input, output and error, and the folder that it lists.
    assert printed.split()[-1] == "4"


def test_who_listens_on_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = holder("127.0.0.1", port)
        assert found is not None
        assert (found.pid, found.port) == (os.getpid(), port)
        assert f"port {port}, held by pid {os.getpid()} (" in str(found)
    assert holder("127.0.0.1", port) is None


def test_who_listens_on_all_addresses_holds_the_port_of_each() -> None:
    with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        assert holder("127.0.0.1", server.getsockname()[1]) is not None


def test_who_listens_on_another_address_is_not_in_the_way() -> None:
    with socket.socket() as held:
        # Bound, so that nobody else listens there.
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with socket.create_server(("127.0.0.2", port)):
            assert holder("127.0.0.1", port) is None


def test_a_holder_of_another_user_is_told_without_a_name(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid\n"
        "   0: 0100007F:1DB0 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 777\n"
    )
    found = holder("127.0.0.1", 7600, proc=tmp_path)
    assert found == Holder(7600)
    assert str(found) == "port 7600, held by a process of another user"


def test_the_end_of_a_log_is_shown_without_secrets(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {n}\n" for n in range(50)) + "primaryauth hunter2\n")
    shown = tail(log, ["hunter2", ""], lines=3)
    assert shown.splitlines() == ["line 48", "line 49", "primaryauth [secret]"]


def test_a_longer_secret_is_masked_before_a_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("abcdef")
    assert tail(tmp_path / "log", ["abc", "abcdef"]) == "[secret]"


def test_a_log_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    assert "does not exist" in tail(tmp_path / "log", [])


def test_secrets_are_taken_out_of_the_log_of_a_dead_process(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\xff primaryauth hunter2\n")
    scrub(tmp_path / "log", ["hunter2"])
    assert (tmp_path / "log").read_bytes() == b"\xff primaryauth [secret]\n"
