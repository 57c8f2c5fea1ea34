"""The ledger's writers on a real store: in this process, and in several of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.keys import RESERVED_TENANT, KeySpace
from holdfast.roles import Role
from holdfast.verify.access import Access
from holdfast.verify.cleanup import Cleanup
from holdfast.verify.ledger_run import Ledger
from tests.servers import Servers, wait_until

WRITERS = 8


@contextmanager
def ledger(servers: Servers, *, processes: int) -> Iterator[Ledger]:
    """Its keys are gone afterwards, whatever happened to its writers."""
    connection = servers.connection
    access = Access(connection)
    cleanup = Cleanup(access, KeySpace(connection.app, RESERVED_TENANT, connection.buckets))
    found = Ledger(connection, cleanup, writers=WRITERS, processes=processes)
    try:
        yield found
        assert cleanup.run().endswith("none left")
    finally:
        found.stop()
        found.close()
        access.close()


def everybody_writes(found: Ledger) -> None:
    now = time.monotonic()
    wait_until("every writer to write", lambda: not found.behind(now))


@pytest.mark.parametrize("processes", [1, 3, WRITERS])
def test_every_turn_has_its_place_however_many_processes_write(
    sentinel_servers: Servers, processes: int
) -> None:
    with ledger(sentinel_servers, processes=processes) as found:
        found.start()
        everybody_writes(found)
        children = multiprocessing.active_children()
        assert len(children) == (processes if processes > 1 else 0)
        everybody_writes(found)
        assert found.stop()
        placed = found.read()
        assert placed.acknowledged == placed.kept > WRITERS
        assert (placed.lost, placed.twice, placed.foreign) == ((), (), ())
        assert len({entry.writer for entry in found.entries}) == WRITERS
        kinds = {entry.writer.rpartition("-")[0] for entry in found.entries}
        assert kinds == {f"{s}-confirm-{n}" for s in ("sync", "async") for n in (0, 1)}
    assert not multiprocessing.active_children()


def test_the_processes_tell_times_of_the_same_clock(sentinel_servers: Servers) -> None:
    with ledger(sentinel_servers, processes=2) as found:
        before = time.monotonic()
        found.start()
        everybody_writes(found)
        assert found.stop()
        after = time.monotonic()
        assert all(before < e.began <= e.ended < after for e in found.entries)


def test_a_writing_process_shows_no_password(sentinel_servers: Servers) -> None:
    password = (sentinel_servers.user(Role.SVC).password or "").encode()
    with ledger(sentinel_servers, processes=2) as found:
        found.start()
        everybody_writes(found)
        for child in multiprocessing.active_children():
            for shown in ("cmdline", "environ"):
                text = Path(f"/proc/{child.pid}/{shown}").read_bytes()
                assert password not in text
                assert text


def test_ctrl_c_is_left_to_the_process_that_started_the_writers(sentinel_servers: Servers) -> None:
    with ledger(sentinel_servers, processes=2) as found:
        found.start()
        everybody_writes(found)
        for child in multiprocessing.active_children():
            assert child.pid is not None
            os.kill(child.pid, signal.SIGINT)
        everybody_writes(found)
        assert found.stop()


def test_a_process_that_was_killed_is_told_and_costs_no_answer_of_the_others(
    sentinel_servers: Servers,
) -> None:
    with ledger(sentinel_servers, processes=2) as found:
        found.start()
        everybody_writes(found)
        victim = multiprocessing.active_children()[0]
        victim.kill()
        victim.join()
        now = time.monotonic()
        wait_until("the others to go on", lambda: len(found.behind(now)) == WRITERS // 2)
        assert not found.stop()
        placed = found.read()
        # What the killed process was not told in time may be there; what is there twice is not.
        assert (placed.lost, placed.twice) == ((), ())
