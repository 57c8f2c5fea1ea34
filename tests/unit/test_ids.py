"""Turn ids."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid

import pytest

from holdfast.ids import _TurnIds, new_turn_id
from holdfast.keys import validate_turn_id


def test_a_turn_id_is_a_uuid_of_version_7_that_the_store_accepts() -> None:
    before = time.time_ns() // 1_000_000
    turn_id = new_turn_id()
    after = time.time_ns() // 1_000_000
    parsed = uuid.UUID(turn_id)
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert before <= parsed.int >> 80 <= after + 1
    assert validate_turn_id(turn_id) == turn_id


def test_ids_grow_within_a_millisecond_and_when_the_clock_steps_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moments = iter([5_000, 5_000, 5_000, 4_000, 3_000, 6_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(moments) * 1_000_000)
    ids = _TurnIds()
    minted = [ids.mint() for _ in range(6)]
    assert minted == sorted(set(minted))


def test_an_overflow_within_a_millisecond_moves_on_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 5_000_000_000)
    ids = _TurnIds()
    first = ids.mint()
    ids._random = (1 << 74) - 1
    second = ids.mint()
    assert second > first
    assert uuid.UUID(second).int >> 80 == 5_001


def test_threads_never_mint_the_same_id() -> None:
    minted: list[str] = []

    def work() -> None:
        mine = [new_turn_id() for _ in range(2000)]
        assert mine == sorted(mine)
        minted.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(minted)) == 8000


_FORK = """
import os
from holdfast.ids import new_turn_id

new_turn_id()
child = os.fork()
text = "".join(new_turn_id() + "\\n" for _ in range(100))
if child != 0:
    assert os.waitpid(child, 0)[1] == 0
os.write(1, text.encode())
os._exit(0)
"""


def test_a_forked_child_mints_other_ids_than_its_parent() -> None:
    # In a process of its own: this one has threads, which a fork does not take along.
    ended = subprocess.run(
        [sys.executable, "-c", _FORK], capture_output=True, text=True, timeout=60, check=True
    )
    minted = ended.stdout.split()
    assert len(set(minted)) == len(minted) == 200
