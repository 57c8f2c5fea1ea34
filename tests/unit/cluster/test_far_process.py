"""The far side as the process that it is in a pod."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from holdfast.cluster.channel import PipeChannel
from holdfast.cluster.near_side import run_task
from holdfast.cluster.tasks import Smoke
from holdfast.connection import Address, Connection, Tls, Topology, User
from holdfast.errors import StoreUnavailable
from holdfast.roles import Role

_NOBODY = Connection(
    target="kubernetes",
    topology=Topology.STANDALONE,
    engine="valkey",
    engine_version="9.1.2",
    app="app",
    users={Role.SVC: User("svc", password="a-password")},
    tls=Tls(),
    primary=Address("127.0.0.1", 1),
)


class _Screen:
    def watch(self, done: int, total: int, waiting: str) -> None: ...


@contextmanager
def _process() -> Iterator[tuple[subprocess.Popen[bytes], PipeChannel]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "holdfast.cluster.far_side"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    channel = PipeChannel(os.dup(child.stdout.fileno()), os.dup(child.stdin.fileno()))
    child.stdin.close()
    child.stdout.close()
    try:
        yield child, channel
    finally:
        channel.close()
        child.kill()
        child.wait()
        assert child.stderr is not None
        child.stderr.close()


def test_what_a_check_raises_in_the_process_is_raised_here() -> None:
    with _process() as (child, channel):
        task = Smoke(_NOBODY, (), 10.0)
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1"):
            run_task(channel, task, {"screen": _Screen()}, threading.Event())
        assert child.wait(20) == 0


def test_a_process_whose_caller_hangs_up_ends_by_itself() -> None:
    with _process() as (child, channel):
        channel.close()
        assert child.wait(30) == 1


def test_the_client_of_kubernetes_is_not_needed_in_the_pod_nor_by_the_client() -> None:
    asked = (
        "import sys, holdfast, holdfast.cluster.far_side, holdfast.cluster.idle, "
        "holdfast.verify.cli; print([m for m in sys.modules if m.split('.')[0] in "
        "('kubernetes', 'yaml', 'pulumi', 'websocket')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
